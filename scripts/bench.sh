#!/usr/bin/env bash
# 1,000 people stream an answer at 30 tokens a second each, through the whole
# path: session, store, run, event stream; on SQLite and on PostgreSQL. Prints
# the figures that docs/performance.md explains; BENCH_STREAMS and BENCH_SECONDS
# change the load, and BENCH_ENGINES (sqlite postgres) the stores.
set -euo pipefail
cd "$(dirname "$0")/.."
go build -o bin/fakemodels ./test/fakemodels
go build -o bin/load ./test/load
ulimit -n "$(ulimit -Hn)" # each answer takes four connections
load=(bin/load -kakoi bin/kakoi -fakes bin/fakemodels -streams "${BENCH_STREAMS:-1000}" -seconds "${BENCH_SECONDS:-20}" "$@")
for engine in ${BENCH_ENGINES:-sqlite postgres}; do
  case $engine in
    sqlite) "${load[@]}" ;;
    postgres)
      scripts/install-postgres.sh
      # shellcheck disable=SC2016 # the URL is known inside only
      scripts/test-postgres.sh -usual bash -c 'exec "$@" -database "$KAKOI_TEST_POSTGRES_URL"' load "${load[@]}" ;;
    *) echo "BENCH_ENGINES: there is no engine $engine" >&2; exit 2 ;;
  esac
done
