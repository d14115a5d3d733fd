#!/usr/bin/env bash
# Shows that a run in the closed network (scripts/closed.sh) catches what it is
# for: a Kakoi that dials out behind the gate's back, by name or by address, and
# with the same command that one as it is built passes. Needs bin/kakoi.
set -euo pipefail
cd "$(dirname "$0")/.."
unset KAKOI_TEST_OPEN
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The extra dial exists in this overlay alone, never in the tree.
cat > "$dir/leak.go" <<'GO'
package main

import (
	"net"
	"net/http"
)

func init() {
	go func() { _, _ = http.Get("http://telemetry.example/ping") }()
	go func() { _, _ = net.Dial("tcp", "192.0.2.1:443") }()
}
GO
printf '{"Replace": {"%s/cmd/kakoi/leak.go": "%s/leak.go"}}\n' "$PWD" "$dir" > "$dir/overlay.json"
CGO_ENABLED=0 go build -overlay "$dir/overlay.json" -o "$dir/leaking" ./cmd/kakoi

# serves PROGRAM runs it until it answers, inside, and prints how that ended.
serves() {
  rm -rf "$dir/data"
  set +e
  scripts/closed.sh -report "$dir/report" bash -c '
    "$0" serve --http-addr 127.0.0.1:18081 --data-dir "$1" > "$1.log" 2>&1 & server=$!
    for _ in {1..100}; do
      if exec 3<>/dev/tcp/127.0.0.1/18081; then break; fi 2>/dev/null
      read -rt 0.2 <> <(:) || :
    done
    printf "GET /readyz HTTP/1.0\r\n\r\n" >&3 && read -r answer <&3
    kill "$server"; wait "$server"
    [[ $answer == *" 200 "* ]]' "$1" "$dir/data" > "$dir/out" 2>&1
  code=$?
  set -e
}

serves "$PWD/bin/kakoi"
[ "$code" -eq 0 ] || { cat "$dir/out" "$dir/data.log"; echo "bin/kakoi, as it is, did not pass in the closed network ($code)" >&2; exit 1; }
serves "$dir/leaking"
if [ "$code" -ne 3 ] || ! grep -q '192.0.2.1:443' "$dir/out" || ! grep -q 'telemetry.example' "$dir/out"; then
  cat "$dir/out"
  echo "a Kakoi that dials out was not caught ($code)" >&2
  exit 1
fi
echo "the closed network lets Kakoi work, and caught one that dials out:"
grep -E '^(tcp|udp)' "$dir/out"
