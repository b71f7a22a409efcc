"""A disk that fails at the N-th change to a file: failing_disk.c, compiled, and the environment it obeys."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """Change number `at`, from 1, fails with `error`, and with `onwards` every later one."""

    at: int
    error: int
    onwards: bool


def compiler() -> str | None:
    """The C compiler, where there is one."""
    return shutil.which("gcc")


def compiled(folder: Path) -> Path:
    """The library to preload, made in `folder`."""
    library = folder / "failing_disk.so"
    source = Path(__file__).with_name("failing_disk.c")
    gcc = compiler()
    assert gcc
    subprocess.run([gcc, "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, source, "-ldl"], check=True)
    return library


def failing(folder: Path, trace: Path, fault: Fault | None) -> dict[str, str]:
    """The environment of a process whose changes below `folder` are written to `trace` and meet `fault`."""
    environment = {"FAILING_FOLDER": str(folder), "FAILING_TRACE": str(trace)}
    if fault is not None:
        environment |= {"FAILING_AT": str(fault.at), "FAILING_ERRNO": str(fault.error)}
        if fault.onwards:
            environment["FAILING_ONWARDS"] = "1"
    return environment


def changes(trace: Path) -> list[str]:
    """The changes that were made or tried, in order: "pwrite64 runs/journal.sqlite-wal"."""
    # The random part of a temporary file's name says nothing.
    return [re.sub(r"\.\w{8}$", ".tmp", line) for line in trace.read_text("utf-8").splitlines()]
