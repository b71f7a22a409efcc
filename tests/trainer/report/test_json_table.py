"""Whatever another step recorded has its lines: base and tuned side by side, nothing lost but what is said."""

from __future__ import annotations

import pytest

from wukong_trainer.report.json_table import LINES, as_table


@pytest.mark.parametrize(
    "value",
    [
        {"hit": {"base": 0.25, "tuned": 0.5}, "n": 9},
        {"base": {"hit": 0.25}, "tuned": {"hit": 0.5}, "n": 9},
    ],
)
def test_base_and_tuned_share_a_line_whichever_way_they_nest(value: dict[str, object]) -> None:
    table = as_table(value)
    assert table["columns"] == ["value", "base", "tuned"]
    assert dict(table["lines"]) == {("hit",): {"base": 0.25, "tuned": 0.5}, ("n",): {"value": 9}}


def test_lists_of_plain_values_stay_whole_and_others_are_numbered() -> None:
    table = as_table({"ci95": [0.0, 1.0], "kept": ["a", "b"], "examples": [{"q": 1}, {"q": 2}], "empty": {}})
    assert dict(table["lines"]) == {
        (): {"ci95": [0.0, 1.0]},
        ("kept",): {"value": ["a", "b"]},
        ("examples", "1", "q"): {"value": 1},
        ("examples", "2", "q"): {"value": 2},
    }


def test_a_very_long_block_is_cut_and_says_so() -> None:
    table = as_table({str(i): i for i in range(100_000)})
    assert (len(table["lines"]), table["cut"]) == (LINES, True)
    assert as_table({str(i): i for i in range(LINES)})["cut"] is False
