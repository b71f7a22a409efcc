"""A past evaluation is read as it was written, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from wukong_trainer.report.history import past_evaluation

ENTRY: dict[str, Any] = {
    "time": "2026-01-02T03:04:05+00:00",
    "adapter_hash": "0123456789",
    "test_hash": "fedcba9876",
    "leakage": "none",
    "sample": {"asked": 9, "of": 30},
    "primary": {"n": 9, "base": 0.0, "tuned": 1.0, "difference": 1.0, "ci95": [0.4, 1.0], "verdict": "better"},
}


def test_a_past_evaluation_has_its_time_to_the_minute_short_hashes_its_result_and_its_sample() -> None:
    past = past_evaluation(ENTRY)
    assert past is not None
    assert (past.minute, past.adapter, past.test_set) == ("2026-01-02 03:04", "01234567", "fedcba98")
    assert (past.primary.n, past.primary.tuned, past.sample) == (9, 1.0, {"asked": 9, "of": 30})


@pytest.mark.parametrize(
    "change",
    [{"time": 3}, {"primary": None}, {"primary": ENTRY["primary"] | {"verdict": "fine"}}, {"settings": "x"}],
    ids=str,
)
def test_an_entry_of_another_version_is_none(change: dict[str, Any]) -> None:
    assert past_evaluation(ENTRY | change) is None


def test_an_entry_that_lacks_its_result_is_none() -> None:
    assert past_evaluation({key: value for key, value in ENTRY.items() if key != "primary"}) is None
