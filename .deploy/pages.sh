#!/usr/bin/env bash
# Writes the man pages and shell completions that a release brings along into
# .deploy/pages, which is not kept in the repository.
set -euo pipefail
cd "$(dirname "$0")/.."
out=.deploy/pages
rm -rf "$out"
mkdir -p "$out/completions"
program=$(mktemp -d)
trap 'rm -rf "$program"' EXIT
GOOS= GOARCH= go build -o "$program/consentimport" ./cmd/consentimport # for this machine, whatever it is released for
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) "$program/consentimport" man --dir "$out/man"
"$program/consentimport" completion bash >"$out/completions/consentimport.bash"
"$program/consentimport" completion zsh >"$out/completions/_consentimport"
"$program/consentimport" completion fish >"$out/completions/consentimport.fish"
