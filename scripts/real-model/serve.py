"""Runs llama.cpp's HTTP server on loopback with the weights of install.sh.

The weights are a base model, trained to go on with a text and not to chat. A
template of questions and answers makes it answer short questions sensibly, in
Japanese too, which is all that a test of the wire needs.
"""

import argparse
import os
import signal
import threading

import xllamacpp

TEMPLATE = """
{%- for message in messages -%}
{%- if message.role == 'system' -%}{{ message.content + '\n\n' }}
{%- elif message.role == 'user' -%}{{ '質問：' + message.content + '\n' }}
{%- else -%}{{ '答え：' + message.content + '\n' }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '答え：' }}{%- endif -%}
"""

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--port", type=int, default=8081)
parser.add_argument("--api-key")
parser.add_argument("--until-stdin-closes", action="store_true")
args = parser.parse_args()

# The server's log and the one line for the caller must not mix: standard output
# is kept for that line, and whatever the library prints goes to standard error.
ready = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def exit_with_stdin():
    """Ends the server with the process that holds the other end of stdin."""
    while os.read(0, 4096):
        pass
    os._exit(0)


if args.until_stdin_closes:
    threading.Thread(target=exit_with_stdin, daemon=True).start()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: os._exit(0))

slots = 2
params = xllamacpp.CommonParams()
params.model.path = args.model
params.model_alias = {"gemma3-270m"}
params.hostnames = ["127.0.0.1"]
params.port = args.port
params.n_parallel = slots
params.n_ctx = 2048 * slots  # shared out among the slots
params.n_predict = 256  # a base model that repeats itself must end some time
# Threads of llama.cpp wait for each other by spinning, which on a machine that
# runs a test suite beside it is many times slower than one thread alone.
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
params.use_jinja = True
params.chat_template = TEMPLATE
params.antiprompt = ["\n質問", "質問：", "\n\n"]
params.sampling.temp = 0.3
params.sampling.penalty_repeat = 1.1
if args.api_key:
    params.api_keys = [args.api_key]

server = xllamacpp.Server(params)  # returns when the weights are loaded
print("ready " + server.listening_address + "/v1", file=ready, flush=True)
while True:
    signal.pause()
