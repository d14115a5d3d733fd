#!/usr/bin/env bash
# Runs a command in a network that has no way out, and fails if anything in it
# tried to leave (test/closed says how). Linux alone has such networks: with
# KAKOI_TEST_OPEN=1 the command runs as it is, and nothing is proven.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/apt.sh"
if [ -n "${KAKOI_TEST_OPEN:-}" ]; then
  echo "KAKOI_TEST_OPEN is set: the network is as it is, and this run proves nothing of it" >&2
  exec "$@"
fi
[ "$(uname -s)" = Linux ] || { echo "a network without a way out needs Linux; run with KAKOI_TEST_OPEN=1 to test without one" >&2; exit 1; }
command -v ip >/dev/null || apt_install iproute2 iproute2
mkdir -p "$root/.cache/bin"
(cd "$root" && CGO_ENABLED=0 go build -o .cache/bin/closed ./test/closed)
# What the tests build is here already, so nothing is to be asked for.
GOPROXY=off NPM_CONFIG_UPDATE_NOTIFIER=false exec "$root/.cache/bin/closed" "$@"
