"""Builds in processes of their own, to be killed: forked from a server that has imported everything once.

A fresh interpreter takes two seconds to import what a build needs; a fork of this server takes none. The server
itself never runs a build, so no thread and no event loop is there to be copied.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: its exit code, negative where a signal killed it, and what it printed."""

    code: int
    output: str


class Running:
    """A command at work."""

    def __init__(self, pid: int, server: subprocess.Popen[bytes], output: Path) -> None:
        self._pid = pid
        self._server = server
        self._output = output

    def ended(self) -> bool:
        """Whether it has come to its end."""
        assert self._server.stdout is not None
        return bool(select.select([self._server.stdout], [], [], 0)[0])

    def kill(self) -> None:
        """SIGKILL. The server leaves what has ended unreaped until it is asked for more: the pid is still ours."""
        os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> Ended:
        """Wait for its end."""
        code = int(_line(self._server))
        return Ended(code, self._output.read_text("utf-8"))


class Forge:
    """The server, seen from the tests; one command at a time."""

    def __init__(self, server: subprocess.Popen[bytes], folder: Path) -> None:
        self._server = server
        self._output = folder / "output.txt"

    def start(self, home: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Running:
        """Begin `wukong-pipe` with these arguments in the folder `home`."""
        order = {
            "home": str(home),
            "arguments": arguments,
            "environment": dict(environment or {}),
            "output": str(self._output),
        }
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(order).encode("ascii") + b"\n")
        return Running(int(_line(self._server)), self._server, self._output)

    def run(self, home: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Ended:
        """`wukong-pipe` with these arguments, to its end."""
        return self.start(home, *arguments, environment=environment).wait()


@contextlib.contextmanager
def forge(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Forge]:
    """A running server with `environment` besides its own; `folder` takes what the commands print."""
    # Unbuffered, so that select() sees every line that is there. -P: this folder's modules are no one's libraries.
    with subprocess.Popen(
        [sys.executable, "-P", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env={**quiet_environment(), **(environment or {})},
        process_group=0,
    ) as server:
        try:
            assert _line(server) == "ready"
            yield Forge(server, folder)
        finally:
            # With the command that a failed test has left at work.
            os.killpg(server.pid, signal.SIGKILL)


def quiet_environment() -> dict[str, str]:
    """This process's environment without what would change a build, but for what all tests leave out."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("OPENAI_", "WUKONG_"))}
    return kept | {"WUKONG_BUILD_VERIFY": "none"}


def _line(server: subprocess.Popen[bytes]) -> str:
    assert server.stdout is not None
    line = server.stdout.readline().decode("ascii").strip()
    assert line, "the server that forks the builds has died"
    return line


# --- the server's side ----------------------------------------------------------------------------------------


def serve() -> None:
    """Fork a process for every order on stdin; say its pid, then how it ended."""
    importlib.import_module("wukong_pipe.cli")
    print("ready", flush=True)
    while order := sys.stdin.readline():
        heard, told = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(heard)
            _obey(json.loads(order), told)
        os.close(told)
        print(pid, flush=True)
        with os.fdopen(heard) as names:
            # What it had to import is there for the next one. A killed one's last name may be torn.
            _import(names.read().splitlines()[:-1])
        end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert end is not None
        print(end.si_status if end.si_code == os.CLD_EXITED else -end.si_status, flush=True)
        # Only now, at the next order, does the pid become free for others.
        select.select([sys.stdin], [], [])
        os.waitpid(pid, 0)


def _obey(order: dict[str, Any], told: int) -> NoReturn:
    """Become the command that was ordered."""
    from wukong_pipe.cli.main import main

    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ.update(order["environment"])
    os.chdir(order["home"])
    code = 1
    try:
        code = main(order["arguments"])
    except BaseException:
        traceback.print_exc()
    with os.fdopen(told, "w") as names:
        names.write("\n".join(sys.modules) + "\n")
    sys.stdout.flush()
    # Not sys.exit: to take a thousand modules apart needs longer than a build.
    os._exit(code)


def _import(names: list[str]) -> None:
    for name in names:
        if name not in sys.modules:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


if __name__ == "__main__":
    serve()
