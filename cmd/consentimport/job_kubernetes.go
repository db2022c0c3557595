package main

import (
	"fmt"
	"io"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer/shard"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/report"
)

// kubernetesFlags say where the pods find what they need.
type kubernetesFlags struct{ image, volume, secret string }

var kubernetesNames = []string{"image", "volume", "secret"}

func (f *kubernetesFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.image, "image", "consentimport:latest", "the container `IMAGE`, as .deploy/image.sh builds it")
	c.Flags().StringVar(&f.volume, "volume", "consentimport:/data", "the ReadWriteMany claim with the export, and where pods mount it, `CLAIM:PATH`")
	c.Flags().StringVar(&f.secret, "secret", "consentimport/api-key", "the Secret that holds the API key, `NAME/KEY`")
}

// shardMount is where a pod has the directory of its own shard. The kubelet makes it, with
// the owner of the volume; the import makes one of its own in there.
const shardMount = "/shard"

// identity is the user and group of the pods, that of nobody in images without a shell.
const identity = 65532

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)

// secretKey is the name of an entry of a Secret.
var secretKey = regexp.MustCompile(`^[-._a-zA-Z0-9]{1,253}$`)

// print writes the manifest.
func (f *kubernetesFlags) print(w io.Writer, j *job) error {
	claim, mount, ok := strings.Cut(f.volume, ":")
	if mount = path.Clean(mount); !ok || !dnsLabel.MatchString(claim) || !path.IsAbs(mount) || mount == "/" || mount == shardMount {
		return usage("for example --volume exports:/data", "--volume %q is not of the form CLAIM:PATH, with an absolute path other than / and %s", f.volume, shardMount)
	}
	secret, key, ok := strings.Cut(f.secret, "/")
	if !ok || !dnsLabel.MatchString(secret) || !secretKey.MatchString(key) {
		return usage("for example --secret intempt/api-key", "--secret %q is not of the form NAME/KEY", f.secret)
	}
	if f.image == "" || strings.ContainsAny(f.image, " \t\r\n") {
		return usage("for example --image registry.example/consentimport:1", "--image %q does not name an image", f.image)
	}
	// Paths are those of the pods, whatever system this is.
	within := func(what, p string) (string, error) {
		full := filepath.ToSlash(p)
		if !path.IsAbs(full) {
			full = path.Join(mount, full)
		}
		below, ok := strings.CutPrefix(path.Clean(full), mount+"/")
		if !ok {
			return "", usage("put it on the volume, and give its path there", "%s %s is not below %s, where the pods have the volume", what, p, mount)
		}
		return below, nil
	}
	for _, p := range j.exports {
		if !source.IsRemote(p) {
			if _, err := within("the export", p); err != nil {
				return err
			}
		}
	}
	for _, given := range j.flags {
		switch given.Name {
		case "mapping", "suppress", "since":
			if _, err := within("--"+given.Name, given.Value); err != nil {
				return err
			}
		case "approved":
			if !approvalHash.MatchString(given.Value) {
				if _, err := within("--approved", given.Value); err != nil {
					return err
				}
			}
		case "api-key-file":
			return usage("name the Secret with --secret NAME/KEY", "--api-key-file is not for pods: the key comes from a Secret")
		case "on-end":
			return usage("wait for the Job with kubectl wait", "--on-end is not for pods: the image has no shell")
		}
	}
	out, err := within("--out", j.out)
	if err != nil {
		return err
	}
	if strings.Contains(out, "$") {
		return usage("give another --out", "--out %s has a $, which Kubernetes would take for a variable", j.out)
	}
	var args []string
	for _, a := range j.command(shardMount + "/import") {
		args = append(args, strings.ReplaceAll(a, "$(", "$$("))
	}
	env := []any{
		yaml.MapSlice{{Key: "name", Value: "JOB_COMPLETION_INDEX"}, {Key: "valueFrom", Value: yaml.MapSlice{{Key: "fieldRef",
			Value: yaml.MapSlice{{Key: "fieldPath", Value: "metadata.annotations['batch.kubernetes.io/job-completion-index']"}}}}}},
		yaml.MapSlice{{Key: "name", Value: shard.CountVariable}, {Key: "value", Value: fmt.Sprint(j.shards)}},
	}
	if !j.sandbox {
		env = append(env, yaml.MapSlice{{Key: "name", Value: "INTEMPT_API_KEY"}, {Key: "valueFrom", Value: yaml.MapSlice{{Key: "secretKeyRef",
			Value: yaml.MapSlice{{Key: "name", Value: secret}, {Key: "key", Value: key}}}}}})
	}
	container := yaml.MapSlice{
		{Key: "name", Value: "consentimport"},
		{Key: "image", Value: f.image},
		{Key: "args", Value: args},
		{Key: "workingDir", Value: mount},
		{Key: "env", Value: env},
		{Key: "resources", Value: yaml.MapSlice{
			{Key: "requests", Value: yaml.MapSlice{{Key: "cpu", Value: "500m"}, {Key: "memory", Value: "256Mi"}}},
			{Key: "limits", Value: yaml.MapSlice{{Key: "memory", Value: "512Mi"}}},
		}},
		{Key: "securityContext", Value: yaml.MapSlice{
			{Key: "allowPrivilegeEscalation", Value: false},
			{Key: "readOnlyRootFilesystem", Value: true},
			{Key: "capabilities", Value: yaml.MapSlice{{Key: "drop", Value: []string{"ALL"}}}},
		}},
		{Key: "volumeMounts", Value: []any{
			yaml.MapSlice{{Key: "name", Value: "volume"}, {Key: "mountPath", Value: mount}, {Key: "readOnly", Value: true}},
			yaml.MapSlice{{Key: "name", Value: "volume"}, {Key: "mountPath", Value: shardMount}, {Key: "subPathExpr", Value: out + "/$(JOB_COMPLETION_INDEX)"}},
		}},
	}
	pod := yaml.MapSlice{
		{Key: "restartPolicy", Value: "Never"},
		{Key: "terminationGracePeriodSeconds", Value: 60},
		{Key: "automountServiceAccountToken", Value: false},
		{Key: "enableServiceLinks", Value: false},
		{Key: "securityContext", Value: yaml.MapSlice{
			{Key: "runAsNonRoot", Value: true}, {Key: "runAsUser", Value: identity}, {Key: "runAsGroup", Value: identity}, {Key: "fsGroup", Value: identity},
			{Key: "fsGroupChangePolicy", Value: "OnRootMismatch"},
			{Key: "seccompProfile", Value: yaml.MapSlice{{Key: "type", Value: "RuntimeDefault"}}},
		}},
		{Key: "containers", Value: []any{container}},
		{Key: "volumes", Value: []any{yaml.MapSlice{{Key: "name", Value: "volume"}, {Key: "persistentVolumeClaim", Value: yaml.MapSlice{{Key: "claimName", Value: claim}}}}}},
	}
	labels := yaml.MapSlice{{Key: "app.kubernetes.io/name", Value: "consentimport"}}
	manifest := yaml.MapSlice{
		{Key: "apiVersion", Value: "batch/v1"},
		{Key: "kind", Value: "Job"},
		{Key: "metadata", Value: yaml.MapSlice{{Key: "name", Value: jobName(j)}, {Key: "labels", Value: labels}}},
		{Key: "spec", Value: yaml.MapSlice{
			{Key: "completionMode", Value: "Indexed"},
			{Key: "completions", Value: j.shards},
			{Key: "parallelism", Value: j.shards},
			{Key: "backoffLimitPerIndex", Value: 20},
			{Key: "podReplacementPolicy", Value: "Failed"},
			{Key: "podFailurePolicy", Value: yaml.MapSlice{{Key: "rules", Value: []any{
				yaml.MapSlice{{Key: "action", Value: "Ignore"}, {Key: "onPodConditions", Value: []any{yaml.MapSlice{{Key: "type", Value: "DisruptionTarget"}}}}},
				yaml.MapSlice{{Key: "action", Value: "FailIndex"}, {Key: "onExitCodes", Value: yaml.MapSlice{
					{Key: "containerName", Value: "consentimport"}, {Key: "operator", Value: "In"}, {Key: "values", Value: []int{exitRefused}}}}},
			}}}},
			{Key: "template", Value: yaml.MapSlice{{Key: "metadata", Value: yaml.MapSlice{{Key: "labels", Value: labels}}}, {Key: "spec", Value: pod}}},
		}},
	}
	text, err := yaml.MarshalWithOptions(manifest, yaml.Indent(2), yaml.IndentSequence(true))
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	// What the kubelet made above the shards' directories is root's: beside them a pod's user
	// cannot make one.
	joined := strings.ReplaceAll(out, "/", "-") + "-joined"
	quoted := func(p string) string { return report.ShellLine([]string{path.Join(mount, p)}) }
	remarks := []string{
		fmt.Sprintf("An import in %d shards, one a pod; apply it with kubectl. A drained or killed pod is replaced and", j.shards),
		"goes on; exit code 2 fails its index: look at its log, remove the cause, delete the Job and apply it",
		fmt.Sprintf("again. When it is complete, where the volume is at the same path, as user %d or root:", identity),
		"  consentimport report " + quoted(out) + "/*/import --out " + quoted(joined),
	}
	if !j.sandbox {
		remarks = append(remarks, "The API key is the entry "+key+" of the Secret "+secret+".")
	}
	if err := remark(w, remarks...); err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// jobName is a name for the Job, of the first file of the export.
func jobName(j *job) string {
	base := strings.ToLower(path.Base(filepath.ToSlash(j.exports[0])))
	base = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(base, "-")
	if len(base) > 40 {
		base = base[:40]
	}
	return strings.Trim("consentimport-"+base, "-")
}
