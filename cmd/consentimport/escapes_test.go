package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// No control character of a header, a cell, a file name, a flag, a mapping or a text of
// the target comes out of any command.
func TestNoEscapeReachesATerminal(t *testing.T) {
	t.Parallel()
	const evil = "\x1b[2J\x1b]0;owned\x07\u009b31m\u202e"
	dir := t.TempDir()
	r := newRehearsal(t, "echo=50%")
	r.dir = dir
	odd := r.write(t, "ex"+evil+"port.csv", fmt.Sprintf("id,deci%ssion,mail,purpose,decided\n1,ye%ss,a%sb@x.example,mail%s,2024-01-01T00:00:00Z\n2,yes,c@x.example,ma%sil,2024-01-%sxx\n", evil, evil, evil, evil, evil, evil))
	good := r.write(t, "good.csv", exportHeader+exportRow(1, "ann", "ma"+evil+"il", "yes")+exportRow(2, "b"+evil+"ob", "ads", "h"+evil+"m")+exportRow(3, "cat", "ads", "no"))
	plain := r.write(t, "plain.yaml", strings.Replace(plainMapping, "name: plain", `name: "pla\e[2Jin"`, 1))
	bad := r.write(t, "ma"+evil+"pping.yaml", strings.ReplaceAll(plainMapping, "from: decision", "from: \"deci\\e[2Jsion\"")+"x\x1by: 1\n")
	column := r.write(t, "column.yaml", strings.ReplaceAll(plainMapping, "from: decision", "from: \"deci\\e[2Jsion\""))
	value := r.write(t, "value.yaml", strings.ReplaceAll(plainMapping, "\"yes\": accept", "\"ye\\e[2Js\": acc\\e[2Jept"))
	out := filepath.Join(dir, "o"+evil+"ut")
	commands := [][]string{
		{"inspect", odd}, {"inspect", "--suggest", odd}, {"inspect", "--json", good}, {"inspect", good},
		{"run", "--dry-run", "--mapping", plain, odd}, {"run", "--dry-run", "--mapping", bad, good}, {"run", "--dry-run", "--mapping", column, good},
		{"run", "--dry-run", "--mapping", value, good}, {"run", "--dry-run", "--mapping", plain, "--out", out, good}, {"report", out}, {"verify", out},
		{"verify", "--subject", "b" + evil + "ob", out}, {"report", dir + "/no" + evil + "thing"}, {"run", "--preset", "x" + evil, good}, {"run", "--no" + evil, good}, {"x" + evil},
		{"mapping", "check", bad}, {"mapping", "check", value}, {"mapping", "try", plain, odd}, {"mapping", "try", plain, good}, {"mapping", "test", bad}, {"mapping", "show", "x" + evil},
		{"run", "--dry-run", "--mapping", plain, "--suppress", dir + "/no" + evil, good}, {"run", "--dry-run", "--mapping", plain, "--delimiter", evil, good}, {"run", "--dry-run", "--mapping", plain, "--encoding", evil, good},
		{"run", "--sandbox", "--mapping", plain, "--approved", evil, good}, {"run", "--sandbox", "--mapping", plain, "--set", "x=" + evil, good}, {"run", "--sandbox", "--mapping", plain, "--history", evil, good},
		append(append([]string{"run", "--mapping", plain, "--out", out + "2"}, r.target()...), good), {"report", out + "2"}, {"verify", out + "2"}, {"evidence", out + "2"},
		{"purge", out + evil}, {"ctl", out, "st" + evil}, {"sandbox", "--faults", evil}, {"sandbox", "--addr", evil}, {"job", "slurm", "--shards", evil, good}, {"job", "slurm", "--shards", "2", "--mapping", plain, "--out", out, good},
	}
	shown := 0
	for _, args := range commands {
		f := r.here(t, nil, args...)
		shown += len(f.stdout) + len(f.stderr)
		if args[0] == "job" && f.code == exitComplete {
			continue // a script is a file, in which names stand as they are
		}
		for name, text := range map[string]string{"standard output": f.stdout, "standard error": f.stderr} {
			for _, c := range []string{"\x1b", "\x07", "\u009b", "\u202e"} {
				if at := strings.Index(text, c); at >= 0 {
					assert.Fail(t, "a control character comes out", "%q, %s: %q", args, name, text[max(0, at-120):min(len(text), at+40)])
				}
			}
		}
	}
	require.Greater(t, shown, 5000)
}
