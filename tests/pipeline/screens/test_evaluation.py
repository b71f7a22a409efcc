from __future__ import annotations

import re
from typing import Any

from rich.console import Console

from wukong_pipe.screens.evaluation import evaluation_lines, history_table


def test_answers_that_were_cut_off_are_said_and_a_few_are_not() -> None:
    wording = {"base": {"stopped_by_eos": 0.96}, "tuned": {"stopped_by_eos": 0.25}}
    metrics = {
        "primary": {"verdict": "no evidence"},
        "levels": {"wording": wording, "question": {}, "section": {}},
        "settings": {"max_new_tokens": 64},
    }
    told = "Cut off: 75 % of the tuned answers had not ended at --max-new-tokens 64, and are scored as far as they go."
    assert [line.replace("\u00a0", " ") for line in evaluation_lines(metrics)] == [told]
    assert list(evaluation_lines(metrics | {"levels": {}})) == []


def test_rows_that_stand_for_themselves_are_said_and_how_they_would_be_grouped() -> None:
    metrics = {"primary": {"verdict": "better", "alone": 60}, "levels": {}, "settings": {"max_new_tokens": 64}}
    (line,) = evaluation_lines(metrics)
    assert line.startswith("Of the questions 60 name no section (section_id) and no group (group)")


def test_every_share_on_the_screen_is_in_percent_and_every_difference_in_points() -> None:
    pair = {"base": 0.25, "tuned": 0.5, "difference": 0.25, "ci95": [-0.1, 0.6], "n": 40}
    invented = pair | {"base": {"answers": 0.5}, "tuned": {"answers": 0.75}}
    rate = {"n": 4, "wins": 3, "ties": 0, "losses": 1, "win_rate": 0.75, "ci95": [0.2, 0.95], "p": 0.6}
    metrics: dict[str, Any] = {
        "primary": {"verdict": "no evidence", "smallest_effect": 0.214},
        "levels": {},
        "settings": {"max_new_tokens": 64},
        "hallucination": invented | {"outside_section": invented},
        "open_book": {"cut": 0, "missing": 0, "levels": {"wording": pair | {"open_book": 0.75, "gap_closed": 0.5}}},
        "judge": rate
        | {"unjudged": 0, "consistency": 0.9, "agreement": {"n": 4, "share": 1.0}}
        | {"levels": {"wording": rate, "section": rate}},
    }
    metrics["open_book"]["cut"], metrics["judge"]["unjudged"] = 1, 1
    told = "\n".join(evaluation_lines(metrics)).replace("\u00a0", " ")
    assert "cut to fit, 1 section; left out, because their section is gone, 0 questions." in told
    assert "not judged, because a call failed: 1 question." in told
    assert (
        "a true difference of 21 points is found by about 80 of 100 tests like this, or by as few as 50 where" in told
    )
    assert "50 % of the base answers and 75 % of the tuned answers" in told
    assert "(difference +25 points, 95 % interval −10 … +60, n 40)" in told
    assert "50 % of the base and 75 % of the tuned state one that the section asked about does not hold" in told
    assert "base 25 %, tuned 50 %, base with the section in its prompt 75 %" in told
    assert "win rate 75 %, 95 % interval 20 % to 95 % (" in told
    assert "by level: wording 75 %, 95 % interval 20 % to 95 %, n 4; section 75 %" in told
    assert re.findall(r"\b0\.\d+", told) == ["0.6"], "the p of the sign test"


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
    assert list(evaluation_lines(own | {"levels": {}})) == []
    assert list(evaluation_lines(other | {"levels": {}})) == [
        "Both models answered through vllm 0.32.0, bfloat16: the adapter merged, the base without NF4."
    ]


def test_a_line_of_another_version_is_counted_and_the_history_is_shown() -> None:
    console = Console(width=200)
    with console.capture() as shown:
        primary = {"n": 3, "base": None, "tuned": 1.0, "difference": 1.0, "ci95": None, "verdict": "better"}
        entry = {"time": "t", "adapter_hash": "a", "test_hash": "b", "primary": primary, "leakage": "none"}
        console.print(history_table([{"time": "t"}, entry, entry | {"settings": "x"}]))
    assert "Written by another version, and not shown: 3 evaluations." in shown.get()


def test_likelihoods_that_are_no_numbers_are_said() -> None:
    wording = {"n": 5, "base": {}, "tuned": {}, "compared": {"loglik": {"n": 3}}}
    metrics = {"primary": {"verdict": "better"}, "levels": {"wording": wording}, "settings": {}}
    assert [line.split(",")[0] for line in evaluation_lines(metrics)] == [
        "No numbers: of 2 questions the likelihood is none (NaN): a model overflows there"
    ]
