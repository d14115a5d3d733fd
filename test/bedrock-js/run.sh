#!/bin/sh
# Checks the fake of Bedrock and STS with the official JavaScript SDK.
# Needs Go, Node 20 or newer and, the first time, npm.
set -eu
cd "$(dirname "$0")"

if [ ! -e node_modules/.installed ] || [ package-lock.json -nt node_modules/.installed ]; then
	npm ci --no-audit --no-fund
	touch node_modules/.installed
fi

work=$(mktemp -d)
fake=
finish() {
	[ -z "$fake" ] || kill "$fake" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT INT TERM

(cd ../.. && go build -o "$work/fakemodels" ./test/fakemodels)
mkfifo "$work/ready"
"$work/fakemodels" -detach >"$work/ready" &
fake=$!
read -r FAKE <"$work/ready"
export FAKE
# Whatever AWS configuration the machine has is no part of this.
export AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
unset AWS_PROFILE AWS_REGION AWS_ENDPOINT_URL AWS_BEARER_TOKEN_BEDROCK AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
node --test --test-reporter=spec fake.test.js
