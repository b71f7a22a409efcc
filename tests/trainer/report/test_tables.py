"""Numbers in the page's tables are short, and as people write them."""

from __future__ import annotations

import pytest

from wukong_trainer.report.tables import LONG, figure


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.000"),
        (-0.25, "−0.250"),
        (0.00052, "0.00052"),
        (1.26e-47, "1.26e-47"),
        (12_000_000.0, "1.2e+07"),
        (1386, "1386"),
        ("sdpa", "sdpa"),
        (None, "–"),
        ("x" * 301, "x" * (LONG - 1) + "…"),
    ],
)
def test_a_value_is_short(value: float | str | None, text: str) -> None:
    assert figure(value) == text
