// Package vocabulary knows what the words in exports say by themselves: yes,
// opted_out, EXPIRED, "nicht bestätigt", HARD_BOUNCE, "Do Not Email". The words
// stand in words.tsv and names.tsv, each with the language, the platform and the
// source it is from; a platform's meaning counts before the general one.
//
// Nothing is ever decided by these words: a mapping says what a value means. They
// serve to doubt a mapping (lint) and to propose one (inspect).
package vocabulary

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// Sense is what a word says by itself.
type Sense uint8

const (
	None      Sense = iota
	Yes             // yes, true, 1: what it says depends on the question
	No              // no, false, 0
	Accepted        // accepted, granted: depends on the question too, a little
	Rejected        // denied, withdrawn
	In              // opted_in, subscribed: clear whatever was asked
	Out             // opted_out, unsubscribed, do_not_sell
	Undecided       // default, pending, implied, unknown: nobody chose
	Ended           // expired, lapsed: it was given, and is over
	Delivery        // bounced, held: what became of mail, not what a person wants
	Complaint       // spam report, abuse: somebody complained about mail, and wants none
	Basis           // legitimate interest, contract: a legal ground other than consent
	Erased          // deleted, anonymised: the record or the person is gone
	senseCount
)

var senseNames = [senseCount]string{"none", "yes", "no", "accepted", "rejected", "in", "out", "undecided", "ended", "delivery", "complaint", "basis", "erased"}

func (s Sense) String() string {
	if s >= senseCount {
		return fmt.Sprintf("Sense(%d)", uint8(s))
	}
	return senseNames[s]
}

// States reports whether somebody decided something by the word: it can be taken
// for a decision without another look at where it stands.
func (s Sense) States() bool { return s >= Yes && s <= Out }

// Otherwise reports whether the word says that no consent is in force, without
// being a reject: nobody chose, it has ended, it is about something else.
func (s Sense) Otherwise() bool { return s >= Undecided }

// Word is a line of words.tsv or names.tsv.
type Word struct {
	Text      string // as platforms write it; of a name, a part of it
	Sense     Sense
	Languages string // ISO 639-1, separated by blanks; empty for signs
	Where     string // the platforms, or what kind of place
	Source    string // where that meaning is from: a page, a program's source, or "general usage"
}

//go:embed words.tsv
var wordsText string

//go:embed names.tsv
var namesText string

// list is what the two files hold, ready to be asked.
type list struct {
	words   []Word
	names   []Word
	senses  map[string]Sense // of words, in compact form
	sources map[string]int   // the place in words, by compact form
	out     []string         // parts of names, in compact form
	mail    []string
	in      []string
}

// table reads the files once. That they can be read is held by a test: a word of
// our own that is not right must not stop an import.
var table = sync.OnceValue(func() *list {
	l, _ := read(wordsText, namesText)
	return l
})

// Words lists all values that are known, in the order of words.tsv.
func Words() []Word { return table().words }

// Lookup finds what is known of a value, and where that is from.
func Lookup(value string) (Word, bool) {
	var b folded
	if !b.fold([]byte(value)) {
		return Word{}, false
	}
	i, ok := table().sources[string(b.text())]
	if !ok {
		return Word{}, false
	}
	return table().words[i], true
}

// read gives what could be read, and the first fault.
func read(words, names string) (*list, error) {
	l := &list{senses: map[string]Sense{}, sources: map[string]int{}}
	var fault error
	note := func(err error) {
		if fault == nil {
			fault = err
		}
	}
	each(words, func(w Word, err error) {
		var b folded
		switch {
		case err != nil:
			note(err)
		case !b.fold([]byte(w.Text)):
			note(fmt.Errorf("word %q is too long", w.Text))
		default:
			key := string(b.text())
			if was, twice := l.senses[key]; twice && was != w.Sense {
				note(fmt.Errorf("word %q is %s, and %s before", w.Text, w.Sense, was))
				return
			} else if !twice {
				l.senses[key] = w.Sense
				l.sources[key] = len(l.words)
			}
			l.words = append(l.words, w)
		}
	})
	each(names, func(w Word, err error) {
		switch {
		case err != nil:
			note(err)
			return
		case w.Sense == Out:
			l.out = append(l.out, w.Text)
		case w.Sense == Delivery:
			l.mail = append(l.mail, w.Text)
		case w.Sense == In:
			l.in = append(l.in, w.Text)
		default:
			note(fmt.Errorf("name %q is %s, which no name says", w.Text, w.Sense))
			return
		}
		l.names = append(l.names, w)
	})
	return l, fault
}

func each(text string, give func(Word, error)) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) != 5 || cells[0] == "" || cells[3] == "" || cells[4] == "" {
			give(Word{}, fmt.Errorf("line %q has no word, sense, language, place and source", line))
			continue
		}
		w := Word{Text: cells[0], Languages: cells[2], Where: cells[3], Source: cells[4]}
		for s := Yes; s < senseCount; s++ {
			if senseNames[s] == cells[1] {
				w.Sense = s
			}
		}
		if w.Sense == None {
			give(w, fmt.Errorf("word %q has the sense %q, which is unknown", w.Text, cells[1]))
			continue
		}
		give(w, nil)
	}
}
