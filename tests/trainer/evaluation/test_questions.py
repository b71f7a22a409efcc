"""Which rows are asked, and what is known of leaks; the rest of it needs a trained run: see test_evaluate."""

from __future__ import annotations

from typing import Any

import pytest

from wukong_trainer.evaluation.questions import leakage_of


@pytest.mark.parametrize(
    ("record", "dropped", "leakage"),
    [
        ({"questions": [], "dataset_hash": "a"}, 0, "none"),
        ({"questions": [], "dataset_hash": "a"}, 2, "dropped 2"),
        ({"questions": [], "dataset_hash": "b"}, 0, "unknown"),
        ({"questions": [], "dataset_hash": "b"}, 2, "dropped 2, rest unknown"),
        ({}, 0, "unknown"),
    ],
)
def test_no_leak_is_claimed_only_of_rows_that_the_test_was_audited_against(
    record: dict[str, Any], dropped: int, leakage: str
) -> None:
    assert leakage_of(record, dropped, "a") == leakage
    assert leakage_of(record, 0, None) == "unknown"
    assert leakage_of({"questions": []}, 3, None) == "dropped 3, rest unknown"
