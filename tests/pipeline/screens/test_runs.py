from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from wukong_pipe import bounded
from wukong_pipe.files import write_json, write_text
from wukong_pipe.screens.runs import runs_table, summaries
from wukong_pipe.workspace import Workspace

VERDICT = {"verdict": "better", "base": 0.4, "tuned": 0.9}


@pytest.mark.parametrize(
    ("further", "told"),
    [
        ({"leakage": "none"}, ""),
        ({"leakage": "dropped 3"}, ""),
        ({"leakage": "unknown"}, ", leakage unknown"),
        ({"leakage": "dropped 3, rest unknown"}, ", leakage unknown"),
        ({"leakage": "none", "sample": {"asked": 9, "of": 90}}, " (sample: 9 of 90)"),
        ({"leakage": "unknown", "settings": {"limit": 43}}, " (at most 43 questions), leakage unknown"),
        ({"leakage": "none", "settings": {"limit": 43}, "sample": None}, ""),
    ],
)
def test_a_verdict_of_a_sample_or_of_unknown_leakage_says_so(
    tmp_path: Path, further: dict[str, Any], told: str
) -> None:
    workspace = Workspace(tmp_path)
    write_json(workspace.run("monkey").metrics, {"primary": VERDICT} | further)
    console = Console(width=200)
    with console.capture() as shown:
        console.print(runs_table(summaries(workspace)))
    line = shown.get().splitlines()[1].replace("\u00a0", " ")
    assert f"better (40 % → 90 %){told}  " in line


def test_a_training_on_rows_of_one_s_own_shows_how_many_there_were(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    run = workspace.run("alpaca")
    write_text(run.train / "recipe.toml", "# rows: 98 train, 0 validation, 1 cut to max_length\nr = 8\n")
    (summary,) = summaries(workspace)
    assert summary.rows == {"train": 98}
    write_json(run.manifest, {"splits": {"train": 5, "validation": 0, "test": 2}})
    (summary,) = summaries(workspace)
    assert summary.rows == {"train": 5, "test": 2}


def test_of_a_recipe_that_is_longer_than_any_is_nothing_is_told(tmp_path: Path) -> None:
    run = Workspace(tmp_path).run("alpaca")
    write_text(run.train / "recipe.toml", "# rows: 98 train, 0 validation\n" + "#" * bounded.MIB)
    (summary,) = summaries(Workspace(tmp_path))
    assert summary.rows == {}
