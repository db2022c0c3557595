package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report"
)

// kubeNode runs the pods of a control plane as processes of this machine. It is no
// kubelet, but as far as a manifest is about them it gives a pod what one does: its
// arguments and environment, secrets, a root of its own with the program alone, which
// cannot be written, the claim mounted where the manifest says, below its fsGroup, the
// pod's user, SIGTERM and the grace period when it is deleted, and its exit code.
// Resources and other rights are not looked at, and no image is pulled.
type kubeNode struct {
	*controlPlane
	dir    string // of the pods' roots and logs
	bin    string // the image's program
	volume string // what every claim is
	pods   map[string]*kubeProcess
	exits  map[string][]int // of each index
}

// kubePod is what a node has to know of a pod.
type kubePod struct {
	Metadata struct {
		Name, DeletionTimestamp string
		Annotations             map[string]string
	}
	Spec struct {
		NodeName                      string
		TerminationGracePeriodSeconds int
		SecurityContext               struct{ RunAsUser, RunAsGroup, FsGroup int }
		Containers                    []struct {
			Name, WorkingDir string
			Args             []string
			Env              []struct {
				Name, Value string
				ValueFrom   struct {
					FieldRef     struct{ FieldPath string }
					SecretKeyRef struct{ Name, Key string }
				}
			}
			VolumeMounts []struct {
				MountPath, SubPathExpr string
				ReadOnly               bool
			}
			SecurityContext struct{ ReadOnlyRootFilesystem bool }
		}
	}
	Status struct{ Phase string }
}

func (p *kubePod) index() string {
	return p.Metadata.Annotations["batch.kubernetes.io/job-completion-index"]
}

// kubeProcess is a pod at work.
type kubeProcess struct {
	pod    kubePod
	cmd    *exec.Cmd
	ended  chan struct{} // closed when it has
	asked  bool          // SIGTERM was sent
	killer *time.Timer
	over   bool
}

func newKubeNode(t *testing.T, k *controlPlane, dir, bin, volume string) *kubeNode {
	t.Helper()
	n := &kubeNode{controlPlane: k, dir: dir, bin: bin, volume: volume, pods: map[string]*kubeProcess{}, exits: map[string][]int{}}
	t.Cleanup(func() {
		for _, p := range n.pods {
			_ = p.cmd.Process.Kill()
			<-p.ended
		}
	})
	return n
}

// tend begins what is to begin, passes on what is to end, and reports what has ended.
func (n *kubeNode) tend(t *testing.T) {
	t.Helper()
	var list struct{ Items []kubePod }
	n.ask(t, "GET", kubePods, "", nil, &list)
	for _, pod := range list.Items {
		name, deleted := pod.Metadata.Name, pod.Metadata.DeletionTimestamp != ""
		p := n.pods[name]
		switch {
		case p == nil && pod.Status.Phase == "Pending" && !deleted:
			n.begin(t, pod)
		case p == nil || p.over:
		case deleted && !p.asked:
			p.asked = true
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
			p.killer = time.AfterFunc(time.Duration(pod.Spec.TerminationGracePeriodSeconds)*time.Second, func() { _ = p.cmd.Process.Kill() })
		default:
			select {
			case <-p.ended:
				n.report(t, p, deleted)
			default:
			}
		}
	}
}

// report says that a pod has ended.
func (n *kubeNode) report(t *testing.T, p *kubeProcess, deleted bool) {
	t.Helper()
	p.over = true
	if p.killer != nil {
		p.killer.Stop()
	}
	code := p.cmd.ProcessState.ExitCode()
	if s := p.cmd.ProcessState.Sys().(syscall.WaitStatus); s.Signaled() {
		code = 128 + int(s.Signal())
	}
	n.exits[p.pod.index()] = append(n.exits[p.pod.index()], code)
	phase := "Succeeded"
	if code != 0 {
		phase = "Failed"
	}
	now := time.Now().UTC().Format(time.RFC3339)
	n.state(t, p.pod, phase, object{"terminated": object{"exitCode": code, "startedAt": now, "finishedAt": now}})
	if deleted {
		n.ask(t, "DELETE", kubePods+"/"+p.pod.Metadata.Name+"?gracePeriodSeconds=0", "", nil, nil)
	}
}

func (n *kubeNode) state(t *testing.T, pod kubePod, phase string, state object) {
	t.Helper()
	n.ask(t, "PATCH", kubePods+"/"+pod.Metadata.Name+"/status", "application/merge-patch+json", object{"status": object{"phase": phase, "containerStatuses": []any{object{
		"name": pod.Spec.Containers[0].Name, "image": "here", "imageID": "here", "ready": phase == "Running", "restartCount": 0, "state": state,
	}}}}, nil)
}

// kubeVariable is what Kubernetes replaces in arguments and paths.
var kubeVariable = regexp.MustCompile(`\$\$|\$\([A-Za-z_][A-Za-z0-9_.-]*\)`)

// environment gives the variables of a pod, and what expands them in a text.
func (n *kubeNode) environment(t *testing.T, pod kubePod) (env map[string]string, expand func(string) string) {
	t.Helper()
	env = map[string]string{}
	for _, e := range pod.Spec.Containers[0].Env {
		value := e.Value
		if path := e.ValueFrom.FieldRef.FieldPath; path != "" {
			m := regexp.MustCompile(`^metadata\.annotations\['(.*)'\]$`).FindStringSubmatch(path)
			require.NotNil(t, m, path)
			value = pod.Metadata.Annotations[m[1]]
		}
		if ref := e.ValueFrom.SecretKeyRef; ref.Name != "" {
			var secret struct{ Data map[string][]byte }
			n.ask(t, "GET", kubeSecrets+"/"+ref.Name, "", nil, &secret)
			require.Contains(t, secret.Data, ref.Key)
			value = string(secret.Data[ref.Key])
		}
		env[e.Name] = value
	}
	return env, func(s string) string {
		return kubeVariable.ReplaceAllStringFunc(s, func(m string) string {
			if m == "$$" {
				return "$"
			}
			if v, ok := env[m[2:len(m)-1]]; ok {
				return v
			}
			return m
		})
	}
}

// begin runs a pod.
func (n *kubeNode) begin(t *testing.T, pod kubePod) {
	t.Helper()
	name, c, who := pod.Metadata.Name, pod.Spec.Containers[0], pod.Spec.SecurityContext
	n.ask(t, "POST", kubePods+"/"+name+"/binding", "application/json", object{"apiVersion": "v1", "kind": "Binding",
		"metadata": object{"name": name}, "target": object{"apiVersion": "v1", "kind": "Node", "name": "here"}}, nil)
	env, expand := n.environment(t, pod)
	top := filepath.Join(n.dir, "root-"+name)
	require.NoError(t, os.Mkdir(top, 0o755)) //nolint:gosec // another user's
	var script strings.Builder
	do := func(words ...string) { fmt.Fprintln(&script, report.ShellLine(words)) }
	do("set", "-e")
	do("mount", "-t", "tmpfs", "none", top)
	do("cp", n.bin, top+"/consentimport")
	for _, m := range c.VolumeMounts {
		from := filepath.Join(n.volume, expand(m.SubPathExpr))
		do("mkdir", "-p", "-m", "2770", from) // with its parents of the same group
		do("mkdir", "-p", top+m.MountPath)
		do("mount", "--bind", from, top+m.MountPath)
		if m.ReadOnly {
			do("mount", "-o", "remount,bind,ro", top+m.MountPath)
		}
	}
	if c.SecurityContext.ReadOnlyRootFilesystem {
		do("mount", "-o", "remount,ro", top)
	}
	words := []string{"exec", "unshare", "--root", top, "--wd", c.WorkingDir, "--setgid", fmt.Sprint(who.RunAsGroup), "--setuid", fmt.Sprint(who.RunAsUser), "/consentimport"}
	for _, a := range c.Args {
		words = append(words, expand(a))
	}
	do(words...)

	log, err := os.OpenFile(filepath.Join(n.dir, pod.index()+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer log.Close()
	p := &kubeProcess{pod: pod, cmd: exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", script.String()), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		p.cmd.Env = append(p.cmd.Env, name+"="+env[name])
	}
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	n.pods[name] = p
	n.state(t, pod, "Running", object{"running": object{"startedAt": time.Now().UTC().Format(time.RFC3339)}})
}

// running gives the pod of an index that is at work.
func (n *kubeNode) running(t *testing.T, index string) *kubeProcess {
	t.Helper()
	for _, p := range n.pods {
		if !p.over && p.pod.index() == index {
			return p
		}
	}
	require.Fail(t, "no pod is at work", "of index %s", index)
	return nil
}

// evict takes a pod away as a drain of its node does.
func (n *kubeNode) evict(t *testing.T, p *kubeProcess) {
	t.Helper()
	name := p.pod.Metadata.Name
	n.ask(t, "POST", kubePods+"/"+name+"/eviction", "application/json", object{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": object{"name": name, "namespace": "default"}}, nil)
}
