package kubernetes

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// printed is the manifest that the program prints.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "consentimport")
	build := exec.Command("go", "build", "-o", program, "./cmd/consentimport")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	c := exec.Command(program, append([]string{"job", "kubernetes"}, args...)...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "INTEMPT_API_KEY=never.printed"}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("job kubernetes: %v\n%s", err, out)
	}
	return string(out)
}

func TestManifestIsAJob(t *testing.T) {
	text := printed(t, "--shards", "8", "--image", "registry.example/consentimport:1", "--volume", "exports:/data", "--secret", "intempt/api-key",
		"--org", "acme", "--project", "shop", "--mapping", "/data/acme.yaml", "--out", "/data/import", "--rate", "100", "/data/$(HOME)/preferences.csv")
	if strings.Contains(text, "never.printed") {
		t.Fatal("the key stands in the manifest")
	}
	var job batchv1.Job
	if err := yaml.UnmarshalStrict([]byte(text), &job); err != nil {
		t.Fatalf("not a Job of the published types: %v\n%s", err, text)
	}
	same := func(what string, want, got any) {
		t.Helper()
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s: want %v, got %v", what, want, got)
		}
	}
	same("kind", "batch/v1 Job", job.APIVersion+" "+job.Kind)
	s := job.Spec
	same("mode", batchv1.IndexedCompletion, *s.CompletionMode)
	same("shards", [2]int32{8, 8}, [2]int32{*s.Completions, *s.Parallelism})
	if s.BackoffLimitPerIndex == nil || *s.BackoffLimitPerIndex < 1 {
		t.Error("no index is tried again by itself")
	}
	same("replacement", batchv1.Failed, *s.PodReplacementPolicy)
	final := false
	for _, r := range s.PodFailurePolicy.Rules {
		if r.OnExitCodes == nil {
			same("what does not count", [2]any{batchv1.PodFailurePolicyActionIgnore, corev1.DisruptionTarget}, [2]any{r.Action, r.OnPodConditions[0].Type})
			continue
		}
		final = true
		same("what is final", []any{batchv1.PodFailurePolicyActionFailIndex, batchv1.PodFailurePolicyOnExitCodesOpIn, []int32{2}}, []any{r.Action, r.OnExitCodes.Operator, r.OnExitCodes.Values})
	}
	same("exit code 2 is final", true, final)
	pod := s.Template.Spec
	same("restarts", corev1.RestartPolicyNever, pod.RestartPolicy)
	if *pod.TerminationGracePeriodSeconds < 30 {
		t.Error("a pod has too little time to end")
	}
	same("user", []any{true, true}, []any{*pod.SecurityContext.RunAsNonRoot, *pod.SecurityContext.RunAsUser > 0})
	c := pod.Containers[0]
	same("image", "registry.example/consentimport:1", c.Image)
	same("rights", []any{false, true, []corev1.Capability{"ALL"}}, []any{*c.SecurityContext.AllowPrivilegeEscalation, *c.SecurityContext.ReadOnlyRootFilesystem, c.SecurityContext.Capabilities.Drop})
	if c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
		t.Error("no memory is asked for")
	}
	same("arguments", "run --shard auto --resume --out /shard/import --mapping=/data/acme.yaml --org=acme --project=shop --rate=100 -- /data/$$(HOME)/preferences.csv", strings.Join(c.Args, " "))
	same("claim", "exports", pod.Volumes[0].PersistentVolumeClaim.ClaimName)
	same("directories", []corev1.VolumeMount{
		{Name: "volume", MountPath: "/data", ReadOnly: true},
		{Name: "volume", MountPath: "/shard", SubPathExpr: "import/$(JOB_COMPLETION_INDEX)"},
	}, c.VolumeMounts)
	key := ""
	for _, e := range c.Env {
		switch e.Name {
		case "INTEMPT_API_KEY":
			key = e.ValueFrom.SecretKeyRef.Name + "/" + e.ValueFrom.SecretKeyRef.Key
		case "CONSENTIMPORT_SHARDS":
			same("number of shards", "8", e.Value)
		}
	}
	same("key", "intempt/api-key", key)
}
