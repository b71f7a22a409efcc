"""`wukong-pipe review` in a process of its own, to be opened in a browser and killed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class ReviewServer:
    """A server that is up."""

    process: subprocess.Popen[str]
    address: str
    """With its token, as it was printed."""

    @property
    def origin(self) -> str:
        return f"http://{urlsplit(self.address).netloc}"

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()


@contextmanager
def reviewing(home: Path, *options: str) -> Iterator[ReviewServer]:
    """A review of the run used last in `home`, which is ended at the end."""
    command = [sys.executable, "-m", "wukong_pipe.cli", "review", "--no-browser", *options]
    with subprocess.Popen(command, cwd=home, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            found = re.search(r"http://\S+", said)
            assert found, said + process.stderr.read()
            yield ReviewServer(process, found[0])
        finally:
            process.kill()
