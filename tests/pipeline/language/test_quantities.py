"""Numbers with their units, and dates, whatever their spelling."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.odd_texts import TEXTS
from wukong_pipe.language.numerals import in_figures
from wukong_pipe.language.quantities import Quantity, amounts, unknown_amounts, without_amounts


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("约十二公里", "12", "km"),
        ("１２ km", "12", "km"),
        ("twelve kilometres", "12", "km"),
        ("110.6 m tall", "110.6", "m"),
        ("six feet", "6", "ft"),
        ("$25.4 billion", "25400000000", "USD"),
        ("25.4 billion dollars", "25400000000", "USD"),
        ("销量突破两千万", "20000000", ""),
        ("some 400 thousand", "400000", ""),
        ("三米", "3", "m"),
        ("一个月", "1", "month"),
        ("struck twice", "2", "times"),
        ("two and a half hours", "2.5", "h"),
        ("7.8 kilometres per second", "7.8", "km/s"),
        ("aged 36", "36", "year"),
        ("Apollo 11", "11", "#apollo"),
        ("百分之五十", "50", "%"),
        ("百分之五", "5", "%"),
        ("百分之99.7", "99.7", "%"),
        ("第三回", "3", "nth 回"),
        ("前三回", "3", "each 回"),
        ("2½ hours", "2.5", "h"),
        ("２ ½ hours", "2.5", "h"),
        ("2-¼ hours", "2.25", "h"),
        ("12¾小时", "12.75", "h"),
        ("½ hour", "0.5", "h"),
        ("1⅜ inches", "1.375", "in"),
        ("2 1/2 hours", "2.5", "h"),
        ("aged 36 months", "36", "month"),
        ("a dozen feet", "12", "ft"),
        ("A DOZEN feet", "12", "ft"),
        ("twıce", "2", "times"),
        ("TWİCE", "2", "times"),
        ("5 mıllıon km", "5000000", "km"),
    ],
)
def test_an_amount_is_one_fact_in_any_spelling(text: str, value: str, unit: str) -> None:
    assert amounts(text).quantities == (Quantity(value, unit),)


@pytest.mark.parametrize("text", ["一起", "一个", "一些万物", "两人", "哪一年", "one of them", "PS5", "十分好"])
def test_a_numeral_inside_a_word_is_no_amount(text: str) -> None:
    assert amounts(text).quantities == ()


@pytest.mark.parametrize(
    ("said", "known", "strange"),
    [
        ("in July 1969", "on 20 July 1969", None),
        ("on 5 February", "5 February 1971", None),
        ("on 21 July", "on 20 July 1969", "7-21"),
        ("in 1968", "on 20 July 1969", "1968"),
        ("32 pounds", "about 32 kg", "32 lb"),
        ("第三回", "第一回有三名头目", "3 回"),
        ("四位元辰", "４个元辰", None),
        ("四对元辰", "４个元辰", "4 pair"),
        ("342段", "342级", "342 段"),
        ("21 hours", "The crew spent 2½ hours outside", "21 h"),
        ("two and a half hours", "The crew spent 2½ hours outside", None),
        ("106 kg", "It weighed 10⁶ kg", "106 kg"),
        ("10⁶ kg", "It weighed 10^6 kg", None),
        ("10⁷ kg", "It weighed 10⁶ kg", "7 kg"),
        ("in 1969", "in 1969²", None),
        ("50 m²", "50 m2", None),
        ("eight times", "Apollo 8 flew ten times", "8 times"),
    ],
)
def test_an_amount_is_known_only_with_its_unit(said: str, known: str, strange: str | None) -> None:
    assert next(unknown_amounts(amounts(said), amounts(known)), None) == strange


def test_every_amount_that_is_unknown_is_told_the_dates_first() -> None:
    said, known = amounts("12 men walked 8 km in 30 hours, until 1972-12-14."), amounts("12 men in 1961")
    assert [*unknown_amounts(said, known)] == ["1972-12-14", "8 km", "30 h"]


def test_what_is_left_without_amounts_keeps_names_and_bare_numbers() -> None:
    assert without_amounts("约十二公里").strip() == "约"
    assert without_amounts("Apollo 11 weighed 3.5 tonnes").split() == ["Apollo", "11", "weighed"]
    assert without_amounts("July 16, 1969").strip() == ""


@pytest.mark.parametrize(
    "text",
    ["9" * 320 + "万", "9" * 5000, "乙刀" + "亿" * 600, "一" * 5000, "百分之" + "一" * 5000, "9" * 40 + " million"],
)
def test_a_numeral_that_nobody_means_stays_as_it_stands(text: str) -> None:
    assert in_figures(text) == text
    assert all(quantity.value in text for quantity in amounts(text).quantities)


def test_a_long_numeral_is_read_in_a_blink() -> None:
    begin = time.process_time()
    amounts("8" * 20_000)
    assert time.process_time() - begin < 1


@given(TEXTS, st.integers(1, 400))
def test_no_text_is_too_odd_to_be_read(text: str, times: int) -> None:
    for odd in (text, text + text[-1:] * times, text[:12] * times):
        amounts(odd)
        without_amounts(odd)
