#!/usr/bin/env bash
# Makes sure that the PostgreSQL server programs are on this machine: the tests
# start a private server out of them. Does nothing if they are there, or if
# KAKOI_TEST_POSTGRES_URL names a server.
set -euo pipefail

if [ -n "${KAKOI_TEST_POSTGRES_URL:-}" ] || command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "PostgreSQL is missing, and there is no apt-get to install it with: install its server programs (initdb, pg_ctl, postgres), or set KAKOI_TEST_POSTGRES_URL" >&2
  exit 1
fi
as_root=(env DEBIAN_FRONTEND=noninteractive)
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "PostgreSQL is missing: run as root: apt-get install postgresql" >&2; exit 1; }
  as_root=(sudo "${as_root[@]}")
fi
echo "installing PostgreSQL for the tests" >&2
"${as_root[@]}" apt-get update -qq
# Only the programs are wanted, not a server of the system's own: say so for
# this installation alone.
no_server=/etc/postgresql-common/createcluster.d/kakoi-tests.conf
"${as_root[@]}" mkdir -p "$(dirname "$no_server")"
echo 'create_main_cluster = false' | "${as_root[@]}" tee "$no_server" >/dev/null
trap '"${as_root[@]}" rm -f "$no_server"' EXIT
"${as_root[@]}" apt-get install -y -qq --no-install-recommends postgresql >/dev/null
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || { echo "PostgreSQL was installed, but its initdb is not in /usr/lib/postgresql" >&2; exit 1; }
