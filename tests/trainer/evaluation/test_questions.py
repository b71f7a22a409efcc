"""Which rows are asked, and what is known of leaks; the rest of it needs a trained run: see test_evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from wukong_pipe.errors import DataError
from wukong_pipe.files import jsonl, write_text
from wukong_trainer.evaluation.metrics import summarise
from wukong_trainer.evaluation.questions import leakage_of, read_test_rows
from wukong_trainer.evaluation.records import AnsweredRow, ScoredAnswer, TestRow


@pytest.mark.parametrize(
    ("record", "dropped", "leakage"),
    [
        ({"questions": [], "dataset_hash": "a"}, 0, "none"),
        ({"questions": [], "dataset_hash": "a"}, 2, "dropped 2"),
        ({"questions": [], "dataset_hash": "b"}, 0, "unknown"),
        ({"questions": [], "dataset_hash": "b"}, 2, "dropped 2, rest unknown"),
        ({}, 0, "unknown"),
    ],
)
def test_no_leak_is_claimed_only_of_rows_that_the_test_was_audited_against(
    record: dict[str, Any], dropped: int, leakage: str
) -> None:
    assert leakage_of(record, dropped, "a") == leakage
    assert leakage_of(record, 0, None) == "unknown"
    assert leakage_of({"questions": []}, 3, None) == "dropped 3, rest unknown"


def read(folder: Path, rows: Sequence[dict[str, Any]]) -> list[TestRow]:
    write_text(folder / "mine.jsonl", jsonl(rows))
    return read_test_rows(folder / "mine.jsonl")


def test_facts_are_those_of_the_row_or_follow_from_its_reference(tmp_path: Path) -> None:
    named = {"instruction": "由谁掉落？", "output": "由石敢当掉落。", "facts": [["石敢当", "巨石妖王"]]}
    plain = {"instruction": "How far is it?", "output": "12 km"}
    without = {"instruction": "Why?", "output": "Because nobody had ever been there before they went to see it."}
    rows = read(tmp_path, [named, plain, without, named | {"facts": ["石敢当"]}])
    assert [row.facts for row in rows] == [(("石敢当", "巨石妖王"),), (("12 km",),), (), (("石敢当",),)]
    assert [row.facts_from for row in rows] == ["named", "derived", "none", "named"]


@pytest.mark.parametrize("facts", ["石敢当", [[]], [[""]], [3], [["a", 3]]])
def test_facts_that_are_none_are_refused_by_line(tmp_path: Path, facts: Any) -> None:
    with pytest.raises(DataError, match=r"line 1: “facts” must be a list of facts"):
        read(tmp_path, [{"instruction": "Who?", "output": "He.", "facts": facts}])


def test_a_spelling_of_two_pairs_of_a_section_is_neithers_and_of_two_wordings_both(tmp_path: Path) -> None:
    where = {"section_id": "s", "heading_path": ["A"], "output": "x"}
    first = where | {"pair_id": "p", "instruction": "Which wait?", "facts": [["read timeout", "the timeout"]]}
    second = where | {"pair_id": "q", "instruction": "Which other?", "facts": [["write timeout", "the timeout"]]}
    rows = read(tmp_path, [first, first | {"instruction": "What wait?"}, second])
    assert [row.facts for row in rows] == [(("read timeout",),), (("read timeout",),), (("write timeout",),)]
    apart = read(tmp_path, [first, first | {"instruction": "What wait?"}, second | {"heading_path": ["B"]}])
    assert all("the timeout" in row.facts[0] for row in apart)


def test_sixty_rows_of_ones_own_without_headings_get_a_verdict(tmp_path: Path) -> None:
    rows = read(tmp_path, [{"instruction": f"How far is hill {i}?", "output": f"{i + 2} km"} for i in range(60)])
    assert len({row.cluster for row in rows}) == 60
    sides = [ScoredAnswer(text, True, {"fact_hit": hit}) for text, hit in (("I do not know.", 0.0), ("So far.", 1.0))]
    answers = [AnsweredRow(row, "", sides[0], sides[1]) for row in rows]
    found = summarise(answers, base_model="b", adapter="a", leakage="unknown", settings={})
    assert (found["primary"]["n"], found["primary"]["sections"]) == (60, 60)
    assert found["primary"]["verdict"] == "better"
    assert found["facts"] == {"named": 0, "derived": 60, "none": 0}
    grouped = read(tmp_path, [{"instruction": f"Hill {i}?", "output": "2 km", "group": i % 3} for i in range(60)])
    assert len({row.cluster for row in grouped}) == 3
