#!/usr/bin/env bash
# Runs a command with a private PostgreSQL server, whose URL it finds in
# KAKOI_TEST_POSTGRES_URL, and stops the server afterwards:
#   scripts/test-postgres.sh make test-e2e
# With -usual before the command the server syncs and cleans up as one in use
# does, for measuring; without, it is as fast as tests want it.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$root/.cache/bin"
(cd "$root" && go build -o .cache/bin/withpostgres ./internal/db/dbtest/withpostgres)
exec "$root/.cache/bin/withpostgres" "$@"
