package mapping

import (
	"bytes"
	"unicode/utf8"

	"github.com/consentimport/consentimport/mapping/decode"
)

// cellMark is what a decoder's cells always hold. Some decoders are lenient with
// text that comes from their own column, so each is only asked where its mark is.
type cellMark struct {
	decoder string
	within  string
	first   bool // the mark stands at the beginning
}

func cellMarks() []cellMark {
	return []cellMark{
		{"tcf", "C", true}, {"gpp", "DB", true}, {"usp", "1", true}, {"optanon", "groups", false}, {"cookiebot", "stamp", false},
		{"cookieyes", "consentid:", false}, {"cookieinformation", "consents_approved", false}, {"axeptio", "$$", false}, {"axeptio", "axeptio_", false},
		{"trustarc", "notice_", false}, {"trustarc", "cmapi_", false}, {"complianz", "cmplz_", false}, {"klaro", "%7B", true},
		{"tarteaucitron", "!", true}, {"consentmode", "_storage", false},
	}
}

// DecoderOf names the decoder that a cell was written for and that can read it;
// empty when there is none.
func DecoderOf(cell []byte) string {
	if len(cell) < 4 || !utf8.Valid(cell) {
		return ""
	}
	var out decode.Cell
	for _, m := range cellMarks() {
		i := bytes.Index(cell, []byte(m.within))
		if i < 0 || m.first && i > 0 || m.decoder == "usp" && len(cell) != 4 || m.decoder == "tcf" && len(cell) < 20 {
			continue
		}
		if read, ok := decode.Lookup(m.decoder); ok && read(cell, &out) == nil {
			return m.decoder
		}
	}
	return ""
}
