"""The second reading on the page: by whom, what came of it, and how far the reader is to be trusted."""

from __future__ import annotations

from typing import Any

import pytest

from wukong_trainer.report.verification import second_reading, verification_block
from wukong_trainer.report.words import WORDS

READER = {"batch_size": 8, "caught": 11, "of_false": 12, "passed": 12, "of_true": 12}
VERIFY: dict[str, Any] = {
    "model": "qwen3-max",
    "asked": 240,
    "supported": 221,
    "rejected": 15,
    "unanswered": 4,
    "calibration": {"en": READER | {"may_clear": True, "may_deny": True}},
    "unread": {"test": 2, "validation": 1},
    "sample": {"asked": 100, "supported": 98, "rejected": 2, "unanswered": 0, "error_rate": [0.006, 0.07]},
}
ROWS = [
    {"variant": "base", "verified": "yes"},
    {"variant": "base", "verified": "unanswered"},
    {"variant": "paraphrase", "verified": "unasked"},
    {"variant": "paraphrase", "verified": "unasked"},
]


def said(verify: dict[str, Any], lang: Any = "en") -> str:
    reading = second_reading({"verify": verify})
    assert reading
    return " ".join(verification_block(reading, ROWS, WORDS[lang]).sentences)


def test_who_read_and_what_came_of_it() -> None:
    assert said(VERIFY) == (
        "qwen3-max read 240 pairs and wordings a second time: 221 supported by the source, 15 rejected, 4 without a "
        "verdict. Calibration (English): it caught 11 of 12 planted errors and passed 12 of 12 true items; so its "
        "verdicts count. Held-out questions that nobody read: 3. A sample of 100 wordings without doubt was read, too; "
        "of those that nobody read at most 7\u00a0% are wrong (95\u00a0%)."
    )
    assert "认出 11 处" in said(VERIFY, "zh")


@pytest.mark.parametrize(
    ("may_clear", "may_deny", "words"),
    [(False, True, "may reject, but clears no doubt"), (False, False, "every doubt rejects")],
)
def test_what_the_calibration_lets_a_reader_do(may_clear: bool, may_deny: bool, words: str) -> None:
    reader = READER | {"may_clear": may_clear, "may_deny": may_deny}
    assert words in said(VERIFY | {"calibration": {"en": reader}})


def test_rows_are_counted_by_pairs_and_wordings() -> None:
    reading = second_reading({"verify": VERIFY})
    assert reading
    table = verification_block(reading, ROWS, WORDS["en"]).table
    assert table.columns == ["verified", "no verdict", "not read"]
    assert table.lines == [("base questions", ["1", "1", "0"]), ("paraphrases", ["0", "0", "2"])]


@pytest.mark.parametrize("manifest", [{}, {"verify": {"model": "m"}}, {"verify": "all"}])
def test_nothing_is_said_where_nobody_read_or_another_version_noted_it(manifest: dict[str, Any]) -> None:
    assert second_reading(manifest) is None
