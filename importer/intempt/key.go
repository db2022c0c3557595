package intempt

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/consentimport/consentimport/importer/blocked"
)

// masked is what a Key shows of itself.
const masked = "[key]"

// maxKeyFile is the size in bytes from which a key file is surely not one.
const maxKeyFile = 64 << 10

// Key is the API key, `identifier.secret`. However it is printed, encoded or
// logged, it shows as "[key]". The zero Key is no key.
type Key struct {
	// A pointer, because package fmt prints fields of unexported structs
	// without asking their methods: it would print an address here.
	secret *string
}

// ParseKey takes a key as an environment variable or a file holds it: white
// space, a line break and a byte order mark around it are no part of it. Its
// errors never show any of it.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if text == "" {
		return Key{}, errors.New("the API key is empty")
	}
	if strings.ContainsRune(text, 0) {
		return Key{}, errors.New("the API key holds NUL characters; save it as plain UTF-8 text, not UTF-16")
	}
	if !utf8.ValidString(text) {
		return Key{}, errors.New("the API key is not valid UTF-8; copy it again")
	}
	for i, r := range text {
		switch {
		case r == '\n' || r == '\r':
			return Key{}, fmt.Errorf("the API key holds a line break after %d characters; it must be one line", utf8.RuneCountInString(text[:i]))
		case unicode.IsControl(r):
			return Key{}, fmt.Errorf("the API key holds a control character after %d characters; copy it again", utf8.RuneCountInString(text[:i]))
		}
	}
	return Key{secret: &text}, nil
}

// ReadKey reads a key from a file, see ParseKey.
func ReadKey(path string) (Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return Key{}, blocked.Bad(blocked.KeyFile, "read the key file: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return Key{}, blocked.Bad(blocked.KeyFile, "read the key file: %w", err)
	}
	if len(text) > maxKeyFile {
		return Key{}, blocked.Bad(blocked.KeyFile, "read the key file %s: it is larger than 64 KiB, so it is not a key", path)
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return Key{}, blocked.Bad(blocked.KeyFile, "read the key file %s: %w", path, err)
	}
	return key, nil
}

// IsZero says that there is no key.
func (k Key) IsZero() bool { return k.secret == nil || *k.secret == "" }

// String gives "[key]".
func (k Key) String() string { return masked }

// GoString gives "[key]".
func (k Key) GoString() string { return masked }

// Format prints "[key]" for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// MarshalText gives "[key]".
func (k Key) MarshalText() ([]byte, error) { return []byte(masked), nil }

// MarshalJSON gives "[key]".
func (k Key) MarshalJSON() ([]byte, error) { return []byte(`"` + masked + `"`), nil }

// LogValue gives "[key]".
func (k Key) LogValue() slog.Value { return slog.StringValue(masked) }

// reveal gives the key itself, for the request and for nothing else.
func (k Key) reveal() string {
	if k.secret == nil {
		return ""
	}
	return *k.secret
}

// halves gives what stands before and after the first dot.
func (k Key) halves() (identifier, secret string, ok bool) {
	return strings.Cut(k.reveal(), ".")
}

// within reports whether a text holds the key, or its secret half, as it is or
// encoded for a URL. What is too short to be told from any word does not count.
func (k Key) within(text string) bool {
	_, secret, _ := k.halves()
	for _, part := range [...]string{k.reveal(), secret} {
		if len(part) < minSecret {
			continue
		}
		for _, form := range [...]string{part, url.QueryEscape(part), url.PathEscape(part)} {
			if strings.Contains(text, form) {
				return true
			}
		}
	}
	return false
}

// minSecret is the length in bytes from which a text is taken for the key.
const minSecret = 8

// query gives the key as a value of a query string.
func (k Key) query() string { return url.QueryEscape(k.reveal()) }
