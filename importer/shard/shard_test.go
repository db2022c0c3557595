package shard_test

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/shard"
	"github.com/consentimport/consentimport/mapping"
)

// The vectors of the README are for ever: a checkpoint of a shard rests on them.
func TestVectorsOfTheReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	lines := regexp.MustCompile("(?m)^\\| `(.*)` \\| `(.*)` \\| `([0-9a-f]{16})` \\| ([0-9]+) \\| ([0-9]+) \\| ([0-9]+) \\|$").FindAllStringSubmatch(string(text), -1)
	require.GreaterOrEqual(t, len(lines), 6, "the README has lost its vectors")
	for _, l := range lines {
		given, err := strconv.Unquote(`"` + l[1] + `"`)
		require.NoError(t, err)
		var buf []byte
		c := mapping.Consent{UserID: []byte(given)}
		key := c.SubjectKey(&buf)
		assert.Equal(t, l[2], string(key), "%s as compared", l[1])
		assert.Equal(t, l[3], fmt.Sprintf("%016x", xxhash.Sum64(key)), "hash of %s", l[1])
		for i, n := range []int{3, 8, 64} {
			assert.Equal(t, l[4+i], strconv.Itoa(shard.Of(key, n)), "shard of %s among %d", l[1], n)
		}
	}
}

// Every consent and every row is in exactly one shard, and a person in one alone.
func TestOneShardHasIt(t *testing.T) {
	var buf []byte
	for _, n := range []int{1, 2, 3, 8, 64} {
		seen := map[int]bool{}
		for row := int64(1); row <= 1000; row++ {
			one := mapping.Consent{UserID: fmt.Appendf(nil, "u%d", row)}
			other := mapping.Consent{Email: fmt.Appendf(nil, "U%d@Example.com", row)}
			has, rows, bare := 0, 0, 0
			for i := 1; i <= n; i++ {
				s := shard.Shard{I: i, N: n}
				if s.Has(&one, &buf) {
					has++
					seen[i] = true
					assert.True(t, s.HasRow(row, []mapping.Consent{{}, one, other}, &buf), "the row of the first person in it")
				}
				if s.HasRow(row, []mapping.Consent{one, other}, &buf) {
					rows++
				}
				if s.HasRow(row, nil, &buf) {
					bare++
				}
			}
			require.Equal(t, [3]int{1, 1, 1}, [3]int{has, rows, bare}, "row %d of %d shards", row, n)
		}
		assert.Len(t, seen, n, "no shard is without people")
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]shard.Shard{"": {I: 1, N: 1}, "1/1": {I: 1, N: 1}, "3/8": {I: 3, N: 8}, "100000/100000": {I: 100000, N: 100000}} {
		got, err := shard.Parse(text)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, text := range []string{"0/8", "9/8", "8", "1/", "/8", "1/8/2", "-1/8", "+1/8", "01/8", "a/b", "1/100001", " 1/8", "1/0"} {
		_, err := shard.Parse(text)
		assert.Error(t, err, text)
	}
}

func TestDetect(t *testing.T) {
	slurm := func(id, min, max, count string) string {
		return "SLURM_ARRAY_TASK_ID=" + id + " SLURM_ARRAY_TASK_MIN=" + min + " SLURM_ARRAY_TASK_MAX=" + max + " SLURM_ARRAY_TASK_COUNT=" + count
	}
	for env, want := range map[string]string{
		"JOB_COMPLETION_INDEX=0 CONSENTIMPORT_SHARDS=8":          "1/8",
		"JOB_COMPLETION_INDEX=7 CONSENTIMPORT_SHARDS=8":          "8/8",
		"NOMAD_ALLOC_INDEX=2 CONSENTIMPORT_SHARDS=3":             "3/3",
		"AWS_BATCH_JOB_ARRAY_INDEX=4 AWS_BATCH_JOB_ARRAY_SIZE=5": "5/5",
		"BATCH_TASK_INDEX=0 BATCH_TASK_COUNT=2":                  "1/2",
		slurm("0", "0", "7", "8"):                                "1/8",
		slurm("12", "5", "12", "8"):                              "8/8",
		slurm("12", "5", "12", "8") + " CONSENTIMPORT_SHARDS=8":  "8/8",
		"JOB_COMPLETION_INDEX=0 CONSENTIMPORT_SHARDS=1":          "1/1",
		"":                       "no scheduler",
		"JOB_COMPLETION_INDEX=0": "set CONSENTIMPORT_SHARDS",
		"NOMAD_ALLOC_INDEX=0":    "set CONSENTIMPORT_SHARDS",
		"CONSENTIMPORT_SHARDS=8": "no scheduler",
		"JOB_COMPLETION_INDEX=8 CONSENTIMPORT_SHARDS=8":                    "none of 8 tasks",
		"JOB_COMPLETION_INDEX=x CONSENTIMPORT_SHARDS=8":                    "not a number",
		"JOB_COMPLETION_INDEX=-1 CONSENTIMPORT_SHARDS=8":                   "not a number",
		"JOB_COMPLETION_INDEX=0 CONSENTIMPORT_SHARDS=0":                    "from 1 to",
		"JOB_COMPLETION_INDEX=0 CONSENTIMPORT_SHARDS=8 BATCH_TASK_INDEX=0": "two schedulers",
		"BATCH_TASK_INDEX=0 BATCH_TASK_COUNT=2 CONSENTIMPORT_SHARDS=3":     "CONSENTIMPORT_SHARDS says",
		"AWS_BATCH_JOB_ARRAY_INDEX=4":                                      "not a number",
		slurm("3", "1", "9", "5"):                                          "gaps or steps",
		slurm("3", "", "9", "5"):                                           "not a number",
		slurm("3", "0", "7", "8") + " JOB_COMPLETION_INDEX=3":              "two schedulers",
		slurm("8", "0", "7", "8"):                                          "none of 8 tasks",
		slurm("2", "0", "7", "9"):                                          "gaps or steps",
		"SLURM_ARRAY_TASK_ID=3":                                            "SLURM_ARRAY_TASK_COUNT is \"\"",
		"SLURM_JOB_ID=77 SLURM_PROCID=0":                                   "no scheduler",
		"AWS_BATCH_JOB_ARRAY_INDEX=5 AWS_BATCH_JOB_ARRAY_SIZE=5":           "none of 5 tasks",
		"BATCH_TASK_INDEX=0 BATCH_TASK_COUNT=0":                            "from 1 to",
		"NOMAD_ALLOC_INDEX=3 CONSENTIMPORT_SHARDS=3":                       "none of 3 tasks",
		"NOMAD_ALLOC_INDEX=0 CONSENTIMPORT_SHARDS=100001":                  "from 1 to",
		"JOB_COMPLETION_INDEX=99999999999999999999 CONSENTIMPORT_SHARDS=8": "not a number",
	} {
		got, err := shard.Detect(func(name string) string {
			for _, v := range strings.Fields(env) {
				if key, value, _ := strings.Cut(v, "="); key == name {
					return value
				}
			}
			return ""
		})
		if _, bad := shard.Parse(want); bad != nil {
			assert.ErrorContains(t, err, want, env)
			continue
		}
		if assert.NoError(t, err, env) {
			assert.Equal(t, want, got.String(), env)
		}
	}
}
