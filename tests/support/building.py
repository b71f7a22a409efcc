"""Building with the embedded teacher into a folder, as the command does, for the tests of the build."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wukong_pipe.commands.build import Invocation, run_build
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.corpus.sources import Source
from wukong_pipe.files import read_jsonl
from wukong_pipe.journal.store import Journal
from wukong_pipe.pipeline import Built
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.workspace import Run, Workspace

SMALL = BuildSettings(variants=6, max_pairs=5, limit=6)
ROW_KEYS: Mapping[str, type] = {
    "instruction": str,
    "input": str,
    "output": str,
    "id": str,
    "pair_id": str,
    "fact_id": str,
    "section_id": str,
    "kind": str,
    "variant": str,
    "split": str,
    "level": str,
    "source": str,
    "heading_path": list,
    "lines": list,
    "evidence": list,
    "facts": list,
    "verified": str,
    "lang": str,
    "teacher": str,
    "prompt": str,
    "call": str,
}
"""The keys of a row, in order, and their types in JSON."""


def source(text: str, name: str = "book.md") -> Source:
    return Source.of(name, Path(name), lambda: text)


def build_offline(
    folder: Path,
    sources: list[Source],
    settings: BuildSettings = SMALL,
    name: str = "book",
    say: Callable[[str], None] = lambda line: None,
) -> tuple[Built, Invocation]:
    """Build into `folder`/runs/`name`; the second value is what stands in build.json."""
    workspace = Workspace(folder / "runs")
    return run_build(
        workspace,
        workspace.run(name),
        sources,
        settings,
        TeacherChoice("offline"),
        named=True,
        overwrite=False,
        progress=lambda *_: None,
        say=say,
    )


def run_in(folder: Path, name: str = "book") -> Run:
    return Workspace(folder / "runs").run(name)


def rows_of(run: Run) -> list[dict[str, Any]]:
    """All rows on the disk, split by split."""
    files = (run.dataset / name for name in ("train.jsonl", "val.jsonl", "test.jsonl"))
    return [row for file in files if file.exists() for row in read_jsonl(file)]


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` but the lock, and what it holds."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def calls_of(folder: Path) -> list[tuple[str, str]]:
    """(stage, request) of each call in the workspace's journal."""
    with Journal(folder / "runs" / "journal.sqlite") as journal:
        calls = [(call.stage, json.loads(call.request)) for call in journal.calls()]
    return [(stage, json.dumps(request, ensure_ascii=False)) for stage, request in calls]
