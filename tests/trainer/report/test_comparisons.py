"""What page and terminal share: what became of an answer."""

from __future__ import annotations

from tests.support.answered import answer_row
from wukong_trainer.report.comparisons import outcome


def test_the_outcome_is_what_tuning_did_to_the_answer() -> None:
    answers = [("No.", "REFERENCE"), ("There were 101 of them.", "No."), ("No.", "No.")]
    rows = [answer_row("wording", 1, "en", base, tuned) for base, tuned in answers]
    assert [outcome(row) for row in rows] == ["won", "lost", "both_wrong"]
