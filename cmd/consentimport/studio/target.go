package studio

import (
	"errors"
	"net/http"
	"slices"
	"strings"
)

// targetForm is where a run sends to, as the form has it. The key itself is not part of it:
// the program reads it from the file or from the environment.
type targetForm struct {
	Real                           bool // not the sandbox in the process
	BaseURL, Org, Project, KeyFile string
	Rate, Concurrency              string
}

// targetFields are the flags of the target that a form names.
var targetFields = []string{"base-url", "org", "project", "api-key-file"}

// targetIn reads the form.
func targetIn(r *http.Request) (t targetForm, err error) {
	form := func(name string) string {
		v := strings.TrimSpace(r.PostForm.Get(name))
		if strings.HasPrefix(v, "-") && slices.Contains(targetFields, name) {
			err = errors.New(name + " may not begin with a dash")
		}
		return v
	}
	t = targetForm{
		Real: form("target") != "sandbox", BaseURL: form("base-url"), Org: form("org"), Project: form("project"), KeyFile: form("api-key-file"),
		Rate: form("rate"), Concurrency: form("concurrency"),
	}
	return t, err
}

// flags are those of run.
func (t targetForm) flags() (args []string) {
	if !t.Real {
		args = append(args, "--sandbox")
	} else {
		for i, v := range []string{t.BaseURL, t.Org, t.Project, t.KeyFile} {
			if v != "" {
				args = append(args, "--"+targetFields[i], v)
			}
		}
	}
	if t.Rate != "" {
		args = append(args, "--rate="+t.Rate)
	}
	if t.Concurrency != "" {
		args = append(args, "--concurrency="+t.Concurrency)
	}
	return args
}

// remember keeps what a run was begun with, for the next form.
func (s *Studio) remember(t targetForm) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Rate, t.Concurrency = "", ""
	s.target = &t
}

// targetOf is what a form about an out directory begins with: what was entered here last,
// or what the import there went to.
func (s *Studio) targetOf(dir string) targetForm {
	s.mu.Lock()
	last := s.target
	s.mu.Unlock()
	if last != nil {
		return *last
	}
	t := targetForm{}
	if was := importIn(dir); was != nil && !was.Target.Sandbox {
		t = targetForm{Real: true, BaseURL: was.Target.BaseURL, Org: was.Target.Org, Project: was.Target.Project}
	}
	return t
}
