"""Numbers in one spelling."""

from __future__ import annotations

import pytest

from wukong_pipe.language.numerals import numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("共１，０００人", {"1", "0"}),
        ("共1,000人和一千匹马", {"1000"}),
        ("第二回", {"2"}),
        ("一些万物", set()),
        ("4.0版，3.50元", {"4", "3.5"}),
        ("a total of 25.4 billion", {"25.4"}),
        ("2024年8月20日", {"2024", "8", "20"}),
        ("9" * 5000, {"9" * 5000}),
        ("一" + "亿" * 600, {"一" + "亿" * 600}),
    ],
)
def test_numbers_have_one_spelling(text: str, expected: set[str]) -> None:
    assert numbers(text) == expected
