package shard

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// CountVariable says how many shards there are where the scheduler does not.
const CountVariable = "CONSENTIMPORT_SHARDS"

// scheduler is one whose environment tells a task which one it is.
type scheduler struct {
	name string
	// index and, where there is one, count are the variables that it sets.
	index, count string
	// first and last are the variables of the lowest and the highest index of the job;
	// without them it counts from 0.
	first, last string
}

// schedulers is the table of those that are known, by their documentation.
var schedulers = []scheduler{
	{name: "a Kubernetes Indexed Job", index: "JOB_COMPLETION_INDEX"},
	{name: "a Slurm array", index: "SLURM_ARRAY_TASK_ID", count: "SLURM_ARRAY_TASK_COUNT", first: "SLURM_ARRAY_TASK_MIN", last: "SLURM_ARRAY_TASK_MAX"},
	{name: "an AWS Batch array", index: "AWS_BATCH_JOB_ARRAY_INDEX", count: "AWS_BATCH_JOB_ARRAY_SIZE"},
	{name: "Google Batch", index: "BATCH_TASK_INDEX", count: "BATCH_TASK_COUNT"},
	{name: "Nomad", index: "NOMAD_ALLOC_INDEX"},
}

// Detect reads from a scheduler's environment which shard the process is to do.
func Detect(getenv func(string) string) (Shard, error) {
	var found []*scheduler
	for i := range schedulers {
		if getenv(schedulers[i].index) != "" {
			found = append(found, &schedulers[i])
		}
	}
	switch len(found) {
	case 0:
		var names []string
		for _, s := range schedulers {
			names = append(names, s.index)
		}
		return Shard{}, fmt.Errorf("no scheduler says which task this is: none of %s is set", strings.Join(names, ", "))
	case 1:
		return found[0].shard(getenv)
	}
	return Shard{}, fmt.Errorf("two schedulers say which task this is: %s by %s, and %s by %s", found[0].name, found[0].index, found[1].name, found[1].index)
}

func (s *scheduler) shard(getenv func(string) string) (Shard, error) {
	number := func(name string) (int, error) {
		n, err := strconv.Atoi(getenv(name))
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%s: %s is %q, not a number", s.name, name, getenv(name))
		}
		return n, nil
	}
	index, err := number(s.index)
	if err != nil {
		return Shard{}, err
	}
	counted := s.count
	if counted == "" {
		counted = CountVariable
		if getenv(counted) == "" {
			return Shard{}, fmt.Errorf("%s does not say how many tasks there are: set %s to it", s.name, counted)
		}
	}
	n, err := number(counted)
	if err != nil {
		return Shard{}, err
	}
	if n < 1 || n > Max {
		return Shard{}, fmt.Errorf("%s: %s is %d; give a number from 1 to %d", s.name, counted, n, Max)
	}
	if own := getenv(CountVariable); own != "" && own != strconv.Itoa(n) {
		return Shard{}, fmt.Errorf("%s says that there are %d tasks by %s, and %s says %q", s.name, n, counted, CountVariable, own)
	}
	if s.first != "" {
		first, err := number(s.first)
		last, err2 := number(s.last)
		if err := errors.Join(err, err2); err != nil {
			return Shard{}, err
		}
		if last-first+1 != n {
			return Shard{}, fmt.Errorf("%s has gaps or steps: %d tasks from %d to %d, so nobody would do the others' shards; give it a range without, such as 0-%d", s.name, n, first, last, n-1)
		}
		index -= first
	}
	if index < 0 || index >= n {
		return Shard{}, fmt.Errorf("%s: %s is %s, which is none of %d tasks", s.name, s.index, getenv(s.index), n)
	}
	return Shard{index + 1, n}, nil
}
