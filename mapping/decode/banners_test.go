package decode

import (
	"net/url"
	"strings"
	"testing"
)

// optanon is the cookie of EXPORTS' sample, with its time and zone text.
const optanon = "isGpcEnabled=0&datestamp=Mon+Feb+10+2025+14%3A33%3A05+GMT%2B0100+(heure+normale+d%E2%80%99Europe+centrale)&version=202401.2.0" +
	"&consentId=11111111-2222-4333-8444-555555555555&interactionCount=12&landingPath=NotLandingPage" +
	"&groups=C0001%3A1%2CC0002%3A0%2CV2STACK42%3A0%2Cgad%3A1%2Cteam%3Aa%3A1%2CC0009%3A2&genVendors=V2%3A0%2C&AwaitingReconsent=false&geolocation=FR%3BIDF"

func TestOptanon(t *testing.T) {
	const at = 1739194385000 // 2025-02-10T13:33:05Z
	want := []string{"C0001=true", "C0002=false", "V2STACK42=false", "gad=true", "team:a=true"}
	plain, _ := url.QueryUnescape(optanon)
	run(t, "optanon", []example{
		{name: "cookie", text: optanon, want: want, created: at},
		{name: "decoded", text: plain, want: want, created: at},
		{name: "with plus taken for a blank", text: strings.ReplaceAll(plain, "+", " "), want: want, created: at},
		{name: "escaped as a whole", text: url.QueryEscape(optanon), want: want, created: at},
		{name: "escaped for HTML", text: strings.ReplaceAll(optanon, "&", "&amp;"), want: want, created: at},
		{name: "in quotes", text: `"` + optanon + `"`, want: want, created: at},
		{name: "with its name", text: "OptanonConsent=" + optanon, want: want, created: at},
		{
			name: "with the closing time beside it", text: "OptanonAlertBoxClosed=2025-01-31T08:00:00.500Z; OptanonConsent=" + optanon,
			want: want, created: 1738310400500, updated: at,
		},
		{name: "no count, but closed", text: "groups=C0002:1&OptanonAlertBoxClosed=2025-01-31T08:00:00Z", want: []string{"C0002=true"}, created: 1738310400000},
		{name: "another order, no time", text: "groups=C0002:1&interactionCount=1", want: []string{"C0002=true"}},
		{name: "Internet Explorer", text: "datestamp=Mon+Feb+10+14%3A33%3A05+UTC%2B0100+2025&groups=C0002%3A1&interactionCount=1", want: []string{"C0002=true"}, created: at},
		{name: "a time without zone is none", text: "datestamp=Mon+Feb+10+2025+14%3A33%3A05&groups=C0002%3A1&interactionCount=1", want: []string{"C0002=true"}},
		{name: "not answered", text: strings.Replace(optanon, "Count=12", "Count=0", 1), undecided: "interactionCount is 0"},
		{name: "nothing says it was answered", text: strings.Replace(optanon, "&interactionCount=12", "", 1), undecided: "nothing says"},
		{name: "awaited anew", text: strings.Replace(optanon, "Reconsent=false", "Reconsent=true", 1), undecided: "again"},
		{name: "no groups", text: "interactionCount=1&datestamp=x", err: errOptanonGroups},
		{name: "empty groups", text: "interactionCount=1&groups=", err: errNoChoice},
		{name: "only legitimate interest", text: "interactionCount=1&groups=C0002%3A2", err: errNoChoice},
		{name: "a group cut off", text: "interactionCount=1&groups=C0001%3A1%2CC0002", err: errOptanonGroup},
		{name: "a value of its own", text: "interactionCount=1&groups=C0001%3A3", err: errOptanonGroup},
		{name: "two cookies that differ", text: "interactionCount=1&groups=C0002%3A1; OptanonConsent=interactionCount=1&groups=C0002%3A0", err: errTwice},
		{name: "two cookies that agree", text: "groups=C0002%3A1&interactionCount=1&groups=C0002%3A1", want: []string{"C0002=true"}},
		{name: "a count that is none", text: "interactionCount=many&groups=C0001%3A1", err: errOptanonCount},
		{name: "a group with two values", text: "interactionCount=1&groups=C0002%3A1%2CC0002%3A0", err: errTwice},
	})
}

func TestCookiebot(t *testing.T) {
	const cookie = `{stamp:'ab+c/d==',necessary:true,preferences:false,statistics:false,marketing:true,method:'explicit',ver:1,utc:1752117024919,region:'ee'}`
	want := []string{"necessary=true", "preferences=false", "statistics=false", "marketing=true"}
	run(t, "cookiebot", []example{
		{name: "cookie", text: cookie, want: want, created: 1752117024919},
		{name: "as browsers store it", text: strings.NewReplacer("'", "%27", ",", "%2C").Replace(cookie), want: want, created: 1752117024919},
		{name: "escaped as a whole", text: url.QueryEscape(cookie), want: want, created: 1752117024919},
		{name: "escaped for HTML", text: strings.ReplaceAll(cookie, "'", "&#039;"), want: want, created: 1752117024919},
		{name: "with its name", text: "CookieConsent=" + cookie, want: want, created: 1752117024919},
		{name: "as JSON", text: `{"necessary":true,"marketing":false,"method":"explicit"}`, want: []string{"necessary=true", "marketing=false"}},
		{
			name: "nested objects are passed over", text: `{necessary:true,marketing:false,consentmode:{marketing:true,a:['}',"\"{"]},method:'explicit',utc:1752117024919}`,
			want: []string{"necessary=true", "marketing=false"}, created: 1752117024919,
		},
		{name: "a time in seconds is none", text: `{marketing:true,method:'explicit',utc:1752117024}`, want: []string{"marketing=true"}},
		{name: "implied", text: strings.Replace(cookie, "explicit", "implied", 1), undecided: "implied"},
		{name: "no method", text: strings.Replace(cookie, "method:'explicit',", "", 1), undecided: "counts as implied"},
		{name: "no consent needed", text: "-1", undecided: "no consent was needed"},
		{name: "declined, in the old way", text: "0", want: []string{"preferences=false", "statistics=false", "marketing=false"}},
		{name: "another method", text: strings.Replace(cookie, "explicit", "magic", 1), err: errCookiebotMethod},
		{name: "a category that is a word", text: `{marketing:'yes',method:'explicit'}`, err: errCookiebotValue},
		{name: "cut off", text: cookie[:90], err: errLiteral},
		{name: "no categories", text: `{method:'explicit'}`, err: errCookiebot},
		{name: "says two things", text: `{marketing:true,marketing:false,method:'explicit'}`, err: errTwice},
	})
}

func TestCookieYes(t *testing.T) {
	const cookie = "consentid:QWJjZGVmZ2hpamtsbW5vcA==,consent:yes,action:yes,necessary:yes,functional:no,analytics:yes,performance:no,advertisement:no"
	want := []string{"necessary=true", "functional=false", "analytics=true", "performance=false", "advertisement=false"}
	run(t, "cookieyes", []example{
		{name: "cookie", text: cookie, want: want},
		{name: "escaped", text: url.QueryEscape(cookie), want: want},
		{name: "with its name and more fields", text: "cookieyes-consent=" + cookie + ",other:,lastRenewedDate:1681369840000", want: want},
		{name: "not answered", text: strings.Replace(cookie, "action:yes", "action:no", 1), undecided: "not answered"},
		{name: "not said", text: strings.Replace(cookie, "action:yes", "action:", 1), undecided: "not answered"},
		{name: "no action at all", text: strings.Replace(cookie, "action:yes,", "", 1), undecided: "not answered"},
		{name: "cut off", text: cookie[:len(cookie)-1], err: errCookieYesValue},
		{name: "another action", text: strings.Replace(cookie, "action:yes", "action:maybe", 1), err: errCookieYesValue},
		{name: "no pairs", text: "yes,no", err: errCookieYes},
	})
}

func TestCookieInformation(t *testing.T) {
	const cookie = `{"website_uuid":"u","timestamp":"2024-03-05T10:11:12.345Z","consent_url":"https://a.example/","user_uid":"x",` +
		`"consents_approved":["cookie_cat_necessary","cookie_cat_statistic"],"consents_denied":["cookie_cat_marketing"],"user_agent":"M"}`
	want := []string{"cookie_cat_necessary=true", "cookie_cat_statistic=true", "cookie_cat_marketing=false"}
	run(t, "cookieinformation", []example{
		{name: "cookie", text: cookie, want: want, created: 1709633472345},
		{name: "escaped", text: url.QueryEscape(cookie), want: want, created: 1709633472345},
		{name: "escaped for HTML", text: strings.ReplaceAll(cookie, `"`, "&quot;"), want: want, created: 1709633472345},
		{name: "encoded twice", text: `"` + strings.ReplaceAll(cookie, `"`, `\"`) + `"`, want: want, created: 1709633472345},
		{name: "no time", text: `{"consents_denied":["a"]}`, want: []string{"a=false"}},
		{name: "a time without zone is none", text: `{"timestamp":"2024-03-05T10:11:12","consents_denied":["a"]}`, want: []string{"a=false"}},
		{name: "nothing decided", text: `{"consents_approved":[],"consents_denied":[]}`, undecided: "neither"},
		{name: "no lists", text: `{"timestamp":"2024-03-05T10:11:12Z"}`, err: errCookieInformation},
		{name: "both", text: `{"consents_approved":["a"],"consents_denied":["a"]}`, err: errTwice},
		{name: "a list of numbers", text: `{"consents_approved":[1]}`, err: errCookieInformationList},
		{name: "no list", text: `{"consents_approved":"a"}`, err: errCookieInformationList},
		{name: "cut off", text: cookie[:len(cookie)-20], err: errLiteral},
	})
}

func TestAxeptio(t *testing.T) {
	const cookie = `{"$$token":"t","$$date":"2024-06-01T08:09:10.111Z","$$completed":true,"$$duration":190,"$$scope":"persistent","$$cookiesVersion":{"name":"x"},` +
		`"$$googleConsentMode":{"ad_storage":"granted"},"google_analytics":true,"google_ads":false,"Google_Ads":true,"hotjar":null}`
	want := []string{"google_analytics=true", "google_ads=false", "Google_Ads=true"}
	const at = 1717229350111
	run(t, "axeptio", []example{
		{name: "cookie", text: cookie, want: want, created: at, days: 190},
		{name: "escaped", text: url.QueryEscape(cookie), want: want, created: at, days: 190},
		{name: "not completed", text: strings.Replace(cookie, "completed\":true", "completed\":false", 1), undecided: "not completed"},
		{name: "completed is missing", text: `{"google_analytics":true}`, undecided: "not completed"},
		{name: "a vendor that is a word", text: `{"$$completed":true,"google_analytics":"yes"}`, err: errAxeptioVendor},
		{name: "no vendor", text: `{"$$completed":true}`, err: errNoChoice},
		{name: "cut off", text: cookie[:len(cookie)-9], err: errLiteral},
		{name: "list", text: ",google_analytics,hotjar,", want: []string{"google_analytics=true", "hotjar=true"}},
		{name: "list with its name", text: "axeptio_authorized_vendors=%2Ca%2Cb%2C", want: []string{"a=true", "b=true"}},
		{name: "both lists", text: "axeptio_authorized_vendors=,a,b,; axeptio_all_vendors=,a,b,c,", want: []string{"a=true", "b=true", "c=false"}},
		{name: "nothing authorized", text: "axeptio_authorized_vendors=,,; axeptio_all_vendors=,a,", want: []string{"a=false"}},
		{name: "empty", text: ",,", undecided: "empty"},
		{name: "all without authorized", text: "axeptio_all_vendors=,a,", err: errAxeptio},
		{name: "a sentence between commas", text: ",hello there,", err: errAxeptio},
	})
}

func TestTrustArc(t *testing.T) {
	two := []string{"required=true", "functional=true", "advertising=false"}
	one := []string{"required=true", "functional=false", "advertising=false"}
	all := []string{"required=true", "functional=true", "advertising=true"}
	run(t, "trustarc", []example{
		{name: "levels", text: "0,1,2:", want: all},
		{name: "levels and a hash", text: "0|1:cb8350a2759273dccf1e483791e6f8fd", want: two},
		{name: "required alone", text: "notice_gdpr_prefs=0:", want: one},
		{name: "highest level", text: "notice_preferences=1:", want: two},
		{name: "permit", text: "cmapi_cookie_privacy=permit 1,2,3", want: all},
		{name: "permit, escaped", text: "permit_1%7C2", want: two},
		{name: "permit with a plus", text: "cmapi_cookie_privacy=permit+1%2C2", want: two},
		{name: "permit required", text: "permit 1 required", want: one},
		{name: "all of them", text: "notice_behavior=expressed,eu; notice_gdpr_prefs=0,1:; cmapi_cookie_privacy=permit 1,2", want: two},
		{name: "implied", text: "notice_behavior=implied,eu; notice_gdpr_prefs=0,1,2:", undecided: "implied"},
		{name: "implied alone", text: "implied|eu", undecided: "implied"},
		{name: "they differ", text: "notice_gdpr_prefs=0,1:; cmapi_cookie_privacy=permit 1", err: errTwice},
		{name: "a level more", text: "0,1,2,3:", err: errTrustArcLevel},
		{name: "one level that may be both", text: "2:", err: errTrustArcAlone},
		{name: "permit nothing", text: "permit", err: errTrustArcLevel},
		{name: "expressed alone", text: "expressed,eu", err: errTrustArc},
		{name: "another cookie", text: "sid=0,1:", err: errTrustArc},
		{name: "cut off", text: "0,1", err: errTrustArc},
	})
}

func TestComplianz(t *testing.T) {
	const cookies = "cmplz_functional=allow; cmplz_statistics=deny; cmplz_marketing=allow; cmplz_policy_id=15; cmplz_consented_services=; cmplz_banner-status=dismissed; sid=allow"
	want := []string{"functional=true", "statistics=false", "marketing=true"}
	run(t, "complianz", []example{
		{name: "cookies", text: cookies, want: want},
		{name: "with ampersands, escaped", text: url.QueryEscape(strings.ReplaceAll(cookies, "; ", "&")), want: want},
		{name: "with commas", text: strings.ReplaceAll(cookies, "; ", ", "), want: want},
		{name: "still shown", text: strings.Replace(cookies, "dismissed", "show", 1), undecided: "not answered"},
		{name: "no status", text: "cmplz_marketing=allow", undecided: "nothing says"},
		{name: "another value", text: strings.Replace(cookies, "marketing=allow", "marketing=yes", 1), err: errComplianzValue},
		{name: "none of its cookies", text: "a=allow; b=deny", err: errComplianz},
		{name: "cut off", text: "cmplz_banner-status=dismissed; cmplz_marketing=all", err: errComplianzValue},
	})
}

func TestKlaro(t *testing.T) {
	const cookie = `{"matomo":true,"google-analytics":false,"intercom \u00e9":true}`
	want := []string{"matomo=true", "google-analytics=false", "intercom é=true"}
	run(t, "klaro", []example{
		{name: "JSON", text: cookie, want: want},
		{name: "cookie", text: "klaro=" + strings.ReplaceAll(url.QueryEscape(cookie), "+", "%20"), want: want},
		{name: "nothing in it", text: "{}", undecided: "no service"},
		{name: "a number", text: `{"matomo":1}`, err: errKlaro},
		{name: "null", text: `{"matomo":null}`, err: errKlaro},
		{name: "an empty name", text: `{"":true}`, err: errKey},
		{name: "a broken name", text: "{\"\xff\":true}", err: errKey},
		{name: "cut off", text: cookie[:len(cookie)-1], err: errLiteral},
		{name: "two of them", text: `{"a":true}{"b":false}`, err: errLiteral},
	})
}

func TestTarteaucitron(t *testing.T) {
	run(t, "tarteaucitron", []example{
		{name: "cookie", text: "!gtag=true!youtube=false!matomo=wait", want: []string{"gtag=true", "youtube=false"}},
		{name: "with its name, escaped", text: "tarteaucitron=!gtag%3Dtrue%21youtube%3Dfalse", want: []string{"gtag=true", "youtube=false"}},
		{name: "all wait", text: "!gtag=wait!youtube=wait", undecided: "waits"},
		{name: "cut off", text: "!gtag=true!youtube=fal", err: errTarteaucitron},
		{name: "no mark", text: "gtag=true", err: errTarteaucitron},
		{name: "the mark alone", text: "!", err: errNoChoice},
	})
}

func TestConsentMode(t *testing.T) {
	want := []string{"ad_storage=true", "analytics_storage=false"}
	run(t, "consentmode", []example{
		{name: "pairs", text: "ad_storage=granted&analytics_storage=denied", want: want},
		{name: "pairs with other marks", text: "ad_storage: granted, analytics_storage: denied", want: want},
		{name: "escaped", text: "ad_storage%3Dgranted%26analytics_storage%3Ddenied", want: want},
		{name: "JSON", text: `{"ad_storage":"granted","analytics_storage":"denied","wait_for_update":500,"region":["FR"]}`, want: want},
		{name: "command", text: `gtag('consent', 'update', {'ad_storage':'granted','analytics_storage':'denied'});`, want: want},
		{name: "array", text: `["consent","update",{"ad_storage":"granted","analytics_storage":"denied"}]`, want: want},
		{name: "data layer", text: `{"0":"consent","1":"update","2":{"ad_storage":"granted","analytics_storage":"denied"}}`, want: want},
		{name: "default command", text: `gtag('consent', 'default', {'ad_storage':'granted'})`, undecided: "default"},
		{name: "default array", text: `["consent","default",{"ad_storage":"granted"}]`, undecided: "default"},
		{name: "default in the data layer", text: `{"0":"consent","1":"default","2":{"ad_storage":"granted"}}`, undecided: "default"},
		{name: "default as a pair", text: "command=default&ad_storage=granted", undecided: "default"},
		{name: "cut off", text: "ad_storage=granted&analytics_storage=den", err: errConsentModeValue},
		{name: "other names", text: "storage=granted", err: errConsentMode},
		{name: "a code", text: "G111", err: errConsentMode},
		{name: "a command cut off", text: `gtag('consent','update',{ad_storage:'granted'}`, err: errLiteral},
	})
}
