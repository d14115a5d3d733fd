#!/usr/bin/env bash
# Makes sure that a Chromium for the browser tests is on this machine, and
# prints its path. KAKOI_TEST_CHROMIUM names another one.
set -euo pipefail
. "$(dirname "$0")/apt.sh"

find_chromium() {
  if [ -n "${KAKOI_TEST_CHROMIUM:-}" ]; then
    [ -x "$KAKOI_TEST_CHROMIUM" ] || { echo "KAKOI_TEST_CHROMIUM is not a program: $KAKOI_TEST_CHROMIUM" >&2; exit 1; }
    echo "$KAKOI_TEST_CHROMIUM"
    return
  fi
  local name
  for name in chromium google-chrome google-chrome-stable chromium-browser; do
    if command -v "$name"; then return; fi
  done
  return 1
}

if find_chromium; then exit 0; fi
apt_install Chromium chromium
find_chromium || { echo "Chromium was installed, but it is not on PATH" >&2; exit 1; }
