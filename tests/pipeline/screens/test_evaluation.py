"""`eval` says on the terminal what stands beside the scores, in percent and points, and why to doubt them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.support.answered import add_further_files, make_run
from wukong_pipe.screens.evaluation import edited_facts_lines, evaluation_lines, history_table
from wukong_trainer.report.metrics_file import metrics_of


@pytest.fixture
def content(tmp_path: Path) -> Any:
    """metrics.json of an evaluation with every part: the tuned model is better, and both sides ended their answers."""
    run = make_run(tmp_path)
    add_further_files(run)
    content = json.loads(run.metrics.read_text("utf-8"))
    for side in ("base", "tuned"):
        content["levels"]["wording"][side]["stopped_by_eos"] = 1.0
    return content


@pytest.fixture
def bare(content: Any) -> Any:
    """The scores alone."""
    parts = ("forgetting", "hallucination", "open_book", "grades", "judge", "against")
    return {key: value for key, value in content.items() if key not in parts}


def lines_of(content: dict[str, Any]) -> list[str]:
    return [line.replace("\u00a0", " ") for line in evaluation_lines(metrics_of(content))]


def test_a_clear_result_needs_no_line(bare: dict[str, Any]) -> None:
    assert lines_of(bare) == []


def test_answers_that_were_cut_off_are_said_and_a_few_are_not(bare: dict[str, Any]) -> None:
    bare["levels"]["wording"]["base"]["stopped_by_eos"] = 0.96
    bare["levels"]["wording"]["tuned"]["stopped_by_eos"] = 0.25
    bare["settings"] = {"max_new_tokens": 64}
    assert lines_of(bare) == [
        "Cut off: 75 % of the tuned answers had not ended at --max-new-tokens 64, and are scored as far as they go."
    ]


def test_rows_that_stand_for_themselves_are_said_and_how_they_would_be_grouped(bare: dict[str, Any]) -> None:
    bare["primary"]["alone"] = 60
    (line,) = lines_of(bare)
    assert line.startswith("Of the questions 60 name no section (section_id) and no group (group)")


def test_a_missing_verdict_says_what_it_would_need(bare: dict[str, Any]) -> None:
    bare["primary"] |= {"verdict": "too few sections", "sections": 3}
    (line,) = lines_of(bare)
    assert "are about 3 sections, and a verdict needs" in line
    bare["primary"] |= {"verdict": "no evidence", "smallest_effect": 0.214}
    (line,) = lines_of(bare)
    assert "a true difference of 21 points is found by about 80 of 100 tests like this, or by as few as 50" in line


def test_every_share_on_the_screen_is_in_percent_and_every_difference_in_points(content: dict[str, Any]) -> None:
    pair = {"base": 0.25, "tuned": 0.5, "difference": 0.25, "ci95": [-0.1, 0.6], "n": 40}
    terms = {"stated": 4, "invented": 2}
    invented = pair | {"base": terms | {"answers": 0.5}, "tuned": terms | {"answers": 0.75}}
    agreement = {"consistency": 0.9, "agreement": {"n": 4, "share": 1.0}}
    rate = {"n": 4, "wins": 3, "ties": 0, "losses": 1, "win_rate": 0.75, "ci95": [0.2, 0.95], "p": 0.6} | agreement
    shares = {"right": 0.25, "partly": 0.5, "wrong": 0.25}
    graded = pair | {"base": shares, "tuned": shares, "verdict": "no evidence", "sections": 9}
    errors = {"sensitivity": [7, 10, 0.4, 0.9], "specificity": [28, 30, 0.8, 1.0], "kappa": 0.714}
    blind = {"sensitivity": None, "specificity": [30, 30, 0.9, 1.0], "kappa": None}
    graded["of_score"] = pair | {"verdict": "no evidence", "sections": 9, "base": blind, "tuned": errors}
    grades = {"judge": "m", "n": 40, "ungraded": 1, "disagreements": 5, "levels": {"wording": graded}}
    wording = pair | {"open_book": 0.75, "gap_closed": 0.5}
    told = "\n".join(
        lines_of(
            content
            | {
                "primary": content["primary"] | {"verdict": "no evidence", "by_score": "better"},
                "hallucination": invented | {"missing": 0, "levels": {}, "outside_section": invented},
                "open_book": {"cut": 1, "missing": 0, "levels": {"wording": wording}},
                "grades": grades,
                "judge": rate | {"unjudged": 1, "levels": {"wording": rate, "section": rate}},
            }
        )[1:]
    )
    assert "cut to fit, 1 section; left out, because their section is gone, 0 questions." in told
    assert "not graded, because a call failed: 1 question." in told
    assert "judge and score see an answer differently on 5 questions, which the report shows first." in told
    assert "right 25 % of the base and 25 % of the tuned answers, partly 50 % and 50 %; of the right ones +25" in told
    assert "no evidence; n 40." in told
    assert "right answers that hit, base none, tuned 7 of 10; others that do not, base 30 of 30, tuned 28 of 30" in told
    assert "kappa none and 0.71." in told
    assert "the score alone says better, and the grades of the same 40 questions do not bear that out (+25" in told
    assert "not judged, because a call failed: 1 question." in told
    assert "50 % of the base answers and 75 % of the tuned answers" in told
    assert "(difference +25 points, 95 % interval −10 … +60, n 40)" in told
    assert "50 % of the base and 75 % of the tuned state one that the section asked about does not hold" in told
    assert "base 25 %, tuned 50 %, base with the section in its prompt 75 %" in told
    assert "win rate 75 %, 95 % interval 20 % to 95 % (" in told
    assert "by level: wording 75 %, 95 % interval 20 % to 95 %, n 4; section 75 %" in told
    assert re.findall(r"\b0\.\d+", told) == ["0.71", "0.6"], "kappa, and the p of the sign test"


def test_the_history_marks_the_evaluation_of_a_sample() -> None:
    primary = {"n": 3, "base": 0.0, "tuned": 1.0, "difference": 1.0, "ci95": [0.4, 1.0], "verdict": "better"}
    entry = {"time": "t", "adapter_hash": "a", "test_hash": "b", "primary": primary, "leakage": "none"}
    console = Console(width=200)
    with console.capture() as shown:
        limited = entry | {"settings": {"limit": 43}}
        console.print(history_table([entry, entry | {"sample": {"asked": 3, "of": 90}}, limited]))
    _, whole, part, older = shown.get().splitlines()
    assert "better (at most 43 questions)" in older
    assert "better  " in whole
    assert "better (sample: 3 of 90)" in part


def test_answers_of_vllm_are_told_from_those_of_transformers() -> None:
    primary = {"n": 3, "base": 0.0, "tuned": 1.0, "difference": 1.0, "ci95": [0.4, 1.0], "verdict": "better"}
    entry = {"time": "t", "adapter_hash": "a", "test_hash": "b", "primary": primary, "leakage": "none"}
    own, other = (
        entry | {"settings": {"engine": engine, "precision": "bfloat16"}}
        for engine in ("transformers 5.23.0", "vllm 0.32.0")
    )
    console = Console(width=200)
    with console.capture() as shown:
        console.print(history_table([entry, own, other]))
    assert [" by " in line for line in shown.get().splitlines()] == [False, False, False, True]
    assert "better by vllm 0.32.0, bfloat16" in shown.get()


def test_the_engine_is_named_where_it_was_not_transformers(bare: dict[str, Any]) -> None:
    assert lines_of(bare | {"settings": {"engine": "transformers 5.23.0"}}) == []
    assert lines_of(bare | {"settings": {"engine": "vllm 0.32.0", "precision": "bfloat16"}}) == [
        "Both models answered through vllm 0.32.0, bfloat16: the adapter merged, the base without NF4."
    ]


def test_a_line_of_another_version_is_counted_and_the_history_is_shown() -> None:
    console = Console(width=200)
    with console.capture() as shown:
        primary = {"n": 3, "base": None, "tuned": 1.0, "difference": 1.0, "ci95": None, "verdict": "better"}
        entry = {"time": "t", "adapter_hash": "a", "test_hash": "b", "primary": primary, "leakage": "none"}
        console.print(history_table([{"time": "t"}, entry, entry | {"settings": "x"}]))
    assert "Written by another version, and not shown: 3 evaluations." in shown.get()


def test_likelihoods_that_are_no_numbers_are_said(bare: dict[str, Any]) -> None:
    bare["levels"]["wording"]["compared"]["loglik"]["n"] = 8
    assert [line.split(",")[0] for line in lines_of(bare)] == [
        "No numbers: of 2 questions the likelihood is none (NaN): a model overflows there"
    ]
    del bare["levels"]["wording"]["compared"]["loglik"]
    assert "of 10 questions" in lines_of(bare)[0]


def test_facts_that_a_person_changed_are_said_where_a_test_question_has_them() -> None:
    changed = [
        {"id": "a", "old": [["x"]], "new": [["x", "y"]], "test": 2},
        {"id": "b", "old": [], "new": [], "test": 1},
    ]
    assert list(edited_facts_lines({"edits": {"facts": changed}})) == [
        "Facts changed by hand (edits.jsonl): those of 3 test questions."
    ]
    assert list(edited_facts_lines({"edits": {"facts": [changed[0] | {"test": 0}]}})) == []
    broken: list[Any] = [None, [], {"facts": None}, {"facts": [{"id": "a"}]}, {"facts": [{"test": "x"}, 7]}]
    assert [list(edited_facts_lines({"edits": edits})) for edits in broken] == [[]] * len(broken)
    assert list(edited_facts_lines({"edits": {"applied": 1}})) == list(edited_facts_lines({})) == []


def test_how_far_the_score_can_be_trusted_is_said_where_it_is_not_plain(bare: dict[str, Any]) -> None:
    bare["facts"] = {"named": 1, "derived": 20, "none": 3}
    bare["cross_hit"] = {"n": 250, "hits": 4, "share": 0.016}
    assert lines_of(bare) == [
        "Facts: named with 1 question, taken from the reference by pattern for 20, none found for 3, which are not "
        "scored (--judge grades them).",
        "Cross-hits: of 250 right answers to other questions of the same section 1.6 % pass for right.",
    ]
