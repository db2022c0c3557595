package sandbox

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// page asks one of the sandbox's own.
func page(t *testing.T, s *Server, method, name, body string) (int, string) {
	t.Helper()
	code, answer, _, err := do(mustRequest(t, method, strings.TrimSuffix(s.URL(), "/v1")+"/_sandbox/"+name, body))
	require.NoError(t, err)
	return code, answer
}

func send(t *testing.T, s *Server, d Dialect, edit map[string]any) {
	t.Helper()
	code, answer, _, err := do(request(t, s, d, body(t, d, edit)))
	require.NoError(t, err)
	require.Equal(t, 200, code, answer)
}

func TestPages(t *testing.T) {
	s := start(t, Config{Key: testKey})
	type edit = map[string]any
	send(t, s, Docs, edit{"userId": "anna", "sourceId": int64(9007199254740993), "email": nil})
	send(t, s, Docs, edit{"userId": "bert", "email": "bert", "validUntil": int64(1798761600000), "message": "a \"quote\"\n\u2028"})
	send(t, s, SDK, edit{"userId": "anna", "action": "reject", "email": nil})
	send(t, s, Docs, edit{"userId": "anna", "sourceId": int64(9007199254740993), "email": nil})

	code, answer := page(t, s, "GET", "consents", "")
	assert.Equal(t, 200, code)
	lines := strings.Split(strings.TrimSuffix(answer, "\n"), "\n")
	require.Len(t, lines, 4)
	assert.Regexp(t, `^{"action":"accept","timestamp":1767225600000,"validUntil":"unlimited","source":"web","category":"ads",`+
		`"sourceId":9007199254740993,"userId":"anna","message":"ok","_seq":1,"_at":"20\d\d-[^"]*Z","_dialect":"docs"}$`, lines[0])
	assert.Contains(t, lines[1], `"validUntil":1798761600000`)
	assert.Contains(t, lines[1], `"email":"bert"`)
	assert.Contains(t, lines[2], `"_seq":3`)
	assert.Contains(t, lines[2], `"timestamp":1767225600000`)
	assert.Contains(t, lines[2], `"_dialect":"sdk"`)

	code, answer = page(t, s, "GET", "consents?userId=anna", "")
	assert.Equal(t, 200, code)
	var list []Consent
	require.NoError(t, json.Unmarshal([]byte(answer), &list))
	require.Len(t, list, 3)
	assert.Equal(t, list, s.Of("anna"))
	assert.Equal(t, []int64{1, 3, 4}, []int64{list[0].Seq, list[1].Seq, list[2].Seq})
	code, answer = page(t, s, "GET", "consents?userId=nobody", "")
	assert.Equal(t, 200, code)
	assert.Equal(t, "[]\n", answer)
	for _, misspelt := range []string{"consents?userid=anna", "consents?user=anna", "consents?userId=anna&category=ads"} {
		code, answer = page(t, s, "GET", misspelt, "")
		assert.Equal(t, 400, code, "whoever misspells a person does not ask for everybody: %s", misspelt)
		assert.NotContains(t, answer, "timestamp")
	}

	var st Stats
	code, answer = page(t, s, "GET", "stats", "")
	assert.Equal(t, 200, code)
	require.NoError(t, json.Unmarshal([]byte(answer), &st))
	assert.Equal(t, s.Stats(), st)
	assert.Equal(t, [5]int64{4, 4, 3, 1, 2}, [5]int64{st.Requests, st.Stored, st.Distinct, st.Duplicates, st.Subjects})

	code, answer = page(t, s, "POST", "faults", "refuse=100%\n")
	assert.Equal(t, 200, code)
	assert.JSONEq(t, `{"faults":"refuse=100%"}`, answer)
	code, _, _, err := do(request(t, s, Docs, docsBody))
	require.NoError(t, err)
	assert.Equal(t, 400, code)
	code, answer = page(t, s, "POST", "faults", "refuze=1%")
	assert.Equal(t, 400, code)
	assert.Contains(t, answer, "did you mean refuse?")
	_, answer = page(t, s, "GET", "faults", "")
	assert.JSONEq(t, `{"faults":"refuse=100%"}`, answer)
	code, _ = page(t, s, "POST", "faults", "")
	assert.Equal(t, 200, code)

	code, _ = page(t, s, "POST", "reset", "")
	assert.Equal(t, 200, code)
	assert.Empty(t, s.Consents())
	st = s.Stats()
	assert.Zero(t, st.Requests+st.Stored+st.Subjects+st.MaxInFlight)
	assert.Empty(t, st.ByStatus)
	send(t, s, Docs, nil)
	assert.EqualValues(t, 1, s.Consents()[0].Seq)

	code, _ = page(t, s, "GET", "reset", "")
	assert.Equal(t, 405, code)
	code, _ = page(t, s, "POST", "stats", "")
	assert.Equal(t, 405, code)
	code, _ = page(t, s, "GET", "nothing", "")
	assert.Equal(t, 404, code)
}

func TestStoreFileOutlivesTheServer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.jsonl")
	s := start(t, Config{Store: file})
	send(t, s, Docs, map[string]any{"userId": "anna", "sourceId": int64(9007199254740993)})
	send(t, s, SDK, map[string]any{"userId": "bert", "action": "reject", "validUntil": "1798761600000"})
	send(t, s, SDK, map[string]any{"userId": "anna", "message": "naïve\n"})
	want := s.Consents()
	require.NoError(t, s.Close())
	whole, err := os.ReadFile(file)
	require.NoError(t, err)

	for _, tail := range []string{"", `{"action":"acc` + strings.Repeat("e", 1000)} { // sound, and torn by a kill
		require.NoError(t, os.WriteFile(file, append(whole[:len(whole):len(whole)], tail...), 0o600))
		s = start(t, Config{Store: file})
		assert.Equal(t, want, s.Consents())
		assert.Len(t, s.Of("anna"), 2)
		assert.EqualValues(t, 3, s.Stats().Distinct)
		send(t, s, Docs, map[string]any{"userId": "carl"})
		assert.EqualValues(t, 4, s.Consents()[3].Seq)
		require.NoError(t, s.Close())
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(string(got), string(whole)))
		assert.Equal(t, 4, strings.Count(string(got), "\n"))
	}

	s = start(t, Config{Store: file})
	require.NoError(t, s.Reset())
	send(t, s, Docs, nil)
	require.NoError(t, s.Close())
	s = start(t, Config{Store: file})
	assert.Len(t, s.Consents(), 1)
	require.NoError(t, s.Close())

	require.NoError(t, os.WriteFile(file, []byte("{\"action\":\"accept\"}\nnonsense\n"), 0o600))
	_, err = New(Config{Store: file})
	assert.ErrorContains(t, err, "line 1: decode consent: validUntil")
	_, err = New(Config{Store: t.TempDir()})
	assert.ErrorContains(t, err, "open store")
}

// TestAPortAloneIsForThisMachine: an address without a host is on loopback.
func TestAPortAloneIsForThisMachine(t *testing.T) {
	s := start(t, Config{Addr: ":0"})
	assert.Regexp(t, `^http://127\.0\.0\.1:[1-9]`, s.URL())
}

func TestConfigIsChecked(t *testing.T) {
	_, err := New(Config{Addr: "8787"})
	assert.ErrorContains(t, err, "write host:port")
	_, err = New(Config{Key: "a.b\n"})
	assert.ErrorContains(t, err, "white space")
	busy := start(t, Config{})
	_, err = Start(Config{Addr: strings.TrimSuffix(strings.TrimPrefix(busy.URL(), "http://"), "/v1")})
	assert.ErrorContains(t, err, "listen on 127.0.0.1")
}
