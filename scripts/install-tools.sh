#!/usr/bin/env bash
# Builds the pinned linter into .cache/bin, from source and with the Go that
# builds Kakoi: a linter built with an older Go cannot read newer code.
set -euo pipefail
version=v2.15.0 # golangci-lint; GPL-3.0, run as a tool and never linked

root=$(cd "$(dirname "$0")/.." && pwd)
bin=$root/.cache/bin
stamp=$bin/golangci-lint-$version-$(go env GOVERSION)
if [ -x "$bin/golangci-lint" ] && [ -e "$stamp" ]; then
  exit 0
fi
echo "building golangci-lint $version (once; some minutes)" >&2
mkdir -p "$bin"
rm -f "$bin"/golangci-lint-v*
GOBIN=$bin GOFLAGS=-trimpath go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"
touch "$stamp"
