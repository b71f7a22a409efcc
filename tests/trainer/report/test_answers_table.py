"""The terminal shows what tuning changed, and answers as text whatever they hold."""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console

from tests.support.answered import HOSTILE, answer_row, summarise
from wukong_trainer.report.answers_table import answers_table
from wukong_trainer.report.metrics_file import metrics_of


def terminal(metrics: dict[str, Any], answers: list[dict[str, Any]], **options: Any) -> str:
    console = Console(width=100, force_terminal=True, color_system="standard")
    with console.capture() as captured:
        console.print(answers_table(metrics_of(metrics), answers, **options))
    return captured.get()


def test_the_terminal_table_shows_wins_then_a_loss_as_text() -> None:
    rows = [answer_row("wording", i, "en", "No idea.", "REFERENCE") for i in range(9)]
    rows.append(answer_row("wording", 9, "en", "There were 109 of them.", HOSTILE))
    metrics = summarise(rows, base_model="b", adapter="a", leakage="none", settings={})
    shown = terminal(metrics, rows, examples=3)
    plain = re.sub("\x1b\\[[0-9;]*m", "", shown)
    assert re.search(r"wording +10 +10 +10\u00a0% +90\u00a0% +\+80 +\+5 … \+97 +better", plain)
    assert "better" in plain
    assert [f"chapter {i}?" in plain for i in (0, 4, 1, 9)] == [True, True, False, True]
    assert "\x07" not in shown
    # The last column of the last table, its folded lines put together again.
    last = "".join(line[67:].strip() for line in plain.splitlines()[-8:])
    assert "\\x1b[31mred\\x07" in last
    assert "[bold]b[/]" in last, "markup is shown, not obeyed"
    assert terminal(metrics, rows, examples=0).count("chapter") == 0


def test_the_judge_s_grade_stands_beside_the_score() -> None:
    row = answer_row("wording", 1, "en", "No idea.", "REFERENCE")
    row["tuned"]["grade"] = {"value": "partly", "reason": "x"}
    metrics = summarise([row], base_model="b", adapter="a", leakage="none", settings={})
    shown = re.sub("\x1b\\[[0-9;]*m", "", terminal(metrics, [row]))
    assert re.search("base: miss +tuned: hit, judge: partly", shown)


def test_forward_questions_stand_apart_only_where_there_are_reverse_ones() -> None:
    rows = [answer_row("question", i, "en", "No.", "REFERENCE") for i in range(3)]
    metrics = summarise(rows, base_model="b", adapter="a", leakage="none", settings={})
    assert "forward" not in terminal(metrics, rows)
    metrics = summarise(
        [*rows, rows[0] | {"kind": "reverse"}], base_model="b", adapter="a", leakage="none", settings={}
    )
    assert re.search(
        r"question +4.*\n +forward +3.*\n +reverse +1", re.sub("\x1b\\[[0-9;]*m", "", terminal(metrics, rows))
    )


def test_the_terminal_table_of_nothing() -> None:
    assert "Leakage: none" in terminal(summarise([], base_model="b", adapter="a", leakage="none", settings={}), [])


def test_the_terminal_says_why_leakage_is_unknown_and_that_a_sample_is_one() -> None:
    metrics = summarise([], base_model="b", adapter="a", leakage="unknown", settings={})
    metrics |= {"sample": {"asked": 3, "of": 90}, "leak_check": {"audit": "edited", "closest": 0.614}}
    shown = " ".join(terminal(metrics, []).split())
    assert "A sample: 3 of 90 test questions were asked" in shown
    edited = "(train.jsonl or test.jsonl was changed after the build had audited"
    assert f"Leakage: unknown {edited}" in shown
    assert "0.61 alike" in shown
    shown = " ".join(terminal(metrics | {"leakage": "dropped 3, rest unknown"}, []).split())
    assert f"Leakage: dropped 3, rest unknown {edited}" in shown
