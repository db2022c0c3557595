// Command connect is the engine of Redpanda Connect with the components that
// the comparisons use: files, CSV and JSON lines, Bloblang, HTTP. It takes the
// command line of redpanda-connect.
//
//	connect run [--set KEY=VALUE] FILE.yaml
package main

import (
	"context"

	"github.com/redpanda-data/benthos/v4/public/service"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
)

func main() { service.RunCLI(context.Background()) }
