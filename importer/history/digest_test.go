package history

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

// Two consents are repeats only when all that is sent of them is the same, each text in the
// same field; whether the index is for this process or for other ones, too.
func TestADigestIsOfEveryFieldThatIsSent(t *testing.T) {
	base := func() *mapping.Consent {
		return &mapping.Consent{
			UserID: []byte("a"), ProfileID: []byte("b"), Email: []byte("c@x.example"), Category: []byte("news"), Source: []byte("web"),
			Message: []byte("m"), Timestamp: 1, ValidUntil: 2, Action: mapping.Accept, HasSourceID: true, SourceID: 3,
			More: &mapping.More{Reason: []byte("r"), Method: []byte("w"), DeviceInfo: []byte("d")},
		}
	}
	changes := map[string]func(*mapping.Consent){
		"user":                  func(c *mapping.Consent) { c.UserID = []byte("A") },
		"user without case":     func(c *mapping.Consent) { c.UserID = []byte(" a") },
		"no user":               func(c *mapping.Consent) { c.UserID = nil },
		"profile":               func(c *mapping.Consent) { c.ProfileID = []byte("B") },
		"no profile":            func(c *mapping.Consent) { c.ProfileID = nil },
		"user is the profile":   func(c *mapping.Consent) { c.UserID, c.ProfileID = nil, []byte("a") },
		"only the profile":      func(c *mapping.Consent) { c.UserID, c.Email = nil, nil },
		"only the user":         func(c *mapping.Consent) { c.UserID, c.ProfileID, c.Email = []byte("b"), nil, nil },
		"exchanged":             func(c *mapping.Consent) { c.UserID, c.ProfileID = c.ProfileID, c.UserID },
		"email":                 func(c *mapping.Consent) { c.Email = []byte("C@x.example") },
		"no email":              func(c *mapping.Consent) { c.Email = nil },
		"only the email":        func(c *mapping.Consent) { c.UserID, c.ProfileID = nil, nil },
		"the email in capitals": func(c *mapping.Consent) { c.UserID, c.ProfileID, c.Email = nil, nil, []byte("C@x.example") },
		"category":              func(c *mapping.Consent) { c.Category = []byte("ads") },
		"spelling":              func(c *mapping.Consent) { c.Category = []byte("news ") },
		"source":                func(c *mapping.Consent) { c.Source = []byte("app") },
		"source and message":    func(c *mapping.Consent) { c.Source, c.Message = c.Message, c.Source },
		"message":               func(c *mapping.Consent) { c.Message = []byte("M") },
		"no message":            func(c *mapping.Consent) { c.Message = nil },
		"time":                  func(c *mapping.Consent) { c.Timestamp = 9 },
		"end":                   func(c *mapping.Consent) { c.ValidUntil = 9 },
		"times":                 func(c *mapping.Consent) { c.Timestamp, c.ValidUntil = 2, 1 },
		"action":                func(c *mapping.Consent) { c.Action = mapping.Reject },
		"source id":             func(c *mapping.Consent) { c.SourceID = 9 },
		"no source id":          func(c *mapping.Consent) { c.HasSourceID, c.SourceID = false, 0 },
		"source id 0":           func(c *mapping.Consent) { c.SourceID = 0 },
		"reason":                func(c *mapping.Consent) { c.More.Reason = []byte("R") },
		"reason and method":     func(c *mapping.Consent) { c.More.Reason, c.More.Method = c.More.Method, c.More.Reason },
		"method":                func(c *mapping.Consent) { c.More.Method = nil },
		"device":                func(c *mapping.Consent) { c.More.DeviceInfo = nil },
		"nothing more":          func(c *mapping.Consent) { c.More = nil },
	}
	for salt, cfg := range map[string]Config{"none": {}, "some": {Salt: []byte("salt")}} {
		b := NewBuilder(cfg)
		of := func(batch *Batch, c *mapping.Consent) uint64 {
			var e entry
			return batch.digest(c, batch.key(&e, c.Subject(), c.Category))
		}
		batch := b.NewBatch()
		seen := map[uint64]string{of(batch, base()): "nothing"}
		for name, change := range changes {
			c := base()
			change(c)
			d := of(batch, c)
			require.Empty(t, seen[d], "%s, salt %s", name, salt)
			seen[d] = name
			require.Equal(t, d, of(batch, c), "%s again", name)
			require.Equal(t, d, of(b.NewBatch(), c), "%s in another batch", name)
		}
	}
}

// BenchmarkConsent is what the index costs a row until it is sorted.
func BenchmarkConsent(b *testing.B) {
	temps, _ := temps(b)
	consents := make([]mapping.Consent, 1000)
	for i := range consents {
		consents[i] = mapping.Consent{
			UserID: fmt.Appendf(nil, "u%010d", i*7919), Email: fmt.Appendf(nil, "user%d@example.com", i*7919), Action: mapping.Accept,
			ValidUntil: 1_800_000_000_000, Timestamp: 1_700_000_000_000 + int64(i), Source: []byte("web"), Category: []byte([]string{"newsletter", "analytics", "profiling"}[i%3]),
			Message: fmt.Appendf(nil, "Migrated from the old preference centre, record %d", i),
		}
	}
	const n = 1 << 19
	for b.Loop() {
		builder := NewBuilder(Config{Names: true, Temp: temps})
		batch := builder.NewBatch()
		for i := range n {
			batch.Consent(At(int64(i+1), 1), &consents[i%len(consents)], Fate{})
			if i%len(consents) == 0 {
				if err := builder.Add(batch); err != nil {
					b.Fatal(err)
				}
			}
		}
		require.NoError(b, builder.Close())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/consent")
}
