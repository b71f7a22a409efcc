"""What is said about leakage: as much as an evaluation knows, and never more."""

from __future__ import annotations

from typing import Any

import pytest

from wukong_trainer.evaluation.metrics import summarise
from wukong_trainer.report.leakage import leakage_cell, leakage_sentences
from wukong_trainer.report.metrics_file import metrics_of
from wukong_trainer.report.words import WORDS


@pytest.mark.parametrize(
    ("leakage", "english", "chinese"),
    [
        ("none", "none", "无"),
        ("unknown", "unknown", "未知"),
        ("dropped 3", "3 left out", "剔除 3 题"),
        ("dropped 3, rest unknown", "3 left out, others unknown", "剔除 3 题，其余未知"),
    ],
)
def test_a_table_names_it_in_a_few_words(leakage: str, english: str, chinese: str) -> None:
    assert [leakage_cell(leakage, WORDS[lang]) for lang in ("en", "zh")] == [english, chinese]


@pytest.mark.parametrize(
    ("leakage", "check", "sentences"),
    [
        ("none", None, "None of these questions was among the trained ones."),
        ("dropped 3", {"audit": "stands", "closest": None}, "Questions left out because they had been trained: 3."),
        ("unknown", None, "Leakage unknown: this evaluation did not note why."),
        ("unknown", {"audit": "none", "closest": None}, "Leakage unknown: no build has audited these rows."),
        (
            "dropped 3, rest unknown",
            {"audit": "none", "closest": None},
            "Questions left out because they had been trained: 3. "
            "Of the others leakage is unknown: no build has audited these rows.",
        ),
    ],
)
def test_the_verdict_stands_beside_what_was_left_out_and_why_the_rest_is_unknown(
    leakage: str, check: dict[str, Any] | None, sentences: str
) -> None:
    metrics = summarise([], base_model="b", adapter="a", leakage=leakage, settings={}) | {"leak_check": check}
    assert leakage_sentences(metrics_of(metrics), WORDS["en"]) == sentences
