#!/usr/bin/env bash
# controlplane.sh DIR: builds etcd, kube-apiserver and kube-controller-manager into DIR from
# their Go modules, unless they are there: about 12 minutes on two cores, 230 MB. The test
# TestKubernetesRunsTheJob of cmd/consentimport runs them.
set -euo pipefail
[ $# = 1 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
etcd=v3.6.8
kubernetes=v1.36.3
mkdir -p "$1/src"
dir=$(cd "$1" && pwd)
cd "$dir/src"
export GOFLAGS=-mod=mod CGO_ENABLED=0
go mod init controlplane >/dev/null 2>&1 || [ -s go.mod ]
if [ ! -s tools.go ]; then
  mod=$(go mod download -json "k8s.io/kubernetes@$kubernetes" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
  # Kubernetes asks for its own parts at v0.0.0 and replaces them by folders of its tree. A
  # replacement counts in the main module alone: here they are the modules of that release.
  sed -n "s#^[[:space:]]*\(k8s\.io/[a-z-]*\) => \./staging/.*#replace \1 => \1 ${kubernetes/v1/v0}#p" "$mod" >>go.mod
  go mod edit -require "go.etcd.io/etcd/server/v3@$etcd" -require "k8s.io/kubernetes@$kubernetes"
  printf '//go:build tools\n\npackage controlplane\n\nimport (\n\t_ "go.etcd.io/etcd/server/v3"\n\t_ "k8s.io/kubernetes/cmd/kube-apiserver"\n\t_ "k8s.io/kubernetes/cmd/kube-controller-manager"\n)\n' >tools.go
  go mod tidy -e 2>tidy.log || { tail -n 3 tidy.log >&2; rm tools.go; exit 1; } # -e: tests of theirs want modules that are not needed
fi
version=k8s.io/component-base/version
for path in go.etcd.io/etcd/server/v3 k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager; do
  name=$(basename "${path/server\/v3/etcd}")
  [ -x "$dir/$name" ] && continue
  echo "building $name" >&2
  go build -p 2 -trimpath -ldflags="-s -w -X $version.gitVersion=$kubernetes -X $version.gitMajor=1 -X $version.gitMinor=36" -o "$dir/$name.new" "$path"
  mv "$dir/$name.new" "$dir/$name"
done
