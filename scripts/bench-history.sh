#!/usr/bin/env bash
# Lists, search and long conversations with a million messages, on SQLite and on
# PostgreSQL; the figures are explained in docs/performance.md. Filling a store
# takes longer than measuring it. BENCH_MESSAGES changes the history, and
# BENCH_ENGINES (sqlite postgres) the stores.
set -euo pipefail
cd "$(dirname "$0")/.."
go build -o bin/history ./test/history
history=(bin/history -messages "${BENCH_MESSAGES:-1000000}" "$@")
for engine in ${BENCH_ENGINES:-sqlite postgres}; do
  case $engine in
    sqlite) "${history[@]}" ;;
    postgres)
      scripts/install-postgres.sh
      # shellcheck disable=SC2016 # the URL is known inside only
      scripts/test-postgres.sh -usual bash -c 'exec "$@" -database "$KAKOI_TEST_POSTGRES_URL"' history "${history[@]}" ;;
    *) echo "BENCH_ENGINES: there is no engine $engine" >&2; exit 2 ;;
  esac
done
