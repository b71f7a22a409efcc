from __future__ import annotations

from wukong_trainer.scoring.figures import in_points, interval, percent, points


def test_rates_and_differences_read_as_people_write_them() -> None:
    assert [percent(0.004), percent(1.0)] == ["0\u00a0%", "100\u00a0%"]
    assert [points(0.126), points(-0.031), points(-0.001)] == ["+13", "−3", "0"]
    assert interval([-0.2, 0.4]) == "−20 … +40"
    assert in_points({"difference": 0.1, "ci95": [-0.2, 0.4]}) == "+10 points, 95 % interval −20 … +40"


def test_an_interval_that_excludes_zero_does_not_read_as_if_it_held_it() -> None:
    assert interval([0.0019, 0.43]) == "+0.2 … +43"
    assert interval([-0.24, -0.004]) == "−24 … −0.4"
    assert interval([-0.02, 0.0]) == "−2 … 0"
