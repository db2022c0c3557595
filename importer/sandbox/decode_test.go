package sandbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

// body writes a sound one with the fields of edit put in place of its own; a nil
// takes a field away.
func body(t testing.TB, d Dialect, edit map[string]any) string {
	t.Helper()
	fields := map[string]any{"action": "accept", "timestamp": int64(1767225600000), "validUntil": "unlimited",
		"source": "web", "category": "ads", "userId": "u1", "email": "u1@example.com", "message": "ok"}
	if d == SDK {
		fields["timestamp"] = 1767225600
	}
	for name, v := range edit {
		fields[name] = v
		if v == nil {
			delete(fields, name)
		}
	}
	b, err := json.Marshal(fields)
	require.NoError(t, err)
	return string(b)
}

func TestBodies(t *testing.T) {
	type edit = map[string]any
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	both := []Dialect{Docs, SDK}
	cases := map[string]struct {
		dialects []Dialect
		edit     edit
		want     string // message of the 400; empty: taken
	}{
		"sound":                          {both, nil, ""},
		"reject":                         {both, edit{"action": "reject"}, ""},
		"no optional field":              {both, edit{"category": nil, "email": nil, "message": nil}, ""},
		"null is absent":                 {both, edit{"category": raw("null"), "email": raw("null"), "sourceId": raw("null")}, ""},
		"unknown field":                  {both, edit{"nickname": raw(`{"a":[1,{"b":null}]}`)}, ""},
		"profile with source":            {[]Dialect{Docs}, edit{"userId": nil, "profileId": "p", "sourceId": 7}, ""},
		"profile with source, sdk":       {[]Dialect{SDK}, edit{"userId": nil, "profileId": "p", "sourceId": "7"}, ""},
		"validUntil in ms":               {[]Dialect{Docs}, edit{"validUntil": int64(1798761600000)}, ""},
		"validUntil in ms as text":       {[]Dialect{SDK}, edit{"validUntil": "1798761600000"}, ""},
		"time out of the plausible":      {both, edit{"timestamp": 1}, ""},
		"largest timestamp":              {[]Dialect{Docs}, edit{"timestamp": int64(math.MaxInt64)}, ""},
		"no action":                      {both, edit{"action": nil}, "action is required"},
		"null action":                    {both, edit{"action": raw("null")}, "action is required"},
		"unknown action":                 {both, edit{"action": "accepted"}, "action must be accept or reject"},
		"action in capitals":             {both, edit{"action": "ACCEPT"}, "action must be accept or reject"},
		"action true":                    {both, edit{"action": true}, "action must be a string"},
		"no timestamp":                   {both, edit{"timestamp": nil}, "timestamp is required"},
		"timestamp as text":              {both, edit{"timestamp": "1767225600000"}, "timestamp must be a number"},
		"timestamp with fraction":        {both, edit{"timestamp": raw("1767225600.5")}, "timestamp must be an integer"},
		"timestamp with zero fraction":   {both, edit{"timestamp": raw("1767225600.0")}, "timestamp must be an integer"},
		"timestamp with exponent":        {both, edit{"timestamp": raw("1e9")}, "timestamp must be an integer"},
		"timestamp beyond 64 bits":       {both, edit{"timestamp": raw("9223372036854775808")}, "timestamp is out of range"},
		"timestamp beyond 64 bits in ms": {[]Dialect{SDK}, edit{"timestamp": raw("9223372036854776")}, "timestamp is out of range"},
		"no validUntil":                  {both, edit{"validUntil": nil}, "validUntil is required"},
		"validUntil in ms as text, docs": {[]Dialect{Docs}, edit{"validUntil": "1798761600000"}, `validUntil must be a number or "unlimited"`},
		"validUntil number, sdk":         {[]Dialect{SDK}, edit{"validUntil": int64(1798761600000)}, "validUntil must be a string"},
		"validUntil word":                {[]Dialect{SDK}, edit{"validUntil": "forever"}, `validUntil must be epoch milliseconds or "unlimited"`},
		"validUntil empty":               {[]Dialect{SDK}, edit{"validUntil": ""}, `validUntil must be epoch milliseconds or "unlimited"`},
		"validUntil object":              {[]Dialect{Docs}, edit{"validUntil": raw("{}")}, "validUntil must be a number"},
		"no source":                      {both, edit{"source": nil}, "source is required"},
		"empty source":                   {both, edit{"source": ""}, "source is required"},
		"source number":                  {both, edit{"source": 3}, "source must be a string"},
		"category list":                  {both, edit{"category": []string{"a"}}, "category must be a string"},
		"message number":                 {both, edit{"message": 1}, "message must be a string"},
		"email false":                    {both, edit{"email": false}, "email must be a string"},
		"userId number":                  {both, edit{"userId": 12}, "userId must be a string"},
		"profileId number":               {both, edit{"profileId": 12}, "profileId must be a string"},
		"e-mail is not a subject":        {both, edit{"userId": nil}, "userId or profileId is required"},
		"empty subject":                  {both, edit{"userId": ""}, "userId or profileId is required"},
		"profile without source":         {both, edit{"profileId": "p"}, "Source is required for profileId"},
		"sourceId as text, docs":         {[]Dialect{Docs}, edit{"sourceId": "7"}, "sourceId must be a number"},
		"sourceId with fraction":         {[]Dialect{Docs}, edit{"sourceId": raw("7.5")}, "sourceId must be an integer"},
		"sourceId number, sdk":           {[]Dialect{SDK}, edit{"sourceId": 7}, "sourceId must be a string"},
		"sourceId no number, sdk":        {[]Dialect{SDK}, edit{"sourceId": "seven"}, "sourceId must be a decimal number"},
		"sourceId beyond 64 bits":        {[]Dialect{SDK}, edit{"sourceId": "9223372036854775808"}, "sourceId must be a decimal number"},
	}
	var d decoder
	for name, c := range cases {
		for _, dialect := range c.dialects {
			t.Run(name+"/"+dialect.String(), func(t *testing.T) {
				var got mapping.Consent
				err := d.decode([]byte(body(t, dialect, c.edit)), dialect, &got)
				if c.want == "" {
					require.NoError(t, err)
					return
				}
				require.Error(t, err)
				assert.Equal(t, c.want, err.Error())
			})
		}
	}
}

func TestMalformedBodies(t *testing.T) {
	cases := map[string]struct{ body, want string }{
		"empty":           {"", "Malformed JSON: unexpected end"},
		"blank":           {"  \n", "Malformed JSON: unexpected end"},
		"array":           {"[" + docsBody + "]", "Body must be one object, not an array"},
		"string":          {`"accept"`, "Body must be an object"},
		"null":            {"null", "Body must be an object"},
		"cut":             {docsBody[:len(docsBody)-1], "Malformed JSON: unexpected end"},
		"cut in a word":   {`{"action":"acc`, "Malformed JSON: unexpected end"},
		"two objects":     {docsBody + docsBody, "Malformed JSON: text after the object"},
		"trailing junk":   {docsBody + " x", "Malformed JSON: text after the object"},
		"trailing comma":  {`{"action":"accept",}`, "Malformed JSON at byte "},
		"single quotes":   {`{'action':'accept'}`, "Malformed JSON at byte 1"},
		"leading zero":    {`{"timestamp":01}`, "Malformed JSON at byte "},
		"field twice":     {`{"action":"accept","action":"reject"}`, "Malformed JSON: a field appears twice"},
		"invalid UTF-8":   {"{\"source\":\"\xff\"}", "Malformed JSON at byte "},
		"half surrogate":  {`{"source":"\ud800"}`, "Malformed JSON at byte "},
		"control in text": {"{\"source\":\"a\nb\"}", "Malformed JSON at byte "},
		"byte order mark": {"\xef\xbb\xbf" + docsBody, "Malformed JSON at byte 0"},
	}
	var d decoder
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got mapping.Consent
			err := d.decode([]byte(c.body), Docs, &got)
			require.Error(t, err)
			assert.True(t, strings.HasPrefix(err.Error(), c.want), "got %q", err)
		})
	}
}

func TestDecodesEscapesAndExactNumbers(t *testing.T) {
	var d decoder
	var c mapping.Consent
	in := `{"\u0061ction":"accept","timestamp":-1,"validUntil":9223372036854775806,"source":"w\u00e9b","sourceId":9223372036854775807,` +
		`"userId":"\ud83d\ude00\"\\\/","message":"line\nbreak","email":""}`
	require.NoError(t, d.decode([]byte(in), Docs, &c))
	assert.Equal(t, mapping.Consent{Action: mapping.Accept, Timestamp: -1, ValidUntil: math.MaxInt64 - 1, SourceID: math.MaxInt64,
		HasSourceID: true, Source: []byte("wéb"), UserID: []byte(`😀"\/`), Message: []byte("line\nbreak"), Email: []byte{}}, c)
}

func TestRequests(t *testing.T) {
	s := start(t, Config{Key: testKey})
	wrong := func(r *http.Request) { r.URL.RawQuery = "apiKey=ident.wrong" }
	basic := func(plain string) func(*http.Request) {
		return func(r *http.Request) {
			r.URL.RawQuery = ""
			r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(plain)))
		}
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	path := func(p string) func(*http.Request) {
		return func(r *http.Request) { r.URL.Path, r.URL.RawPath = p, "" }
	}
	cases := map[string]struct {
		edit func(*http.Request)
		code int
	}{
		"sound":               {func(*http.Request) {}, 200},
		"escaped key":         {func(r *http.Request) { r.URL.RawQuery = "a=b&apiKey=ident%2Esecret.with.dots" }, 200},
		"without v1":          {path("/acme/projects/web/consents/data"), 200},
		"an org called v1":    {path("/v1/projects/web/consents/data"), 200},
		"a slug with a space": {path("/v1/ac me/projects/wéb/consents/data"), 200},
		"a slug with a slash": {func(r *http.Request) {
			r.URL.RawPath = "/v1/a%2Fb/projects/web/consents/data"
			r.URL.Path = "/v1/a/b/projects/web/consents/data"
		}, 200},
		"charset":                    {header("Content-Type", "application/json; charset=UTF-8"), 200},
		"wrong key":                  {wrong, 401},
		"no key":                     {func(r *http.Request) { r.URL.RawQuery = "" }, 401},
		"empty key":                  {func(r *http.Request) { r.URL.RawQuery = "apiKey=" }, 401},
		"broken escape in key":       {func(r *http.Request) { r.URL.RawQuery = "apiKey=%zz" }, 401},
		"key with newline":           {func(r *http.Request) { r.URL.RawQuery = "apiKey=" + testKey + "%0A" }, 401},
		"wrong Basic":                {basic("ident:wrong"), 401},
		"Basic split at another dot": {basic("ident.secret:with.dots"), 401},
		"Basic without colon":        {basic("ident"), 401},
		"Bearer":                     {func(r *http.Request) { r.URL.RawQuery = ""; r.Header.Set("Authorization", "Bearer "+testKey) }, 401},
		"both, one wrong":            {header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("ident:wrong"))), 401},
		"both, right":                {header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("ident:secret.with.dots"))), 200},
		"GET":                        {func(r *http.Request) { r.Method = "GET" }, 405},
		"PUT":                        {func(r *http.Request) { r.Method = "PUT" }, 405},
		"unknown path":               {path("/v1/acme/projects/web/consents"), 404},
		"empty org":                  {path("/v1//projects/web/consents/data"), 404},
		"empty project":              {path("/v1/acme/projects//consents/data"), 404},
		"deeper path":                {path("/v2/acme/projects/web/consents/data"), 404},
		"root":                       {path("/"), 404},
		"gzip":                       {header("Content-Encoding", "gzip"), 400},
		"no content type":            {func(r *http.Request) { r.Header.Del("Content-Type") }, 400},
		"form":                       {header("Content-Type", "application/x-www-form-urlencoded"), 400},
		"latin-1":                    {header("Content-Type", "application/json; charset=latin1"), 400},
		"sdk body in docs":           {func(r *http.Request) { setBody(r, sdkBody) }, 400},
		"too large": {func(r *http.Request) {
			setBody(r, body(t, Docs, map[string]any{"message": strings.Repeat("x", maxBody)}))
		}, 413},
		"too large, chunked": {func(r *http.Request) {
			setBody(r, body(t, Docs, map[string]any{"message": strings.Repeat("x", maxBody)}))
			r.ContentLength = -1
		}, 413},
		"just not too large": {func(r *http.Request) {
			small := body(t, Docs, map[string]any{"message": ""})
			setBody(r, body(t, Docs, map[string]any{"message": strings.Repeat("x", maxBody-len(small))}))
		}, 200},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before := s.Stats().Stored
			r := request(t, s, Docs, docsBody)
			c.edit(r)
			code, answer, h, err := do(r)
			require.NoError(t, err)
			assert.Equal(t, c.code, code, answer)
			stored := s.Stats().Stored - before
			if code == 200 {
				assert.EqualValues(t, 1, stored)
				return
			}
			assert.Zero(t, stored)
			var told struct{ Errors []struct{ Message string } }
			require.NoError(t, json.Unmarshal([]byte(answer), &told), answer)
			require.Len(t, told.Errors, 1)
			assert.NotEmpty(t, told.Errors[0].Message)
			assert.NotContains(t, answer, "with.dots")
			if code == 405 {
				assert.Equal(t, "POST", h.Get("Allow"))
			}
		})
	}
	assert.Contains(t, s.Stats().Projects, "a%2Fb/web")
}

func setBody(r *http.Request, s string) {
	next := strings.NewReader(s)
	r.Body, r.ContentLength = struct {
		*strings.Reader
		nopClose
	}{next, nopClose{}}, int64(len(s))
	r.GetBody = nil
}

type nopClose struct{}

func (nopClose) Close() error { return nil }

func TestAnyKeyWillDoWithoutOne(t *testing.T) {
	s := start(t, Config{})
	for _, query := range []string{"apiKey=a.b", "apiKey=nodot"} {
		r := request(t, s, Docs, docsBody)
		r.URL.RawQuery = query
		code, _, _, err := do(r)
		require.NoError(t, err)
		assert.Equal(t, 200, code)
	}
	r := request(t, s, Docs, docsBody)
	r.URL.RawQuery = ""
	code, _, _, err := do(r)
	require.NoError(t, err)
	assert.Equal(t, 401, code)
}

func TestSuspectTimesAreKeptAndCounted(t *testing.T) {
	s := start(t, Config{})
	for _, ts := range []int64{1262303999999, 1262304000000, 2208988799999, 2208988800000, 1767225600} {
		code, _, _, err := do(request(t, s, Docs, body(t, Docs, map[string]any{"timestamp": ts})))
		require.NoError(t, err)
		require.Equal(t, 200, code)
	}
	for _, ts := range []int64{1262303999, 1262304000, 1767225600000} {
		code, _, _, err := do(request(t, s, SDK, body(t, SDK, map[string]any{"timestamp": ts})))
		require.NoError(t, err)
		require.Equal(t, 200, code)
	}
	assert.EqualValues(t, 8, s.Stats().Stored)
	assert.EqualValues(t, 3+2, s.Stats().SuspectTimestamps)
}

// What the decoder accepts, encoding/json accepts and understands alike, and it
// survives the compact form and the JSON form.
func FuzzDecode(f *testing.F) {
	for _, d := range []Dialect{Docs, SDK} {
		f.Add([]byte(body(f, d, nil)), d == SDK)
		f.Add([]byte(body(f, d, map[string]any{"profileId": "p", "sourceId": 9007199254740993, "userId": nil})), d == SDK)
		f.Add([]byte(body(f, d, map[string]any{"x": []any{1, "é\u2028", map[string]any{}}, "validUntil": 5})), d == SDK)
		f.Add([]byte(body(f, d, map[string]any{"sourceId": "17", "profileId": "p", "validUntil": "-5"})), d == SDK)
	}
	for _, s := range []string{"", "[]", "{}", `{"a":1}x`, `{"action":"accept","action":1}`, `{"timestamp":1e400}`, "{\"a\":\"\xff\"}"} {
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, in []byte, sdk bool) {
		dialect := Docs
		if sdk {
			dialect = SDK
		}
		var d decoder
		var c mapping.Consent
		whole := bytes.Clone(in)
		err := d.decode(in, dialect, &c)
		require.Equal(t, whole, in, "the body is not written to")
		if err != nil {
			return
		}
		var v map[string]any
		dec := json.NewDecoder(bytes.NewReader(in))
		dec.UseNumber()
		require.NoError(t, dec.Decode(&v), "%q", in)
		require.True(t, json.Valid(in))
		text := func(name string) string { s, _ := v[name].(string); return s }
		require.Equal(t, text("action"), c.Action.String())
		require.Equal(t, text("source"), string(c.Source))
		require.Equal(t, text("category"), string(c.Category))
		require.Equal(t, text("userId"), string(c.UserID))
		require.Equal(t, text("profileId"), string(c.ProfileID))
		require.Equal(t, text("email"), string(c.Email))
		require.Equal(t, text("message"), string(c.Message))
		n, err := v["timestamp"].(json.Number).Int64()
		require.NoError(t, err)
		if dialect == SDK {
			n *= 1000
		}
		require.Equal(t, n, c.Timestamp)

		packed := pack(nil, &c)
		var kept Consent
		unpack(packed, &kept)
		back := kept.mapped()
		require.Equal(t, packed, pack(nil, &back))
		line := kept.appendJSON(nil)
		require.NotContains(t, string(line), "\n")
		var again Consent
		require.NoError(t, json.Unmarshal(line, &again), "%s", line)
		again.At = kept.At
		require.Equal(t, kept, again)
	})
}
