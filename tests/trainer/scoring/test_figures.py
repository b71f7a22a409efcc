from __future__ import annotations

from typing import Any

from wukong_trainer.scoring.figures import in_points, interval, past_evaluation, percent, points, rivals


def test_rates_and_differences_read_as_people_write_them() -> None:
    assert [percent(0.004), percent(1.0)] == ["0\u00a0%", "100\u00a0%"]
    assert [points(0.126), points(-0.031), points(-0.001)] == ["+13", "−3", "0"]
    assert interval([-0.2, 0.4]) == "−20 … +40"
    assert in_points({"difference": 0.1, "ci95": [-0.2, 0.4]}) == "+10 points, 95 % interval −20 … +40"


def test_a_past_evaluation_is_one_line_with_its_result_and_what_its_sample_was() -> None:
    entry: dict[str, Any] = {
        "time": "2026-01-02T03:04:05+00:00",
        "adapter_hash": "0123456789",
        "test_hash": "fedcba9876",
    }
    entry |= {"leakage": "none", "sample": {"asked": 9, "of": 30}, "primary": {"n": 9, "base": 0.0, "tuned": 1.0}}
    line = past_evaluation(entry)
    assert (line["time"], line["adapter"], line["test_set"]) == ("2026-01-02 03:04", "01234567", "fedcba98")
    assert (line["n"], line["tuned"], line["sample"]) == (9, 1.0, {"asked": 9, "of": 30})


def test_each_rival_has_a_line_for_each_level() -> None:
    level = {"n": 3, "first": 0.5, "model": 1.0}
    models = [{"name": name, "leakage": "none", "levels": {"wording": level, "section": level}} for name in "ab"]
    found = [(line["name"], line["level"], line["model"]) for line in rivals({"first": "x", "models": models})]
    assert found == [("a", "wording", 1.0), ("a", "section", 1.0), ("b", "wording", 1.0), ("b", "section", 1.0)]


def test_an_interval_that_excludes_zero_does_not_read_as_if_it_held_it() -> None:
    assert interval([0.0019, 0.43]) == "+0.2 … +43"
    assert interval([-0.24, -0.004]) == "−24 … −0.4"
    assert interval([-0.02, 0.0]) == "−2 … 0"
