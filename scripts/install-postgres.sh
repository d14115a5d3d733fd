#!/usr/bin/env bash
# Makes sure that the PostgreSQL server programs are on this machine: the tests
# start a private server out of them. Does nothing if they are there, or if
# KAKOI_TEST_POSTGRES_URL names a server.
set -euo pipefail
. "$(dirname "$0")/apt.sh"

if [ -n "${KAKOI_TEST_POSTGRES_URL:-}" ] || command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  exit 0
fi
apt_can PostgreSQL postgresql
# Only the programs are wanted, not a server of the system's own: say so for
# this installation alone.
no_server=/etc/postgresql-common/createcluster.d/kakoi-tests.conf
as_root mkdir -p "$(dirname "$no_server")"
echo 'create_main_cluster = false' | as_root tee "$no_server" >/dev/null
trap 'as_root rm -f "$no_server"' EXIT
apt_install PostgreSQL postgresql
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || { echo "PostgreSQL was installed, but its initdb is not in /usr/lib/postgresql" >&2; exit 1; }
