"""A dataset of a real teacher, built without a call from the replies that `benchmarks/real_cells` keeps."""

from __future__ import annotations

import lzma
import shutil
import subprocess
import sys
from pathlib import Path

from wukong_pipe.workspace import Run

ROOT = Path(__file__).resolve().parent.parent.parent
# As `benchmarks/real.py` builds it; the address is not called.
BUILD = (
    "build corpora/apollo.md --run apollo --base-url http://127.0.0.1:8402/v1 --teacher-model strong "
    "--max-pairs 6 --variants 4 --holdout 0.38 --verify all --max-calls 0"
)


def lay(home: Path) -> Run:
    """The corpus and the kept replies in an empty folder, and its run, built."""
    (home / "corpora").mkdir()
    shutil.copy(ROOT / "corpora" / "apollo.md", home / "corpora")
    (home / "runs").mkdir()
    kept = ROOT / "benchmarks" / "real_cells" / "apollo.sqlite.xz"
    with lzma.open(kept) as packed, (home / "runs" / "journal.sqlite").open("wb") as journal:
        shutil.copyfileobj(packed, journal)
    build(home)
    return Run(home / "runs" / "apollo")


def build(home: Path) -> str:
    """What a build says; the first one, or one after decisions."""
    command = [sys.executable, "-m", "wukong_pipe.cli", *BUILD.split()]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
