#!/usr/bin/env bash
# Serves the small real model on a loopback port with llama.cpp's own server:
#
#	scripts/real-model/serve.sh [--port 8081] [--api-key KEY] [--until-stdin-closes]
#
# Prints "ready http://127.0.0.1:PORT/v1" on standard output when it answers,
# logs to standard error, and runs until it is stopped. Port 0 picks a free one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${KAKOI_REAL_MODEL_DIR:-$here/../../.cache/real-model}
"$here/install.sh"
PYTHONPATH=$dir/site exec python3 "$here/serve.py" --model "$dir/model.gguf" "$@"
