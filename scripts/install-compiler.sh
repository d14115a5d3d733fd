#!/usr/bin/env bash
# Makes sure that a C compiler is on this machine: Go's race detector needs one
# to build the tests. The program itself is built without.
set -euo pipefail
. "$(dirname "$0")/apt.sh"

compiles() { echo '#include <stdlib.h>' | "${CC:-gcc}" -x c -c -o /dev/null - 2>/dev/null; }
if compiles; then exit 0; fi
apt_install "a C compiler" gcc libc6-dev
compiles || { echo "gcc was installed, but it does not compile" >&2; exit 1; }
