"""What the bound says; asking for it needs a trained run: see test_evaluation_parts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.answered import answered, scored
from wukong_trainer.evaluation.open_book import open_book


@pytest.mark.parametrize(("helped", "closed"), [(10, 0.5), (1, None)])
def test_how_much_of_a_gap_was_closed_is_said_where_there_is_one(helped: int, closed: float | None) -> None:
    rows = [
        answered(
            {
                "level": "wording",
                "heading_path": [str(i)],
                "base": {"fact_hit": 0.0},
                "tuned": {"fact_hit": float(i % 2)},
            }
        )
        for i in range(10)
    ]
    rows = [replace(row, open_book=scored({"fact_hit": float(i < helped)})) for i, row in enumerate(rows)]
    assert open_book(rows, 0)["levels"]["wording"]["gap_closed"] == closed
