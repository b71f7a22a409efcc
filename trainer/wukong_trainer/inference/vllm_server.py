"""A vLLM of one's own: `vllm serve` on a model, on this machine's loopback, from its start to its certain end.

Seen with vLLM 0.32.0. vLLM is a program here and no library: it lives in whatever environment it was installed in.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from wukong_pipe.errors import MissingDependency, ModelError, WorkspaceError
from wukong_pipe.workspace import Run
from wukong_trainer.models.exports import exported_from

HOST = "127.0.0.1"
SILENCE = 600.0
"""Seconds without a line in its log after which a vLLM that does not answer has failed: some hang after an error."""
_CURE = "Without --engine vllm, transformers asks the models as they are."


@dataclass(frozen=True, slots=True)
class Vllm:
    """The vLLM that is installed here, and how it is to compute."""

    executable: str
    version: str
    dtype: str
    """bfloat16, float16 or float32, for every model alike."""
    on_cpu: bool
    log: Path
    """What the server that was started last has said."""
    options: tuple[str, ...] = ()
    """The user's own for `vllm serve`, as on how many GPUs a model is spread."""

    @property
    def engine(self) -> str:
        """Its name and version, as an evaluation notes them."""
        return f"vllm {self.version}"


@dataclass(frozen=True, slots=True)
class Server:
    """A vLLM at work."""

    url: str
    """Ends in /v1."""
    name: str
    """Of the model, made up for this server: another that took its port would not know it."""
    log: Path

    def failed(self, said: str, *, refused: bool) -> ModelError:
        """The sentence for an answer that did not come.

        Args:
            said: what came instead.
            refused: it was the request, and not the server.
        """
        if refused:
            return ModelError(f"vLLM refuses a question: {said.rstrip('.')}. {_CURE}")
        # Its own last words are few: the reason stands in the log.
        return ModelError(
            f"vLLM failed: {said.rstrip('.')}; {telling(self.log)} (its log: {self.log}). What it answered is kept, "
            f"and the same command goes on. {_CURE}"
        )


def vllm_executable() -> str:
    """The `vllm` on PATH.

    Raises:
        MissingDependency: there is none.
    """
    found = shutil.which("vllm")
    if found is None:
        raise MissingDependency(
            "vLLM is not installed (pip install vllm; it wants an NVIDIA GPU); without --engine vllm, transformers "
            "takes the adapter as it is."
        )
    return found


def vllm_version(executable: str) -> str:
    """What `vllm --version` says; importing itself for that takes it some seconds.

    Raises:
        ModelError: it cannot be run.
    """
    try:
        done = subprocess.run(
            [executable, "--version"], capture_output=True, text=True, errors="replace", env=_environment(), timeout=300
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelError(f"{executable} --version cannot be run: {error}. {_CURE}") from error
    versions = re.findall(r"^\d+\.\d+\S*$", done.stdout, re.MULTILINE)
    if done.returncode or not versions:
        said = _telling(done.stderr) or f"it ended with code {done.returncode} and said nothing"
        raise ModelError(f"{executable} --version fails: {said}. Install vLLM anew, or leave out --engine vllm.")
    return str(versions[-1])


def merged_model(run: Run, folder: Path) -> Path:
    """What `export` made of the run's adapter or model in `folder`: vLLM takes merged models.

    Raises:
        WorkspaceError: nothing was exported, or what was is older than the adapter.
    """
    if not exported_from(run.merged, folder, "merged"):
        raise WorkspaceError(
            f"vLLM serves merged models, and {run.merged} holds none of this adapter: start with "
            f"`wukong-pipe export --overwrite --run {shlex.quote(run.name)}`."
        )
    return run.merged


@contextmanager
def serving(vllm: Vllm, model: str, tell: Callable[[], None] = lambda: None) -> Iterator[Server]:
    """A server of the model for the time of the block; when that ends, however it does, nothing of it is left.

    Args:
        model: a folder of weights, or a hub's id.
        tell: called some times a second until it answers.

    Raises:
        ModelError: it does not start.
    """
    # Another process may take the port before vLLM does; it would refuse the name.
    port, name = _free_port(), f"wukong-{secrets.token_hex(4)}"
    command = [
        *(vllm.executable, "serve", model, "--served-model-name", name, "--host", HOST, "--port", str(port)),
        # The weights' own settings may sample or penalise; what of them ends an answer comes with each request.
        *("--dtype", vllm.dtype, "--generation-config", "vllm"),
        # A model that could read more than fits beside its weights would be refused.
        *("--max-model-len", "auto", "--disable-uvicorn-access-log"),
        # Without a GPU, compiling takes longer than an evaluation and needs a C++ compiler.
        *(["--enforce-eager"] if vllm.on_cpu else []),
        *vllm.options,
    ]
    vllm.log.parent.mkdir(parents=True, exist_ok=True)
    with vllm.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "wukong_trainer.inference.watchdog", *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=_environment(),
        )
    assert process.stdin is not None
    try:
        _wait(process, port, name, vllm.log, tell)
        yield Server(f"http://{HOST}:{port}/v1", name, vllm.log)
    finally:
        process.stdin.close()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, name: str, log: Path, tell: Callable[[], None]) -> None:
    """Wait until the server answers, and no other that took its port.

    Raises:
        ModelError: it died, or says nothing any more.
    """
    # HTTP_PROXY would capture http://127.0.0.1, too.
    opener = build_opener(ProxyHandler({}))
    while True:
        if process.poll() is not None:
            raise ModelError(f"vLLM did not start: {telling(log)} (its log: {log}). {_CURE}")
        try:
            with opener.open(f"http://{HOST}:{port}/v1/models", timeout=5) as reply:
                if name.encode() in reply.read():
                    return
        except (OSError, HTTPException):
            pass
        if time.time() - log.stat().st_mtime > SILENCE:
            raise ModelError(
                f"vLLM did not start: for {SILENCE / 60:.0f} minutes it has said nothing after “{telling(log)}” (its "
                f"log: {log}). {_CURE}"
            )
        tell()
        time.sleep(0.25)


def telling(log: Path) -> str:
    """The line of a log that says best why a vLLM died."""
    return _telling(log.read_text("utf-8", errors="replace")) or "it said nothing"


def _telling(log: str) -> str:
    """The last error that is not about an earlier one, else the last line; without process, time and place."""
    lines = [_PREFIX.sub("", line).strip() for line in log.splitlines()]
    lines = [line for line in lines if line]
    errors = [line for line in lines if _ERROR.match(line)]
    roots = [line for line in errors if "root cause" not in line]
    line = (roots or errors or lines or [""])[-1].rstrip(".")
    return line if len(line) <= 300 else f"{line[:300]}…"


_PREFIX = re.compile(r"^(?:\(\w+[^()]*pid=\d+\)\s*)?(?:[A-Z]+ \d\d-\d\d [\d:.]+ \[[^]]+\]\s?)?")
_ERROR = re.compile(r"[\w.]*(?:Error|Exception)\b|Value error, |vllm\b.*: error: |ended with SIG")


def _environment() -> dict[str, str]:
    """This process's environment for vLLM: nothing that is named as a secret but the hub's, no word to its makers."""
    kept = {name: value for name, value in os.environ.items() if name in _OF_THE_HUB or not _SECRET.search(name)}
    # What its parts tell each other stays on this machine, too.
    return kept | {"VLLM_NO_USAGE_STATS": "1", "VLLM_HOST_IP": HOST}


_OF_THE_HUB = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}
_SECRET = re.compile(r"(?:^|_)(?:(?:API)?KEYS?|TOKENS?|SECRETS?|PASS\w*|CREDENTIALS?)(?:_|$)", re.IGNORECASE)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
