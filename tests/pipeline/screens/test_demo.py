"""The demo shows an answer of each kind, chosen by nobody, and says in a sentence what was proved."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.answered import HOSTILE, answer_row, summarise
from wukong_pipe.screens.demo import sample_lines, verdict_line
from wukong_trainer.report.metrics_file import metrics_of

RIGHT = "REFERENCE"
TRAINED = {"p": "What is it?"}


def lines_of(rows: list[dict[str, Any]]) -> list[str]:
    return [line.strip() for line in sample_lines(rows, TRAINED)]


def row(level: str, named: str, tuned: str, base: str = "No idea.", **fields: Any) -> dict[str, Any]:
    return answer_row(level, 1, "en", base, tuned, id=named, pair_id="p", **fields)


def test_of_each_kind_the_answer_with_the_lowest_id_is_shown() -> None:
    rows = [row("wording", "b", RIGHT), row("wording", "a", RIGHT, instruction="First?"), row("wording", "0", "Wrong.")]
    rows += [row("section", "c", "Invented."), row("question", "00", RIGHT)]
    shown = lines_of(rows)
    assert [line for line in shown if line.startswith(("A new", "The control"))] == [
        "A new wording, answered rightly",
        "A new wording, answered wrongly",
        "The control: a section of which nothing was trained",
    ]
    assert shown[1:3] == ["trained    What is it?", "asked      First?"]
    assert shown[4:6] == ["base       No idea. (wrong)", f"tuned      {rows[1]['tuned']['answer']} (right)"]
    assert shown[-1] == "tuned      Invented. (wrong)"


def test_a_kind_that_is_not_there_is_left_out() -> None:
    assert lines_of([]) == []
    assert lines_of([row("wording", "a", RIGHT)])[0] == "A new wording, answered rightly"
    assert len(lines_of([row("wording", "a", RIGHT)])) == 6


def test_a_control_names_no_trained_question_and_long_or_hostile_text_stays_on_its_line() -> None:
    control = answer_row("section", 1, "en", "word\n" * 100, HOSTILE, id="a", pair_id="other")
    shown = lines_of([control])
    assert [line.split()[0] for line in shown[1:]] == ["asked", "reference", "base", "tuned"]
    assert shown[3].endswith("… (wrong)")
    assert all(len(line) < 200 for line in shown)
    assert "\x1b" not in "".join(shown)


@pytest.mark.parametrize(
    ("sections", "tuned", "says"),
    [
        (10, RIGHT, "Tuning helped: 100\u00a0% right. 10 held-out wordings"),
        (10, "Wrong.", "No evidence"),
        (3, RIGHT, "Too few sections"),
    ],
)
def test_the_verdict_is_the_report_s_sentence(sections: int, tuned: str, says: str) -> None:
    rows = [answer_row("wording", number, "en", "No idea.", tuned) for number in range(sections)]
    metrics = metrics_of(summarise(rows, base_model="b", adapter="a", leakage="none", settings={}))
    line = verdict_line(metrics)
    assert line.startswith(says)
    assert f"from {sections} sections" in line


def test_without_a_held_out_wording_there_is_no_verdict() -> None:
    metrics = metrics_of(summarise([], base_model="b", adapter="a", leakage="none", settings={}))
    assert verdict_line(metrics) == "No held-out wording was evaluated, so there is no verdict."
