#!/usr/bin/env bash
# Builds a container image: image.sh TAG [BINARY]
#
# With podman or, without that, docker (ENGINE names another one). Nothing is fetched: the
# Go modules have to be here already (go mod download), and the image begins empty. With
# BINARY, the program of a release, no Go is needed either. It runs as user 65532 and needs
# no writable root:
#
#   podman run --rm --read-only IMAGE version
set -euo pipefail
usage() { echo "usage: image.sh TAG [BINARY], for example: image.sh registry.example/consentimport:1" >&2; exit 2; }
[ $# -ge 1 ] && [ $# -le 2 ] && [ "${1#-}" = "$1" ] || usage
tag=$1
binary=${2:-}
[ -z "$binary" ] || [ -f "$binary" ] || { echo "$binary: there is no such file" >&2; exit 2; }
binary=${binary:+$(realpath "$binary")}
cd "$(dirname "$0")/.."
engine=${ENGINE:-}
for name in podman docker; do
  [ -n "$engine" ] || ! command -v "$name" >/dev/null || engine=$name
done
[ -n "$engine" ] || { echo "neither podman nor docker is here; ENGINE names another program that builds like them" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
arch=${GOARCH:-$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')} # whoever builds for another machine sets GOARCH
mkdir -p "$work/linux/$arch"
if [ -n "$binary" ]; then
  cp "$binary" "$work/linux/$arch/consentimport"
else
  CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOPROXY=off GOFLAGS=-mod=readonly go build -trimpath -ldflags='-s -w' -o "$work/linux/$arch/consentimport" ./cmd/consentimport
fi
chmod 0555 "$work/linux/$arch/consentimport"
"$engine" build --network none --build-arg "TARGETPLATFORM=linux/$arch" --tag "$tag" --file .deploy/Containerfile "$work"
