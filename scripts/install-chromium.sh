#!/usr/bin/env bash
# Makes sure that a Chromium for the browser tests is on this machine, and
# prints its path. KAKOI_TEST_CHROMIUM names another one.
set -euo pipefail

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
if ! command -v apt-get >/dev/null; then
  echo "Chromium is missing, and there is no apt-get to install it with: install it, or set KAKOI_TEST_CHROMIUM" >&2
  exit 1
fi
as_root=(env DEBIAN_FRONTEND=noninteractive)
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "Chromium is missing: run as root: apt-get install chromium" >&2; exit 1; }
  as_root=(sudo "${as_root[@]}")
fi
echo "installing Chromium for the browser tests" >&2
"${as_root[@]}" apt-get update -qq >&2
"${as_root[@]}" apt-get install -y -qq --no-install-recommends chromium >&2
find_chromium || { echo "Chromium was installed, but it is not on PATH" >&2; exit 1; }
