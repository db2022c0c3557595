package vocabulary

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFilesAreSound: each word has a sense, a place and a source, and none has
// two senses.
func TestFilesAreSound(t *testing.T) {
	l, err := read(wordsText, namesText)
	require.NoError(t, err)
	assert.Greater(t, len(l.words), 500)
	assert.Greater(t, len(l.names), 100)
	languages := map[string]int{}
	for _, w := range l.words {
		for i := 0; i+2 <= len(w.Languages); i += 3 {
			languages[w.Languages[i:i+2]]++
		}
		assert.Equal(t, w.Sense, Value([]byte(w.Text)), w.Text)
	}
	for _, language := range []string{"en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da"} {
		assert.Greater(t, languages[language], 25, language)
	}
	for _, w := range l.names {
		var b folded
		require.True(t, b.fold([]byte(w.Text)))
		assert.Equal(t, w.Text, string(b.text()), "a part of a name is written in small letters without signs")
	}
	for _, bad := range []string{"yes\tmaybe\ten\tx\ty\n", "yes\tyes\ten\tx\n", "yes\tyes\ten\tx\t\n", "Yes\tyes\ten\tx\ty\nYES\tno\ten\tx\ty\n"} {
		_, err := read(bad, "")
		assert.Error(t, err, "%q", bad)
	}
}

func TestValue(t *testing.T) {
	for value, want := range map[string]Sense{
		"yes": Yes, " Ja ": Yes, "SÍ": Yes, "sí": Yes, "s\u0069\u0301": Yes, "✔️": Yes, "ДА": Yes, "はい": Yes, "ＹＥＳ": Yes,
		"non": No, "NEJ": No, "Não": No, "いいえ": No,
		"Granted": Accepted, "AKZEPTIERT": Accepted, "Accepté": Accepted, "accepte": Accepted, "zaakceptowano": Accepted,
		"WITHDRAWN": Rejected, "Refusé": Rejected, "odrzucono": Rejected, "NOT_GIVEN": Rejected, "trukket tilbage": Rejected,
		"Subscribed": In, "opted-in": In, "Abonné": In,
		"UNSUBSCRIBED": Out, "Désinscrit": Out, "do_not_sell": Out, "On Hold Opt Out": Out, "user unsubscribed": Out, "Opted out (2023)": Out,
		"unconfirmed": Undecided, "Not Activated": Undecided, "implicit_consent": Undecided, "nonSubscribed": Undecided, "onInitialPageLoad": Undecided,
		"not subscribed yet": Undecided, "subscription not confirmed": Undecided, "Noch nicht bestätigt": Undecided, "non confirmé": Undecided, "not unsubscribed": Undecided,
		"EXPIRED": Ended, "subscription expired": Ended, "abgelaufen": Ended, "wygasła": Ended, "wygasla": Ended, "Expired (2019)": Ended, "UDLØBET": Ended,
		"bounced": Delivery, "HARD_BOUNCE": Delivery, "On Hold Bounce": Delivery, "spam": Complaint, "SPAM_COMPLAINT": Complaint, "soft-bounced address": Delivery,
		"LEGITIMATE_INTEREST_CLIENT": Basis, "Legitimate interest – existing customer": Basis, "Berechtigtes Interesse": Basis, "intérêt légitime": Basis,
		"deleted": Erased, "REDACTED": Erased, "gelöscht": Erased, "geloscht": Erased,
		"inscrite": In, "désabonnée": Out, "expirées": Ended, "caducada": Ended, "scaduti": Ended, "odrzucona": Rejected, "usunięto": Erased, "raderat": Erased, "återkallad": Rejected, "pendientes": Undecided,
		"Noch nicht": Undecided, "dy": Undecided, "LI": Basis, "temp_hold": Delivery, "imported": Undecided,
		"": None, "blue": None, "offers": None, "products": None, "events": None, "weekly": None, "partners": None, "fashion": None, "gold member": None, "I agree to all of this": None, "Sales and Marketing": None, "newsletter": None,
		"a text that goes on and on, far longer than any word by which a platform says what somebody decided, expired or not": None,
	} {
		assert.Equal(t, want.String(), Value([]byte(value)).String(), "%q", value)
	}
}

func TestName(t *testing.T) {
	for name, want := range map[string]Sense{
		"Do Not Email": Out, "do_not_email": Out, "doNotCall": Out, "DONOTMAIL": Out, "No Bulk Emails (User Opt Out)": Out, "NO_EMAIL": Out, "noMarketing": Out, "no sms": Out,
		"opt_out": Out, "emailOptOut": Out, "EMAIL_OPT_OUT": Out, "HasOptedOutOfEmail": Out, "hs_email_optout": Out, "Opted out of email: Marketing Information": Out,
		"Unsubscribed from all email": Out, "unsubscribed_from_emails_at": Out, "is_unsubscribed": Out, "emailBlacklisted": Out, "suppressed": Out, "Email Suppressions": Out,
		"Exclude from marketing": Out, "blocked": Out, "stop_contact": Out, "DNC": Out, "baja": Out, "fecha_baja": Out, "trabajador": None, "standard": None,
		"SaleOptOut": Out, "consents_denied": Out, "consent_withdrawn": Out, "ccpaOptout": Out, "ShouldForget": Out,
		"Widerspruch": Out, "Keine Werbung": Out, "Werbesperre": Out, "Désabonné": Out, "Ne pas contacter": Out, "No contactar": Out, "Non contattare": Out, "Niet mailen": Out,
		"Não contactar": Out, "Nie kontaktować": Out, "Kontakta ej": Out, "Kontakt ikke": Out, "Geen mailings": Out, "Ingen reklame": Out,
		"optin_mail": In, "Subscribed": In, "Consent Given": In, "notification_consent": In, "Einwilligung": In, "Toestemming": In, "zgoda": In,
		"On Hold": Delivery, "bounced": Delivery, "hard_bounce_count": Delivery,
		"marketing": None, "status": None, "not_opted_out": None, "no_consent": None, "no_optout": None, "NotOptedOut": None, "notoptedout": None, "not yet unsubscribed": None, "": None,
		"node": None, "north": None, "Notes": None, "orthodontics": None,
		"a column whose name is so long that it is rather a sentence about consent": None,
	} {
		assert.Equal(t, want.String(), Name([]byte(name)).String(), "%q", name)
	}
}

func TestNecessary(t *testing.T) {
	for _, name := range []string{"Strictly Necessary Cookies", "C0001", "essential", "Nécessaires", "technisch notwendig", "Nødvendige", "niezbędne"} {
		assert.True(t, Necessary([]byte(name)), name)
	}
	for _, name := range []string{"marketing", "non-essential", "unnecessary", "Not strictly necessary", ""} {
		assert.False(t, Necessary([]byte(name)), name)
	}
}

func TestLookup(t *testing.T) {
	w, ok := Lookup("not activated")
	require.True(t, ok)
	assert.Equal(t, Undecided, w.Sense)
	assert.Equal(t, "Magento", w.Where)
	assert.NotEmpty(t, w.Source)
	_, ok = Lookup("blue")
	assert.False(t, ok)
}

// FuzzValue: no text stops the program, and case changes no sense.
func FuzzValue(f *testing.F) {
	for _, s := range []string{"", "yes", "Noch nicht bestätigt", "\xff", "İ", "nonSubscribed", "🇩🇪"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, _, _ = Value([]byte(s)), Name([]byte(s)), Necessary([]byte(s))
	})
}

// BenchmarkValue is what lint pays for a value that it has not seen.
func BenchmarkValue(b *testing.B) {
	word := []byte("Legitimate interest")
	b.ReportAllocs()
	for range b.N {
		Value(word)
	}
}
