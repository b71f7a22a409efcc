"""Dates, whole or in part, in any spelling."""

from __future__ import annotations

import pytest

from wukong_pipe.language.dates import Date
from wukong_pipe.language.quantities import amounts


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("20 July 1969", Date(1969, 7, 20)),
        ("July 20, 1969", Date(1969, 7, 20)),
        ("1969-07-20", Date(1969, 7, 20)),
        ("二〇二四年八月二十日", Date(2024, 8, 20)),
        ("２０２４年８月", Date(2024, 8, 0)),
        ("in November", Date(0, 11, 0)),
        ("8月20日", Date(0, 8, 20)),
        ("3 Aprİl 1969", Date(1969, 4, 3)),
    ],
)
def test_a_date_is_one_fact_as_far_as_it_is_said(text: str, date: Date) -> None:
    assert amounts(text).dates == (date,)
