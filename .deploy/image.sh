#!/usr/bin/env bash
# Builds a container image: image.sh TAG
#
# With podman or, without that, docker (ENGINE names another one). Nothing is fetched: the
# Go modules have to be here already (go mod download), and the image begins empty. It holds
# one static binary, which brings trusted roots and time zones along, no shell, and no other
# file; it runs as user 65532 and needs no writable root:
#
#   podman run --rm --read-only IMAGE version
set -euo pipefail
[ $# = 1 ] && [ "${1#-}" = "$1" ] || { echo "usage: image.sh TAG, for example: image.sh registry.example/consentimport:1" >&2; exit 2; }
tag=$1
cd "$(dirname "$0")/.."
engine=${ENGINE:-}
for name in podman docker; do
  [ -n "$engine" ] || ! command -v "$name" >/dev/null || engine=$name
done
[ -n "$engine" ] || { echo "neither podman nor docker is here; ENGINE names another program that builds like them" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Whoever builds for another machine sets GOARCH.
CGO_ENABLED=0 GOOS=linux GOPROXY=off GOFLAGS=-mod=readonly go build -trimpath -ldflags='-s -w' -o "$work/consentimport" ./cmd/consentimport
chmod 0555 "$work/consentimport"
cat >"$work/Containerfile" <<'END'
FROM scratch
COPY consentimport /consentimport
USER 65532:65532
ENTRYPOINT ["/consentimport"]
END
"$engine" build --network none --tag "$tag" --file "$work/Containerfile" "$work"
