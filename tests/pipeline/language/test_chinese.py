"""Which text is Chinese, and what a Chinese numeral is worth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.language.chinese import chinese_number, is_chinese


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("黑神话", True),
        ("PC版在Steam、Epic游戏商城和WeGame上销售", True),
        ("Wukong (悟空) is the hero of the game", False),
        ("", False),
        ("1234 —", False),
    ],
)
def test_a_text_is_chinese_where_a_fifth_of_its_letters_are(text: str, chinese: bool) -> None:
    assert is_chinese(text) is chinese


def spelt(value: int) -> str:
    """A number up to 99 999 in Chinese, as it is said."""
    if value >= 10_000:
        rest = value % 10_000
        gap = "零" if 0 < rest < 1000 else ""
        return spelt(value // 10_000) + "万" + gap + (spelt(rest) if rest else "")
    words, zero = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        figure = value // unit % 10
        if figure:
            words += ("零" if zero and words else "") + "零一二三四五六七八九"[figure] + name
        zero = figure == 0
    return words or "零"


@given(st.integers(0, 99_999))
def test_a_chinese_number_is_read_as_it_is_said(value: int) -> None:
    assert chinese_number(spelt(value)) == value


def test_what_is_no_number_has_no_value() -> None:
    assert chinese_number("一百斤") is None
    assert chinese_number("二〇二四") == 2024
    assert chinese_number("三千万") == 30_000_000
