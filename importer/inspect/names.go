package inspect

import (
	"strings"
	"unicode"

	"github.com/consentimport/consentimport/mapping"
)

// What the names of columns hint at. Nothing is decided by them: a suggestion
// is read, and completed, by a person.

// hint is a part of a name and what it counts for.
type hint struct {
	word  string
	score int
}

// lastName is the last name of a path: Status of Purposes[].Status.
func lastName(path string) string {
	path = strings.TrimSuffix(path, "[]")
	if quoted, ok := strings.CutSuffix(path, `"]`); ok {
		if i := strings.LastIndex(quoted, `["`); i >= 0 {
			return quoted[i+2:]
		}
	}
	return path[strings.LastIndexAny(path, ".]")+1:]
}

// words takes a name apart: unsubscribed_from_emails_at, EmailAddress, Date/Time.
func words(name string) []string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			b.WriteByte(' ')
			lower = false
			continue
		case unicode.IsUpper(r) && lower:
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(b.String())
}

func hasWord(name string, list []string) bool {
	for _, w := range words(lastName(name)) {
		for _, l := range list {
			if w == l || len(l) > 3 && strings.HasPrefix(w, l) {
				return true
			}
		}
	}
	return false
}

func timeWords() []string {
	return []string{"date", "time", "timestamp", "at", "on", "when", "datum", "zeit", "created", "updated", "modified", "changed", "since", "fecha", "data"}
}

// scoreOf adds up the hints whose word is in a name.
func scoreOf(name string, hints []hint) int {
	score, compact := 0, compactName(name)
	for _, h := range hints {
		if strings.Contains(compact, h.word) {
			score += h.score
		}
	}
	return score
}

// decisionHints tell columns that state a decision from other yes-and-no columns.
func decisionHints() []hint {
	return []hint{
		{"consent", 40}, {"consens", 40}, {"zgod", 40}, {"souhlas", 40}, {"samtyck", 40}, {"同意", 40}, {"autoriz", 25}, {"メルマガ", 30}, {"可否", 30}, {"配信", 25}, {"受信", 25}, {"optin", 40}, {"optout", 40}, {"opted", 40}, {"subscri", 40}, {"blacklist", 40}, {"blocklist", 40}, {"einwillig", 40}, {"toestemming", 40},
		{"permission", 30}, {"grant", 30}, {"topic", 15}, {"accept", 30}, {"agree", 30}, {"allow", 25}, {"decision", 35}, {"choice", 25}, {"preference", 30}, {"prefs", 20}, {"permit", 25},
		{"marketing", 30}, {"analytic", 30}, {"statisti", 30}, {"stats", 20}, {"advert", 30}, {"functional", 30}, {"personali", 25}, {"profiling", 25}, {"sale", 20}, {"social", 20},
		{"tracking", 25}, {"newsletter", 30}, {"cookie", 20}, {"targeting", 25}, {"werbung", 30}, {"purpose", 20}, {"gdpr", 20}, {"share", 15}, {"sharing", 15},
		{"email", 10}, {"mail", 5}, {"sms", 15}, {"push", 15}, {"whatsapp", 15}, {"phone", 10}, {"call", 10},
		{"action", 20}, {"status", 15}, {"state", 10}, {"value", 15}, {"given", 20}, {"enabled", 20}, {"answer", 15}, {"privacy", 10},
		{"test", -60}, {"verified", -60}, {"deleted", -60}, {"tax", -60}, {"exempt", -60}, {"donottrack", -60}, {"hasvoted", -60}, {"nochoice", -80}, {"nowarning", -80}, {"manipulation", -60},
		{"confirmed", -40}, {"updated", -40}, {"doubleopt", -160}, {"linked", -30}, {"bounce", -50}, {"count", -40}, {"version", -60}, {"type", -15}, {"device", -30}, {"viewed", -60},
		{"enabledli", -100}, {"legitimate", -100}, {"method", -20}, {"decryption", -60}, {"archived", -60}, {"gender", -60}, {"region", -60}, {"country", -60}, {"suppress", -10},
		{"vip", -60}, {"rating", -60}, {"undeliverable", -60},
	}
}

// timeHints tell the time of a decision from the other times of a record.
func timeHints() []hint {
	return []hint{
		{"consent", 40}, {"optin", 30}, {"opted", 30}, {"decision", 40}, {"timestamp", 35}, {"captur", 30}, {"transaction", 30}, {"event", 20}, {"request", 20}, {"hit", 20}, {"given", 20},
		{"subscrib", 15}, {"joined", 15}, {"visited", 20}, {"confirm", 25}, {"signed", 20}, {"agreed", 30}, {"accepted", 30}, {"modified", 15}, {"updated", 15}, {"changed", 15}, {"effectivefrom", 15},
		{"time", 12}, {"date", 10}, {"datum", 10}, {"created", 10}, {"added", 8}, {"last", 5}, {"first", -10}, {"receiv", -15},
		{"withdraw", -20}, {"unsub", -30}, {"optout", -20}, {"expir", -200}, {"validuntil", -200}, {"validto", -200}, {"effectiveto", -200}, {"endson", -200}, {"birth", -200}, {"purchase", -60}, {"order", -60}, {"login", -60},
		{"metadata", -60}, {"open", -40}, {"click", -40}, {"sent", -20}, {"clean", -60}, {"undeliver", -80}, {"held", -80}, {"bounce", -80}, {"seen", -30}, {"active", -20},
	}
}

// isExpiry reports whether a name is that of the time when a consent ends.
func isExpiry(name string) bool {
	return scoreOf(lastName(name), []hint{{"expir", 1}, {"validuntil", 1}, {"validtill", 1}, {"endsat", 1}, {"ablauf", 1}, {"validto", 1}, {"effectiveto", 1}, {"validthru", 1}, {"enddate", 1}, {"gueltigbis", 1}}) > 0 || compactName(lastName(name)) == "exp"
}

// personHints are names of a person's id; the whole name must be one of them.
func personHints() []hint {
	return []hint{
		{"organizationuserid", 110}, {"userid", 100}, {"externalid", 100}, {"externaluserid", 100}, {"customerid", 100}, {"contactid", 100}, {"subscriberkey", 100}, {"memberid", 100}, {"personid", 100},
		{"crmid", 100}, {"customernumber", 100}, {"kundennummer", 100}, {"individualid", 90}, {"partyid", 90}, {"uid", 80}, {"userkey", 80}, {"contactkey", 80}, {"identifier", 75}, {"contactpointid", 70},
		{"subjectid", 70}, {"leadid", 70}, {"accountid", 60}, {"clientid", 50}, {"user", 50}, {"customer", 50}, {"subscriberid", 50}, {"username", 40}, {"loginid", 60}, {"personnummer", 60}, {"kundeid", 80}, {"kundenid", 80}, {"kundennr", 100}, {"klantnummer", 100}, {"klantnr", 100}, {"idclient", 100}, {"clienteid", 90}, {"idcliente", 100},
		{"numeroclient", 100}, {"kundnummer", 100}, {"kundenr", 100}, {"medlemsnummer", 90}, {"mitgliedsnummer", 90}, {"codicecliente", 100}, {"customerno", 100}, {"customernr", 100}, {"membernumber", 90}, {"mpid", 45},
	}
}

// visitorHints are names of a browser's, a device's or a consent's own id.
func visitorHints() []hint {
	return []hint{
		{"profileid", 100}, {"anonymousid", 90}, {"controllerid", 90}, {"visitorid", 80}, {"deviceid", 90}, {"fidesuserdeviceid", 90}, {"userdeviceid", 90}, {"browserid", 90}, {"cookieid", 90}, {"consentid", 60},
		{"ucid", 90}, {"tcpid", 90}, {"receiptid", 60}, {"consentkey", 70}, {"guid", 50}, {"sub", 50}, {"datasubjectguid", 60}, {"sessionid", 40}, {"hash", 20}, {"key", 20}, {"uuid", 50}, {"id", 10},
	}
}

// categoryHints are names of what a decision is about; the whole name is one.
func categoryHints() []hint {
	return []hint{
		{"category", 100}, {"purposename", 100}, {"purpose", 90}, {"noticename", 90}, {"datausepurposeid", 90}, {"dataprocessingserviceid", 80}, {"servicename", 90}, {"service", 80}, {"categoryname", 100},
		{"subscriptionname", 95}, {"subscriptiontype", 60}, {"permissionname", 90}, {"listpurpose", 80}, {"text", 35}, {"label", 35}, {"title", 35},
		{"kanal", 60}, {"zweck", 90}, {"verwendungszweck", 95}, {"kategorie", 100}, {"finalité", 90}, {"finalite", 90}, {"finalidad", 90}, {"canal", 60}, {"doel", 90}, {"scopo", 90}, {"formål", 90}, {"permissionid", 30}, {"marketingpermissionid", 25},
		{"alias", 60}, {"topic", 70}, {"channel", 50}, {"listname", 60}, {"list", 50}, {"consenttype", 50}, {"subscription", 50}, {"purposeid", 70}, {"categoryid", 70}, {"name", 40}, {"key", 30}, {"id", 20}, {"type", 20},
	}
}

// exact gives what a whole name counts for.
func exact(path string, hints []hint) int {
	name := compactName(lastName(path))
	if name == "id" { // user.id is a user's
		if around, _, ok := cutLast(path); ok {
			switch of := compactName(lastName(around)); of {
			case "subject", "user", "customer", "contact", "person", "subscriber", "member", "individual", "lead", "client":
				name = of + "id"
			case "datasubject":
				name = "subjectid"
			}
		}
	}
	for _, h := range hints {
		if name == h.word || h.score >= 80 && len(h.word) >= 8 && strings.HasSuffix(name, h.word) {
			return h.score
		}
	}
	return 0
}

// cutLast parts a path before its last name.
func cutLast(path string) (around, name string, ok bool) {
	name = lastName(path)
	around = strings.TrimSuffix(path, "[]")
	around = strings.TrimSuffix(strings.TrimSuffix(around, `["`+name+`"]`), "."+name)
	return around, name, around != path && around != strings.TrimSuffix(path, "[]")
}

// isNecessary reports whether a column is one that sites do not ask about.
func isNecessary(name string) bool {
	last := lastName(name)
	return mapping.Necessary(last)
}
