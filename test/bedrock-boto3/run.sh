#!/usr/bin/env bash
# Checks the fake of Bedrock and STS with boto3. Needs Go; Python 3.10 or newer
# and the pinned packages it installs, into .cache/boto3.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
. "$root/scripts/apt.sh"
dir=$root/.cache/boto3

fail() { echo "bedrock-boto3: $*" >&2; exit 1; }

command -v python3 >/dev/null || apt_install Python python3 python3-pip
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "python3 is older than 3.10"
want=$(sha256sum <"$here/requirements.txt" | cut -d' ' -f1)
mkdir -p "$dir"
exec 9>"$dir/lock" # two test runs may start together
flock 9
if [[ ! -f $dir/installed || $(cat "$dir/installed") != "$want" ]]; then
	python3 -m pip --version >/dev/null 2>&1 || apt_install "pip of Python" python3-pip
	rm -rf "$dir/site" "$dir/installed"
	PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
		python3 -m pip install --quiet --no-compile --no-deps --only-binary :all: \
		--require-hashes --requirement "$here/requirements.txt" --target "$dir/site" ||
		fail "pip could not install the packages of requirements.txt"
	echo "$want" >"$dir/installed"
fi
exec 9>&-

work=$(mktemp -d)
fake=
finish() {
	[ -z "$fake" ] || kill "$fake" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT INT TERM

(cd "$root" && go build -o "$work/fakemodels" ./test/fakemodels)
mkfifo "$work/ready"
"$work/fakemodels" -detach >"$work/ready" &
fake=$!
read -r FAKE <"$work/ready"
export FAKE PYTHONPATH=$dir/site PYTHONDONTWRITEBYTECODE=1
# Whatever AWS configuration the machine has is no part of this.
export AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
unset AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_ENDPOINT_URL AWS_BEARER_TOKEN_BEDROCK AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
python3 "$here/test_fake.py"
