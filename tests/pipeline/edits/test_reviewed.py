"""What was decided about the pairs of a dataset: counted pair by pair, and what `train --accepted-only` trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.building import build_offline, rows_of, run_in, source
from wukong_pipe.edits.edits_file import Edit, append
from wukong_pipe.edits.reviewed import accepted_rows, reviewed
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.workspace import Run

BOOK = "# 书\n" + "".join(f"\n## 第{n}章\n\n甲{n}的兵器是乙{n}刀。丙{n}的住处是丁{n}山。\n" for n in range(1, 6))
FEW = BuildSettings(variants=4, holdout=0.0)


def build(folder: Path) -> None:
    build_offline(folder, [source(BOOK)], FEW)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    build(tmp_path)
    return run_in(tmp_path)


def pairs_of(run: Run) -> list[str]:
    return list(dict.fromkeys(row["pair_id"] for row in rows_of(run)))


def held(run: Run) -> list[dict[str, Any]]:
    found = accepted_rows(run)
    return [row for row in rows_of(run) if found.holds(row)]


def test_a_dataset_that_nobody_read_has_no_counts(run: Run) -> None:
    assert reviewed(run).counts == {}
    with pytest.raises(WorkspaceError, match=r"No pair of .* is accepted in .*edits\.jsonl: read some with"):
        accepted_rows(run)


def test_what_is_accepted_is_trained_without_a_build_and_what_is_mended_after_one(run: Run, tmp_path: Path) -> None:
    one, two, three, four, *_ = pairs_of(run)
    row = next(row for row in rows_of(run) if row["pair_id"] == three)
    append(run.edits, [Edit(id=one, ok=True), Edit(id=row["id"], ok=True), Edit(id=four, note="why?")])
    assert {row["pair_id"] for row in held(run)} == {one}
    append(run.edits, [Edit(id=two, ok=True, output="乙9刀"), Edit(id=three, drop=True)])
    with pytest.raises(WorkspaceError, match=r"holds decisions that .* was not built with: build again"):
        accepted_rows(run)
    build(tmp_path)
    assert {row["pair_id"] for row in held(run)} == {one, two}
    assert {row["output"] for row in held(run) if row["pair_id"] == two} == {"乙9刀"}
    assert reviewed(run).counts == {"accepted": 1, "mended": 1, "dropped": 1, "rescued": 0}
    append(run.edits, [Edit(id=two, undo=True)])
    with pytest.raises(WorkspaceError, match="build again"):
        accepted_rows(run)


def test_a_row_that_was_dropped_is_not_trained_though_its_pair_is_accepted(run: Run, tmp_path: Path) -> None:
    one = pairs_of(run)[0]
    row = next(row for row in rows_of(run) if row["pair_id"] == one and row["split"] == "train")
    append(run.edits, [Edit(id=one, ok=True), Edit(id=row["id"], drop=True)])
    build(tmp_path)
    assert row["id"] not in {row["id"] for row in held(run)}
    assert held(run)


def test_a_pair_whose_question_alone_was_worded_anew_counts_as_mended_as_the_page_counts_it(
    run: Run, tmp_path: Path
) -> None:
    own = next(row for row in rows_of(run) if row["variant"] == "base")
    append(run.edits, [Edit(id=own["id"], instruction="甲1用的是什么兵器？"), Edit(id=own["pair_id"], ok=True)])
    build(tmp_path)
    assert reviewed(run).counts == {"accepted": 0, "mended": 1, "dropped": 0, "rescued": 0}
