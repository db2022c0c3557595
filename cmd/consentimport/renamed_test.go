package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Whoever was called something else in the export is found under both names when the row
// was repaired, and so is what became of it.
func TestARepairedPersonIsFoundUnderTheOldName(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "subject400=bob")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "yes")+exportRow(3, "cat", "mail", "hm")+exportRow(4, "bobby", "mail", "yes"))
	r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	r.repair(t, repairedRow(2, "robert", "mail", "no")+repairedRow(3, "kate", "mail", "ho")).requireCode(t, exitFailures)
	for subject, want := range map[string]string{
		"bob":    `(?m)^2\.1 +sent +reject +mail .* sent under another identifier: the row was repaired$`,
		"robert": `(?m)^2\.1 +sent +reject +mail `,
		"cat":    `(?m)^3 +invalid `,
		"kate":   `(?m)^3 +invalid `,
	} {
		got := r.here(t, nil, "verify", "--subject", subject, r.out()).requireCode(t, exitComplete)
		assert.Regexp(t, want, got.stdout, subject)
		assert.NotContains(t, got.stdout, "1.1", subject)
		assert.NotContains(t, got.stdout, "4.1", subject)
	}
	r.here(t, nil, "verify", "--subject", "rob", r.out()).requireCode(t, exitFailures)
}

// Where elements of a row name people, one whose element alone made no consent is found
// beside others who have theirs.
func TestAPersonWhoseElementWasSkippedIsFound(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "plain.yaml", `name: plain
input: {format: jsonl}
each:
  array: people
  skip:
    - when: each.kind == "test"
      reason: is a test
consent:
  userId: each.id
  email: {from: each.mail, optional: true}
  category: each.purpose
  action: {from: each.says, values: {"yes": accept, "no": reject}}
  timestamp: each.at
  validUntil: unlimited
  source: {const: web}
  message: {template: "row {n}"}
`)
	person := func(id, kind, says string) string {
		return `{"id":"` + id + `","mail":"` + id + `@x.example","kind":"` + kind + `","purpose":"mail","says":"` + says + `","at":"2024-05-01T10:00:00Z"}`
	}
	r.write(t, "export.csv", `{"n":1,"people":[`+person("ann", "", "yes")+`,`+person("bob", "test", "yes")+`,`+person("cat", "", "")+`]}
{"n":2,"people":[`+person("dan", "", "no")+`]}
`)
	r.here(t, nil, r.args()...).requireCode(t, exitComplete)
	for subject, want := range map[string]string{
		"ann":           `(?m)^1\.1 +sent +accept +mail `,
		"bob":           `(?m)^1 +skipped +mail .* is a test$`,
		"bob@x.example": `(?m)^1 +skipped .* elements of the row made no consent$`,
		"cat":           `(?m)^1 +skipped +mail .* no statement$`,
		"dan":           `(?m)^2\.1 +sent +reject +mail `,
	} {
		got := r.here(t, nil, "verify", "--subject", subject, r.out()).requireCode(t, exitComplete)
		assert.Regexp(t, want, got.stdout, subject)
	}
	r.here(t, nil, "verify", "--subject", "bo", r.out()).requireCode(t, exitFailures)
}
