package decode

import (
	"bytes"
	"net/url"
	"slices"
	"testing"
	"unicode/utf8"
)

// fuzz holds a decoder to what every one promises, on cells grown from seeds.
func fuzz(f *testing.F, name string, values []string, seeds ...string) {
	decode, ok := Lookup(name)
	if !ok || len(seeds) == 0 {
		f.Fatal("no decoder or no seeds")
	}
	for _, s := range seeds {
		f.Add([]byte(s))
		f.Add([]byte(s[:len(s)/2]))
		f.Add([]byte(url.QueryEscape(s)))
	}
	var cell, again Cell
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		err := decode(text, &cell)
		if !bytes.Equal(before, text) {
			t.Fatal("the text was changed")
		}
		if decided := err == nil && cell.Undecided == ""; decided != (len(cell.Elements) > 0) {
			t.Fatalf("%d elements, error %v, undecided %q", len(cell.Elements), err, cell.Undecided)
		}
		keys := map[string]bool{}
		for _, e := range cell.Elements {
			switch {
			case len(e.Key) == 0 || len(e.Key) > maxKey || !utf8.Valid(e.Key):
				t.Fatalf("key %q", e.Key)
			case keys[string(e.Key)]:
				t.Fatalf("key %q twice", e.Key)
			case !slices.Contains(values, string(e.Value)):
				t.Fatalf("value %q", e.Value)
			}
			keys[string(e.Key)] = true
		}
		if cell.Created < 0 || cell.Updated < 0 || cell.Days < 0 || err != nil && (cell.Created != 0 || cell.Undecided != "") {
			t.Fatalf("%+v after %v", cell, err)
		}
		if err2 := decode(text, &again); err2 != err || !slices.Equal(said(&cell), said(&again)) || cell.Created != again.Created {
			t.Fatal("the same cell says something else the second time")
		}
	})
}

var (
	yesNo   = []string{"true", "false"}
	optOuts = []string{"opted-out", "not-opted-out"}
)

func FuzzTCF(f *testing.F) {
	var seeds []string
	for _, v := range vectors[tcfVector](f, "tcf.jsonl", 40) {
		seeds = append(seeds, v.String)
	}
	fuzz(f, "tcf", yesNo, append(seeds, "BOvKJ8uOvKJ8uABABAENCZAAAAAp2AAA", "euconsent-v2=CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA==")...)
}

func FuzzGPP(f *testing.F) {
	var seeds []string
	for _, v := range vectors[gppVector](f, "gpp.jsonl", 40) {
		seeds = append(seeds, v.String)
	}
	fuzz(f, "gpp", append(yesNo, optOuts...), append(seeds, "DBACNYA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN", "DBABAD~1YNN")...)
}

func FuzzUSP(f *testing.F) { fuzz(f, "usp", optOuts, "1YNN", "1---", "usprivacy=1nyn") }

func FuzzOptanon(f *testing.F) {
	fuzz(f, "optanon", yesNo, optanon, "groups=C0002:1&OptanonAlertBoxClosed=2025-01-31T08:00:00Z", "interactionCount=1; groups=a:1")
}

func FuzzCookiebot(f *testing.F) {
	fuzz(f, "cookiebot", yesNo, "-1", "0", `{stamp:'a==',necessary:true,preferences:false,method:'explicit',ver:1,utc:1752117024919,consentmode:{a:["\"}"]}}`)
}

func FuzzCookieYes(f *testing.F) {
	fuzz(f, "cookieyes", yesNo, "consentid:QWJj,consent:yes,action:yes,necessary:yes,functional:no,other:")
}

func FuzzCookieInformation(f *testing.F) {
	fuzz(f, "cookieinformation", yesNo, `{"timestamp":"2024-03-05T10:11:12.345Z","consents_approved":["a","b\u00e9"],"consents_denied":["c"]}`)
}

func FuzzAxeptio(f *testing.F) {
	fuzz(f, "axeptio", yesNo, `{"$$date":"2024-06-01T08:09:10.111Z","$$completed":true,"$$duration":190,"$$x":{},"a":true,"b":null}`,
		",a,b,", "axeptio_authorized_vendors=,a,; axeptio_all_vendors=,a,b,")
}

func FuzzTrustArc(f *testing.F) {
	fuzz(f, "trustarc", yesNo, "0,1,2:", "notice_preferences=1:cb8350a2759273dccf1e483791e6f8fd", "permit 1|2 required", "notice_behavior=implied,eu; notice_gdpr_prefs=0|1:")
}

func FuzzComplianz(f *testing.F) {
	fuzz(f, "complianz", yesNo, "cmplz_marketing=allow; cmplz_statistics=deny; cmplz_banner-status=dismissed")
}

func FuzzKlaro(f *testing.F) {
	fuzz(f, "klaro", yesNo, `{"matomo":true,"a\u00e9\ud83d\ude00":false}`, `"{\"a\":true}"`)
}

func FuzzTarteaucitron(f *testing.F) {
	fuzz(f, "tarteaucitron", yesNo, "!gtag=true!youtube=false!matomo=wait", "tarteaucitron=!a=wait")
}

func FuzzConsentMode(f *testing.F) {
	fuzz(f, "consentmode", yesNo, "ad_storage=granted&analytics_storage=denied", `{"ad_storage":"granted"}`,
		`gtag('consent','update',{'ad_storage':'granted'});`, `dataLayer.push({"0":"consent","1":"default","2":{"ad_storage":"granted"}})`)
}
