// Command consentimport moves people's consent decisions out of a legacy
// consent platform's export into Intempt's Consent API.
package main

import (
	"os"
	_ "time/tzdata" // the same zones on every machine: a mapping must not depend on where it runs

	_ "golang.org/x/crypto/x509roots/fallback" // where a system has no trusted roots: an image without any other file
)

func main() { os.Exit(run(realEnvironment(), os.Args[1:])) }
