"""A teacher on this machine: llama.cpp's server on 127.0.0.1, for a GGUF or a known model's name.

    pip install xllamacpp
    python -m wukong_trainer.llama_server qwen-coder-1.5b
    wukong-pipe build docs/ --base-url http://127.0.0.1:8080/v1 --teacher-model local

It speaks OpenAI's protocol, JSON schemas included.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from wukong_pipe.errors import MissingDependency, ModelError, WukongError
from wukong_trainer.models.gguf_files import gguf_of
from wukong_trainer.models.known_models import KNOWN, Say, fetched

HOST = "127.0.0.1"


def file_of(model: str, say: Say) -> Path:
    """The GGUF of a known name, which is fetched where it is not in the cache, or of a path.

    Raises:
        ModelError: there is none.
    """
    if model in KNOWN:
        return fetched(KNOWN[model], say)
    file = gguf_of(model)
    if file is None:
        raise ModelError(f"{model} is no GGUF file and no folder with one; known by name are {', '.join(KNOWN)}.")
    return file


@dataclass(frozen=True, slots=True)
class Student:
    """How a tuned model is served: greedy, unless a request says otherwise."""

    name: str
    """What requests call it."""
    max_new_tokens: int
    """Where an answer is cut whose request does not say it."""


def serve(
    file: Path, port: int, slots: int, context: int, threads: int, say: Say, student: Student | None = None
) -> None:
    """Serve a GGUF until SIGINT or SIGTERM.

    Args:
        port: 0 takes a free one.
        slots: calls answered at a time.
        context: tokens of a call, its reply included.
        threads: of the processor.
        student: where it is a tuned model; a teacher samples as its file says.

    Raises:
        ModelError: the model cannot be served.
    """
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path, parameters.hostnames, parameters.port = str(file), [HOST], port
    # By default any page that a browser here shows could ask it.
    parameters.cors_origins, parameters.ui = f"http://{HOST}:{port}", False
    # The context is shared by the slots.
    parameters.n_parallel, parameters.n_ctx = slots, slots * context
    parameters.cpuparams.n_threads = threads
    if student is not None:
        parameters.model_alias, parameters.n_predict = {student.name}, student.max_new_tokens
        parameters.sampling.temp = 0.0
    try:
        server = xllamacpp.Server(parameters)
    except RuntimeError as error:
        raise ModelError(f"llama.cpp cannot serve {file} on port {port}; its own lines say why.") from error
    # Before the loop, or a Ctrl-C in between would be lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    say(
        f"{file.name} on {server.listening_address}/v1, {slots} calls at a time of {context} tokens each. Ctrl-C stops."
    )
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


def main() -> int:
    """Read the options and serve; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m wukong_trainer.llama_server",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help=f"a .gguf file, a folder with one, or {', '.join(KNOWN)}")
    parser.add_argument("--port", type=int, default=8080, help="default: 8080")
    parser.add_argument("--slots", type=int, default=2, help="calls answered at a time; default: 2")
    parser.add_argument("--context", type=int, default=8192, help="tokens of a call, reply included; default: 8192")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="default: one a processor")
    options = parser.parse_args()

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        if find_spec("xllamacpp") is None:  # Said before a gigabyte is fetched for it.
            raise MissingDependency("llama.cpp runs through xllamacpp, which is not installed: pip install xllamacpp.")
        file = file_of(options.model, say)
        serve(file, options.port, options.slots, options.context, options.threads, say)
    except WukongError as error:
        say(f"Error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
