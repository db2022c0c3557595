package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The fields that the vendor's server SDKs send beside those of the reference are sent
// when they are mapped and the row has them, and only then: in whatever order a history
// leaves, and through a stop. Two consents that differ in one of them alone are no repeat.
func TestTheFieldsOfTheSDKsAreSentWhenMapped(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	mapping := r.write(t, "sdk.yaml", `name: sdk
consent:
  userId: id
  action: {from: said, values: {"yes": accept, "no": reject}}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: {const: mail}
  reason: why
  method: {from: how, values: {"f": form}, default: form}
  deviceInfo: {template: "{device}"}
tests:
  - row: {id: a, said: "yes", at: "2024-01-01T00:00:00Z", why: w, how: f, device: phone}
    consents: [{userId: a, reason: w, method: form, deviceInfo: phone}]
`)
	r.write(t, "export.csv", "id,said,at,why,how,device\n"+
		"ann,no,2024-02-01T00:00:00Z,\"he said \"\"no\"\"\",f,phone\n"+
		"ann,yes,2024-01-01T00:00:00Z,,f,\n"+ // leaves before the first row
		"bob,yes,2024-01-01T00:00:00Z,sign-up,f,tablet\n"+
		"bob,yes,2024-01-01T00:00:00Z,sign-up,f,watch\n"+ // no repeat
		"bob,yes,2024-01-01T00:00:00Z,sign-up,f,watch\n") // a repeat
	r.here(t, nil, "mapping", "test", mapping).requireCode(t, exitComplete)
	tried := r.here(t, nil, "mapping", "try", "--unmasked", mapping, r.export).requireCode(t, exitComplete)
	assert.Contains(t, tried.stdout, `reason "sign-up", method "form", deviceInfo "watch"`)
	for _, dialect := range []string{"docs", "sdk"} {
		before := len(r.server.Consents())
		args := append(append([]string{"run", "--mapping", mapping}, r.target()...), "--dialect", dialect, "--out", r.out()+dialect)
		r.here(t, nil, append(args, "--limit", "3", r.export)...).requireCode(t, exitIncomplete)
		r.here(t, nil, append(args, "--resume", r.export)...).requireCode(t, exitComplete)
		got := map[string][]string{}
		for _, c := range r.server.Consents()[before:] {
			got[c.UserID] = append(got[c.UserID], fmt.Sprintf("%s|%s|%s|%s", c.Action, c.Reason, c.Method, c.DeviceInfo))
		}
		assert.Equal(t, map[string][]string{
			"ann": {"accept||form|", `reject|he said "no"|form|phone`},
			"bob": {"accept|sign-up|form|tablet", "accept|sign-up|form|watch"},
		}, got)
		s := summaryIn(t, r.out()+dialect)
		assert.EqualValues(t, 1, s.Consents.Superseded)
		r.here(t, nil, "verify", r.out()+dialect).requireCode(t, exitComplete)
	}
	other := r.write(t, "canonical.csv", "userId,action,timestamp,method\nann,accept,2024-01-01T00:00:00Z,form\n")
	before := len(r.server.Consents())
	r.here(t, nil, append(append([]string{"run", "--preset", "canonical"}, r.target()...), other)...).requireCode(t, exitComplete)
	all := r.server.Consents()
	require.Len(t, all, before+1)
	assert.Equal(t, "form", all[before].Method)
	assert.Empty(t, all[before].Reason)
}
