package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/consentimport/consentimport/report"
)

// slurmScript is the array script. What it knows of Slurm: a task that ends by itself is
// not restarted, so it requeues itself; one that is requeued or cancelled from outside
// gets SIGTERM first, and the script passes that on; --signal asks for one before the
// time is up.
const slurmScript = `#!/usr/bin/env bash
#SBATCH --job-name=consentimport
#SBATCH --array=0-%[1]d
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:TERM@60
# An import in %[2]d shards, one a task. Submit it with sbatch, with INTEMPT_API_KEY in the
# environment unless the command below names a key file. CONSENTIMPORT says where the
# program is, where that is not in the PATH of the nodes. A task needs no more than 512 MB. When
# all tasks have ended:
#   %[3]s
set -u
out=%[4]s
mkdir -p -- "$out"
"${CONSENTIMPORT:-consentimport}" %[5]s &
task=$!
trap 'kill -TERM "$task" 2>/dev/null' TERM INT HUP
while :; do # a signal ends the wait, and not the task
  wait "$task"
  code=$?
  kill -0 "$task" 2>/dev/null || break
done
case $code in
  0) exit 0 ;; # this shard is complete
  2) exit 2 ;; # it would end like this again
esac
if [ "${SLURM_RESTART_COUNT:-0}" -ge 50 ]; then
  echo "task $SLURM_ARRAY_TASK_ID: ended with $code, started 50 times: given up" >&2
  exit "$code"
fi
case $(scontrol show job --oneliner "$SLURM_JOB_ID" 2>/dev/null) in
  *JobState=CANCELLED*) exit "$code" ;;
esac
echo "task $SLURM_ARRAY_TASK_ID: ended with $code, again" >&2
scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
exit "$code"
`

func printSlurm(w io.Writer, j *job) error {
	const own = "CONSENTIMPORT_TASK_DIRECTORY" // a word that stands for itself until it was quoted
	for _, given := range j.flags {
		if given.Name == "metrics" && !strings.HasSuffix(given.Value, ":0") {
			return usage("give --metrics :0: each task says in its log which port it has", "--metrics %s is not for the tasks of an array: two of them on one node cannot have one port", given.Value)
		}
	}
	if strings.HasPrefix(j.out, "-") {
		j.out = "./" + j.out // for report it would be a flag
	}
	line := report.ShellLine(j.command(own))
	line = strings.Replace(line, own, `"$out/shard-$SLURM_ARRAY_TASK_ID"`, 1)
	join := report.ShellLine([]string{"consentimport", "report"}) + " " + report.ShellLine([]string{j.out}) + "/shard-* --out " + report.ShellLine([]string{strings.TrimRight(j.out, "/") + "-joined"})
	_, err := fmt.Fprintf(w, slurmScript, j.shards-1, j.shards, strings.ReplaceAll(join, "\n", " "), report.ShellLine([]string{j.out}), line)
	return err
}
