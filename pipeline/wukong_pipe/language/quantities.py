"""Numbers with their units, and dates, in one spelling: 十二公里, １２ km and twelve kilometres are one fact."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from wukong_pipe.language import plain_words
from wukong_pipe.language.chinese import chinese_number
from wukong_pipe.language.numerals import LONGEST

_STEPS = "段 级 层 回 章 集 次 句 招 场 关 步 轮 折 楼 岁 周目 人称"
_UNITS = {
    "mm": "mm millimetre millimetres millimeter millimeters 毫米",
    "cm": "cm centimetre centimetres centimeter centimeters 厘米",
    "m": "m metre metres meter meters 米 公尺",
    "km": "km kilometre kilometres kilometer kilometers 公里 千米",
    "in": "inch inches 英寸",
    "ft": "ft foot feet 英尺",
    "yd": "yd yard yards 码",
    "mi": "mi mile miles 英里",
    "nmi": "nmi nautical_mile nautical_miles 海里",
    "mg": "mg milligram milligrams 毫克",
    "g": "g gram grams gramme grammes 克",
    "kg": "kg kilogram kilograms kilogramme kilogrammes kilo kilos 千克 公斤",
    "t": "t tonne tonnes metric_ton metric_tons 吨",
    "ton": "ton tons",
    "lb": "lb lbs pound pounds 磅",
    "oz": "oz ounce ounces 盎司",
    "m/s": "m/s metres_per_second meters_per_second metre_per_second meter_per_second 米每秒",
    "km/s": "km/s kilometres_per_second kilometers_per_second kilometre_per_second km_per_second 公里每秒 千米每秒",
    "km/h": "km/h kph kilometres_per_hour kilometers_per_hour km_per_hour 公里每小时 千米每小时",
    "mph": "mph miles_per_hour mile_per_hour 英里每小时",
    "ms": "ms millisecond milliseconds 毫秒",
    "s": "s sec second seconds 秒 秒钟",
    "min": "min mins minute minutes 分钟",
    "h": "h hr hrs hour hours 小时 个小时 钟头 个钟头",
    "day": "day days 天 日",
    "week": "week weeks 周 星期 个星期 礼拜 个礼拜",
    "month": "month months 个月",
    "year": "year years 年",
    "decade": "decade decades",
    "century": "century centuries 世纪 个世纪",
    "%": "% percent per_cent percentage",
    "psi": "psi pounds_per_square_inch pound_per_square_inch",
    "bar": "bar bars",
    "kPa": "kpa kilopascal kilopascals 千帕",
    "°C": "°c degrees_celsius degree_celsius 摄氏度 ℃",
    "°F": "°f degrees_fahrenheit degree_fahrenheit 华氏度 ℉",
    "W": "w watt watts 瓦",
    "kW": "kw kilowatt kilowatts 千瓦",
    "MW": "mw megawatt megawatts 兆瓦",
    "N": "newton newtons 牛顿",
    "kN": "kn kilonewton kilonewtons 千牛",
    "Hz": "hz hertz 赫兹",
    "kHz": "khz kilohertz",
    "MHz": "mhz megahertz",
    "GHz": "ghz gigahertz",
    "bit": "bit bits 比特",
    "byte": "byte bytes 字节",
    "word": "word words",
    "KB": "kb kilobyte kilobytes",
    "MB": "mb megabyte megabytes",
    "GB": "gb gigabyte gigabytes",
    "USD": "$ dollar dollars us_dollars usd 美元 美金",
    "EUR": "€ euro euros 欧元",
    "GBP": "£ pounds_sterling 英镑",
    "HKD": "港元 港币",
    "JPY": "日元",
    "CNY": "元 人民币 yuan rmb ¥",
    "litre": "litre litres liter liters 升",
    "gallon": "gallon gallons 加仑",
    # What counts things of one kind may stand for another such word; what counts steps or sets may not.
    "each": "个 位 名 件 种 类 颗 块 条 只 座 处 项 家 款 根 枚 道 把 本 张 匹 头 幕 部 门"
    " 人 口 册 尊 版 扇 片 株 滴 杯 瓶 难 路 间 份 支 棵",
    **{f"each {word}": word for word in _STEPS.split()},
    "pair": "对 双 pair pairs",
    "set": "套 组 串 批 捆 set sets",
    "dozen": "打",
    "times": "倍 times 遍",
}
_CANONICAL = {spelling.replace("_", " "): unit for unit, spellings in _UNITS.items() for spelling in spellings.split()}
_LATIN_UNIT = "|".join(
    re.escape(unit).replace(r"\ ", r"\s+") for unit in sorted(_CANONICAL, key=len, reverse=True) if unit.isascii()
)
_OTHER_UNIT = "|".join(re.escape(unit) for unit in sorted(_CANONICAL, key=len, reverse=True) if not unit.isascii())
_UNIT = rf"[ \t]*(?:-[ \t]*)?(?:(?i:{_LATIN_UNIT})(?![a-z])|{_OTHER_UNIT})"

_ONES = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SPELT_WORD = f"(?=[befhmnostz])(?:{'|'.join(sorted([*_ONES, *_TENS, *_SCALES], key=len, reverse=True))})"
_SPELT = re.compile(
    rf"\b{_SPELT_WORD}(?:(?:[ -]|(?<=hundred)\s+and\s+|(?<=thousand)\s+and\s+){_SPELT_WORD})*\b",
    re.IGNORECASE,
)
_AND_A_HALF = re.compile(r"(?<!\d)(\d+)(?: and a half| 1/2)", re.IGNORECASE)
_AFTERNOON = re.compile(r"\b(\d{1,2})([:.]\d\d)?\s*(?:p\.?m\b\.?|in the (?:afternoon|evening))", re.IGNORECASE)
_SCALED = re.compile(
    r"(?<!\d)(\d+(?:,\d{3}){0,10}(?:\.\d+)?)\s*(thousand|million|billion|trillion|万|亿)", re.IGNORECASE
)
_BARE = re.compile(
    r"(?<![\d.,])\d+(?:,\d{3}){0,10}(?:\.\d+)?(?![.,]?\d|[%％]|\s*(?:thousand|million|billion|trillion|万|亿))",
    re.IGNORECASE,
)
_SCALE_VALUES = {**_SCALES, "万": 10**4, "亿": 10**8}
_GROUPED = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?!\d)")
_CHINESE = re.compile(r"[零〇一二两三四五六七八九十百千万亿]+")
ENDLESS = re.compile(rf"[零〇一二两三四五六七八九十百千万亿]{{{LONGEST + 1}}}")
"""A Chinese numeral of more than `LONGEST` characters; of some hundreds its value is too long to be written."""
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
_MONTHS = {
    name: month
    for month, names in enumerate(
        [
            "january:jan",
            "february:feb",
            "march:mar",
            "april:apr",
            "may",
            "june:jun",
            "july:jul",
            "august:aug",
            "september:sep:sept",
            "october:oct",
            "november:nov",
            "december:dec",
        ],
        1,
    )
    for name in names.split(":")
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = re.compile(
    rf"(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m1>{_MONTH})\b\.?,?(?:\s+(?:of\s+)?(?P<y1>\d{{4}}))?"
    rf"|\b(?P<m2>{_MONTH})\b\.?\s+(?:the\s+)?(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s+(?P<y2>\d{{4}}))?"
    rf"|\b(?P<m3>{_MONTH})\b\.?,?\s+(?:of\s+)?(?P<y3>\d{{4}})"
    r"|(?P<y4>\d{4})-(?P<m4>\d{1,2})-(?P<d4>\d{1,2})"
    r"|(?P<y5>\d{4})\s*年(?:\s*(?P<m5>\d{1,2})\s*月(?:\s*(?P<d5>\d{1,2})\s*[日号])?)?"
    r"|(?P<m6>\d{1,2})\s*月(?:\s*(?P<d6>\d{1,2})\s*[日号])?"
    r"|\b(?P<m7>january|february|april|june|july|august|september|october|november|december)\b",
    re.IGNORECASE,
)
_LONE_MONTH = re.compile(
    "(?=[jfasond])(?:january|february|april|june|july|august|september|october|november|december)", re.I
)
"""What alone makes a date of a text without digits."""
_QUANTITY = re.compile(
    rf"(?:(?P<nth>第)|(?P<name>[A-Z][A-Za-z]{{1,60}}) |(?P<money>[$€£¥]))?"
    rf"(?<![A-Za-z\d.-])(?P<value>\d+(?:\.\d+)?)(?P<unit>{_UNIT})?"
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and what it counts: ("12", "km"); the unit is "" where none is known, "#apollo" behind
    a name, "each 段" and "nth 段" for 三段 and 第三段."""

    value: str
    unit: str

    def agrees_with(self, other: Quantity) -> bool:
        """Whether both may be one fact: equal values, and units that may stand for one another where both have one."""
        return self.value == other.value and (
            self.unit == other.unit
            or "" in (self.unit, other.unit)
            or (self.unit.startswith("each") and other.unit.startswith("each") and "each" in (self.unit, other.unit))
            or {self.unit, other.unit} == {self.unit.replace("nth", "each"), self.unit.replace("each", "nth")}
        )


@dataclass(frozen=True, slots=True)
class Date:
    """A date, or as much of it as is said; 0 where a part is not."""

    year: int
    month: int
    day: int

    def agrees_with(self, other: Date) -> bool:
        """Whether no part that both have differs."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(a == b for a, b in pairs if a and b) and any(a and b for a, b in pairs)


@dataclass(frozen=True, slots=True)
class Amounts:
    """All numbers of a text."""

    quantities: tuple[Quantity, ...]
    dates: tuple[Date, ...]

    @property
    def values(self) -> frozenset[str]:
        """Every number, those inside dates too."""
        parts = {str(part) for date in self.dates for part in (date.year, date.month, date.day) if part}
        return frozenset(parts | {quantity.value for quantity in self.quantities})


@lru_cache(maxsize=4096)
def amounts(text: str) -> Amounts:
    """The numbers of a text with their units, and its dates.

    >>> amounts("二〇二四年八月二十日，约12公里").quantities
    (Quantity(value='12', unit='km'),)
    >>> amounts("twelve feet").quantities
    (Quantity(value='12', unit='ft'),)
    """
    figures = in_figures(text)
    if not _DIGIT.search(figures) and not _LONE_MONTH.search(figures):
        return Amounts((), ())
    dates: list[Date] = []

    def without(match: re.Match[str]) -> str:
        dates.append(_date(match))
        return " ; "

    # Names such as “Apollo-11” or “PS5” hold no amount; what is left of a date is none either.
    rest = _DATE.sub(without, figures)
    return Amounts(tuple(_quantity(match) for match in _QUANTITY.finditer(rest)), tuple(dates))


def with_asked_scale(answer: str, question: str, source: str) -> str:
    """The answer with the scale words that its question says for it, where the source has its numbers in them.

    >>> with_asked_scale("210", "How many million bricks does it make?", "It makes 210 million bricks.")
    '210 million'
    >>> with_asked_scale("210", "How many bricks does it make?", "It makes 210 million bricks.")
    '210'
    """
    asked = question.casefold()
    scales = {match[1]: match[2] for match in _SCALED.finditer(source) if match[2].casefold() in asked}
    if not scales:
        return answer
    return _BARE.sub(
        lambda match: f"{match.group()} {scales[match.group()]}" if match.group() in scales else match.group(), answer
    )


def without_amounts(text: str) -> str:
    """What a text says besides its dates and the numbers that have a unit.

    >>> without_amounts("约12公里"), without_amounts("Apollo 11")
    ('约 ', 'Apollo 11')
    """
    rest = _DATE.sub(" ", in_figures(text))
    return _QUANTITY.sub(lambda match: " " if match["unit"] or match["money"] else match.group(), rest)


def _date(match: re.Match[str]) -> Date:
    parts = {name[0]: value for name, value in match.groupdict().items() if value}
    month = parts.get("m", "0").casefold()
    return Date(int(parts.get("y", 0)), _MONTHS.get(month) or int(month), int(parts.get("d", 0)))


def _quantity(match: re.Match[str]) -> Quantity:
    value = match["value"]
    if len(value) <= LONGEST:
        value = value.rstrip("0").rstrip(".") if "." in value else str(int(value))
    if match["name"] and match["name"].casefold() not in plain_words.ENGLISH and not match["unit"]:
        return Quantity(value, "#" + match["name"].casefold())
    spelling = re.sub(r"\s+", " ", (match["money"] or match["unit"] or "").casefold().strip(" \t-"))
    unit = _CANONICAL.get(spelling, "")
    return Quantity(value, unit.replace("each", "nth") if match["nth"] else unit)


@lru_cache(maxsize=4096)
def in_figures(text: str) -> str:
    """The text with its numerals as plain digits: 两千万 and twenty million are 20000000.

    A lone Chinese numeral counts only before a measure word or unit, and a lone 一 only before a unit of time, length,
    weight or money: 一起 and 一个 say no number.
    """
    # NFKC would turn the full-width comma, which separates, into the one that groups thousands, 2½ into 21⁄2 and 10⁶
    # into 106.
    plain = text.replace("，", "；")
    if _SMALL.search(plain):
        plain = _FRACTION.sub(lambda match: (match[1] or "0") + f"{unicodedata.numeric(match[2]):g}"[1:], plain)
        plain = _POWER.sub("^", plain)
    # Where case is ignored, a Turkish i is taken for the letter, which none of the tables below does.
    plain = unicodedata.normalize("NFKC", plain).replace("ı", "i").replace("İ", "i")
    # Most texts lack what most of these look for, and looking for a letter or digit first is far quicker.
    spelt = _LETTER.search(plain) is not None
    if spelt:
        plain = _OFTEN.sub(lambda match: _HOW_OFTEN[match.group().casefold()], plain)
        plain = _AGED.sub(r"\1 years", plain)
    if "百分之" in plain:
        plain = _PERCENT.sub(_percent, plain)
    if _DIGIT.search(plain):
        plain = _GROUPED.sub(lambda match: match.group().replace(",", ""), plain)
        plain = _SCALED.sub(_scaled, plain)
    if spelt:
        plain = _SPELT.sub(_spelt, plain)
        plain = _SCALED.sub(_scaled, plain)
    if _DIGIT.search(plain):
        plain = _AND_A_HALF.sub(lambda match: f"{match[1]}.5", plain)
        plain = _AFTERNOON.sub(lambda match: f"{int(match[1]) % 12 + 12}{match[2] or ''}", plain)
    # 第一到第五回 has one more number than 前五回, and says the same.
    plain = _FROM_FIRST.sub("", plain)
    return _CHINESE.sub(_chinese, plain)


def _percent(match: re.Match[str]) -> str:
    if len(match[1]) > LONGEST:
        return match.group()
    value = match[1] if match[1].isascii() else chinese_number(match[1])
    return match.group() if value is None else f"{value}%"


def _scaled(match: re.Match[str]) -> str:
    if len(match[1]) > LONGEST:
        return match.group()
    value = float(match[1].replace(",", "")) * _SCALE_VALUES[match[2].casefold()]
    return str(round(value)) + (" " if match[2].isascii() else "")


def _spelt(match: re.Match[str]) -> str:
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


_COUNTS_ONE = {spelling for spelling, unit in _CANONICAL.items() if not unit.startswith(("each", "times"))} - set(
    "批串组捆打"
)
"""Before these a lone 一 is a number: one year is no week, one pair not one piece."""


_UNIT_BEHIND = re.compile(_OTHER_UNIT)


def _chinese(match: re.Match[str]) -> str:
    numeral, text = match.group(), match.string
    before, after = text[max(0, match.start() - 1) : match.start()], text[match.end() : match.end() + 2]
    unit = _UNIT_BEHIND.match(text, match.end())
    if len(numeral) > LONGEST or (before in tuple("哪这那每同某任另") and numeral == "一"):
        return numeral
    if before != "第" and len(numeral) == 1:
        counts = after.startswith("月") or (unit is not None and (numeral != "一" or unit.group() in _COUNTS_ONE))
        if (
            not counts
            or numeral in "零〇百千万亿"
            or after.startswith(("天生", "年级", "口气", "部分"))
            or numeral + after[:1] in ("两人", "两者")
        ):
            return numeral
    value = chinese_number(numeral)
    return numeral if value is None else str(value)


def is_month(word: str) -> bool:
    """Whether an English word names a month."""
    return word.casefold() in _MONTHS


def unit_of(word: str) -> str:
    """The unit that a word in lower case names, "" where it names none."""
    return _CANONICAL.get(word, "")


def unknown_amount(said: Amounts, known: Amounts, derived: Iterable[Quantity] = ()) -> str | None:
    """The first date or number of `said` that `known` does not hold, with its unit; None where it holds them all.

    Args:
        derived: amounts that follow from what is known, such as how many things it lists.
    """
    parts = known.values
    for date in said.dates:
        stated = [other for other in known.dates if date.agrees_with(other)]
        if not any(_completes(other, date, parts) for other in stated):
            if not date.month and str(date.year) in parts:
                continue
            return "-".join(str(part) for part in (date.year, date.month, date.day) if part)
    there = [*known.quantities, *derived]
    dated = frozenset(str(part) for date in known.dates for part in (date.year, date.month, date.day) if part)
    for quantity in said.quantities:
        if any(quantity.agrees_with(other) for other in there):
            continue
        if quantity.value in dated and (
            quantity.unit in ("year", "day", "month") or (not quantity.unit and len(quantity.value) == 4)
        ):
            continue
        if quantity.value == "1" and quantity.unit in ("", "each", "nth"):
            continue
        return f"{quantity.value} {re.sub('each ?|nth ?|#', '', quantity.unit)}".strip()
    return None


def _completes(stated: Date, said: Date, parts: frozenset[str]) -> bool:
    """Whether what `said` says beyond `stated` stands elsewhere in the source: a year in a table's head, say."""
    pairs = ((said.year, stated.year), (said.month, stated.month), (said.day, stated.day))
    return all(b or not a or str(a) in parts for a, b in pairs)
