#!/usr/bin/env bash
# 1,000 people stream an answer at 30 tokens a second each, through the whole
# path: session, store, run, event stream. Prints the figures that
# docs/performance.md explains; BENCH_STREAMS and BENCH_SECONDS change the load.
set -euo pipefail
cd "$(dirname "$0")/.."
go build -o bin/fakemodels ./test/fakemodels
go build -o bin/load ./test/load
ulimit -n 65536 2>/dev/null || true
exec bin/load -kakoi bin/kakoi -fakes bin/fakemodels \
  -streams "${BENCH_STREAMS:-1000}" -seconds "${BENCH_SECONDS:-20}" "$@"
