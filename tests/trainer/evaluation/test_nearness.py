"""Which test wordings are near to a trained wording of their pair."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.answered import answered
from wukong_pipe.files import jsonl, write_text
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import Example
from wukong_trainer.evaluation.nearness import trained_wordings, with_nearness

WORDING = answered({"base": {"fact_hit": 0.0}, "tuned": {"fact_hit": 0.0}}).test


@pytest.mark.parametrize(
    ("question", "nearness"),
    [
        ("谁掉落出云棍呢？", "near"),
        ("打败哪位妖王可以拿到这根棍子？", "far"),
    ],
)
def test_a_wording_is_near_or_far_from_the_nearest_of_its_own_pair(question: str, nearness: str) -> None:
    trained = {"a": ["谁掉落出云棍？", "出云棍由谁掉落？"], "b": ["打败哪位妖王可以拿到这根棍子？"]}
    test = replace(WORDING, example=Example(question, "石敢当"))
    assert [row.nearness for row in with_nearness([test], trained)] == [nearness]


def test_of_untrained_pairs_and_other_levels_nothing_is_said() -> None:
    rows = [replace(WORDING, pair_id="gone"), replace(WORDING, level="question"), replace(WORDING, level="section")]
    assert [row.nearness for row in with_nearness(rows, {"a": ["Who?"]})] == ["", "", ""]


def test_trained_wordings_are_read_by_pair(tmp_path: Path) -> None:
    run = Run(tmp_path)
    rows = [{"pair_id": "a", "instruction": "一？"}, {"pair_id": "a", "instruction": "二？"}, {"instruction": "三？"}]
    write_text(run.dataset / "train.jsonl", jsonl(rows))
    assert trained_wordings(run) == {"a": ["一？", "二？"]}
