"""Numerals, read as digits: 一千, １，０００ and one thousand are 1000, 两千万 and twenty million are 20000000."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from wukong_pipe.language.chinese import NUMERAL, chinese_number
from wukong_pipe.language.measure_units import OTHER_UNIT, UNITS_OF_ONE

LONGEST = 30
"""Nobody means a numeral of more characters or words than this: it stays as it stands."""
ENDLESS = re.compile(rf"{NUMERAL}{{{LONGEST + 1}}}")
"""A Chinese numeral of more than `LONGEST` characters; one of some hundreds has a value too long to write."""
# A lone 一 or 万 is mostly part of a word (一些, 万物); 第二 and 一百零八 are numbers.
NUMBER = re.compile(rf"\d+(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|第{NUMERAL}+|{NUMERAL}{{2,}}")
"""A number in digits, or in Chinese numerals that are no part of a word."""

_ZERO_TO_NINETEEN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_ONES = {word: value for value, word in enumerate(_ZERO_TO_NINETEEN.split())}
_TWENTY_TO_NINETY = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: 10 * value for value, word in enumerate(_TWENTY_TO_NINETY.split(), 2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SCALE_VALUES = {**_SCALES, "万": 10**4, "亿": 10**8}
# The lookahead names the first letters of these words, so the search leaves most words of a text at once.
_SPELT_WORD = f"(?=[befhmnostz])(?:{'|'.join(sorted([*_ONES, *_TENS, *_SCALES], key=len, reverse=True))})"
_SPELT = re.compile(
    rf"\b{_SPELT_WORD}(?:(?:[ -]|(?<=hundred)\s+and\s+|(?<=thousand)\s+and\s+){_SPELT_WORD})*\b",
    re.IGNORECASE,
)
_SCALE = "thousand|million|billion|trillion|万|亿"
_DIGITS = r"\d+(?:,\d{3}){0,10}(?:\.\d+)?"
_SCALED = re.compile(rf"(?<!\d)({_DIGITS})\s*({_SCALE})", re.IGNORECASE)
_UNSCALED = re.compile(rf"(?<![\d.,]){_DIGITS}(?![.,]?\d|[%％]|\s*(?:{_SCALE}))", re.IGNORECASE)
_AND_A_HALF = re.compile(r"(?<!\d)(\d+)(?: and a half| 1/2)", re.IGNORECASE)
_AFTERNOON = re.compile(r"\b(\d{1,2})([:.]\d\d)?\s*(?:p\.?m\b\.?|in the (?:afternoon|evening))", re.IGNORECASE)
_GROUPED = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?!\d)")
_CHINESE = re.compile(f"{NUMERAL}+")
_UNIT_BEHIND = re.compile(OTHER_UNIT)
_PERCENT = re.compile(r"百分之(\d+(?:\.\d+)?|[零〇一二两三四五六七八九十百]+)")
_HOW_OFTEN = {"twice": "2 times", "thrice": "3 times", "a dozen": "12", "dozen": "12", "a decade": "10 years"}
_OFTEN = re.compile(rf"\b(?:{'|'.join(_HOW_OFTEN)})\b", re.IGNORECASE)
_AGED = re.compile(r"\bage[ds]?(?: of)? (\d+)(?!\d)(?! months| weeks| days)")
_FROM_FIRST = re.compile("第[一1](?=[到至])")
_SMALL = re.compile("[¼-¾⅐-⅞⁰¹²³⁴-⁹]")
_FRACTION = re.compile(r"(?:(\d)[ -]?)?([¼-¾⅐-⅞])")
_POWER = re.compile(r"(?<=\d)(?=[⁻⁺]?[⁰¹²³⁴-⁹])")
_LETTER = re.compile("[A-Za-z]")
_DIGIT = re.compile(r"\d")


@lru_cache(maxsize=4096)
def numbers(text: str) -> frozenset[str]:
    """Numbers in one spelling: １，０００ and 一千 are both "1000", 第二回 holds "2"."""
    values = set()
    # NFKC would turn the full-width comma, which separates, into the one that groups thousands.
    for match in NUMBER.finditer(unicodedata.normalize("NFKC", text.replace("，", "；"))):
        token = match.group().removeprefix("第")
        if len(token) > LONGEST:
            values.add(token)
        elif token[0].isdigit():
            values.add(without_zeros(token.replace(",", "")))
        elif (value := chinese_number(token)) is not None:
            values.add(str(value))
    return frozenset(values)


def without_zeros(number: str) -> str:
    """A number in digits without the zeros that say nothing: "007" is "7", "3.50" is "3.5"."""
    return number.rstrip("0").rstrip(".") if "." in number else str(int(number))


@lru_cache(maxsize=4096)
def in_figures(text: str) -> str:
    """The text with its numerals as plain digits: 两千万 and twenty million are 20000000.

    A lone Chinese numeral counts only before a measure word or unit, and a lone 一 only before one of `UNITS_OF_ONE`:
    一起 and 一个 say no number.
    """
    # NFKC would turn the full-width comma, which separates, into the one that groups thousands, 2½ into 21⁄2 and 10⁶
    # into 106.
    plain = text.replace("，", "；")
    if _SMALL.search(plain):
        plain = _FRACTION.sub(lambda match: (match[1] or "0") + f"{unicodedata.numeric(match[2]):g}"[1:], plain)
        plain = _POWER.sub("^", plain)
    # A pattern that ignores case takes a Turkish i for an i; the tables below do not hold it.
    plain = unicodedata.normalize("NFKC", plain).replace("ı", "i").replace("İ", "i")
    # Most texts hold nothing that these patterns match; to look for a letter or a digit first is far quicker.
    has_letters = _LETTER.search(plain) is not None
    if has_letters:
        plain = _OFTEN.sub(lambda match: _HOW_OFTEN[match.group().casefold()], plain)
        plain = _AGED.sub(r"\1 years", plain)
    if "百分之" in plain:
        plain = _PERCENT.sub(_percent, plain)
    if _DIGIT.search(plain):
        plain = _GROUPED.sub(lambda match: match.group().replace(",", ""), plain)
        plain = _SCALED.sub(_scaled, plain)
    if has_letters:
        plain = _SPELT.sub(_spelt, plain)
        plain = _SCALED.sub(_scaled, plain)
    if _DIGIT.search(plain):
        plain = _AND_A_HALF.sub(lambda match: f"{match[1]}.5", plain)
        plain = _AFTERNOON.sub(lambda match: f"{int(match[1]) % 12 + 12}{match[2] or ''}", plain)
    # 第一到第五回 has one more number than 前五回, and says the same.
    plain = _FROM_FIRST.sub("", plain)
    return _CHINESE.sub(_chinese, plain)


def _percent(match: re.Match[str]) -> str:
    """百分之五十 → 50%"""
    if len(match[1]) > LONGEST:
        return match.group()
    value = match[1] if match[1].isascii() else chinese_number(match[1])
    return match.group() if value is None else f"{value}%"


def _scaled(match: re.Match[str]) -> str:
    """25.4 billion → 25400000000"""
    if len(match[1]) > LONGEST:
        return match.group()
    value = float(match[1].replace(",", "")) * _SCALE_VALUES[match[2].casefold()]
    return str(round(value)) + (" " if match[2].isascii() else "")


def _spelt(match: re.Match[str]) -> str:
    """two hundred and five → 205; “one” or “million” alone is often no number, and stays."""
    words = re.split(r"[ -]|\s+and\s+", match.group().casefold())
    if words == ["one"] or len(words) > LONGEST or all(word in _SCALES for word in words):
        return match.group()
    total = part = 0
    for word in words:
        if word == "hundred":
            part = (part or 1) * 100
        elif word in _SCALES:
            total, part = total + (part or 1) * _SCALES[word], 0
        else:
            part += _ONES.get(word, 0) + _TENS.get(word, 0)
    return str(total + part)


def _chinese(match: re.Match[str]) -> str:
    """三十二 → 32, 三米 → 3米; a numeral inside a word stays."""
    numeral, text = match.group(), match.string
    before, after = text[max(0, match.start() - 1) : match.start()], text[match.end() : match.end() + 2]
    if len(numeral) > LONGEST or (before in tuple("哪这那每同某任另") and numeral == "一"):
        return numeral
    if before != "第" and len(numeral) == 1:
        unit = _UNIT_BEHIND.match(text, match.end())
        counts = after.startswith("月") or (unit is not None and (numeral != "一" or unit.group() in UNITS_OF_ONE))
        # 万年, 一天生 (born so), 三年级 (a grade), 两人 (both): what stands behind the numeral looks like a unit only.
        if (
            not counts
            or numeral in "零〇百千万亿"
            or after.startswith(("天生", "年级", "口气", "部分"))
            or numeral + after[:1] in ("两人", "两者")
        ):
            return numeral
    value = chinese_number(numeral)
    return numeral if value is None else str(value)


def with_asked_scale(answer: str, question: str, source: str) -> str:
    """The answer with the scale word that its question says, where the source writes the number with that word.

    >>> with_asked_scale("210", "How many million bricks does it make?", "It makes 210 million bricks.")
    '210 million'
    >>> with_asked_scale("210", "How many bricks does it make?", "It makes 210 million bricks.")
    '210'
    """
    asked = question.casefold()
    scales = {match[1]: match[2] for match in _SCALED.finditer(source) if match[2].casefold() in asked}
    if not scales:
        return answer
    return _UNSCALED.sub(
        lambda match: f"{match.group()} {scales[match.group()]}" if match.group() in scales else match.group(), answer
    )
