package decode

import (
	"bytes"
	"errors"
)

var errTarteaucitron = errors.New("is not a tarteaucitron cookie of services with true, false or wait")

// readTarteaucitron reads tarteaucitron's cookie, "!gtag=true!youtube=false!
// matomo=wait": a service that waits is not decided and left out
// (AmauriC/tarteaucitron.js, tarteaucitron.js). The cookie does not say when.
func readTarteaucitron(text []byte, out *Cell) error {
	text = stripName(out.unwrap(text), "tarteaucitron")
	list, ok := bytes.CutPrefix(text, []byte{'!'})
	if !ok {
		return errTarteaucitron
	}
	err := eachField(list, "!", "=", func(name, value []byte) error {
		switch string(value) {
		case "true":
			return out.add(name, valueTrue)
		case "false":
			return out.add(name, valueFalse)
		case "wait":
			out.Undecided = "tarteaucitron: every service waits for an answer"
			return nil
		}
		return errTarteaucitron
	})
	if len(out.Elements) > 0 {
		out.Undecided = ""
	}
	return err
}
