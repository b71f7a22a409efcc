"""Amounts of a text: its numbers with their units, and its dates. 十二公里, １２ km and twelve kilometres are one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from wukong_pipe.language import plain_words
from wukong_pipe.language.dates import DATE, LONE_MONTH, Date, date_of
from wukong_pipe.language.measure_units import UNIT, unit_of
from wukong_pipe.language.numerals import LONGEST, in_figures, without_zeros

_DIGIT = re.compile(r"\d")
_QUANTITY = re.compile(
    rf"(?:(?P<nth>第)|(?P<name>[A-Z][A-Za-z]{{1,60}}) |(?P<money>[$€£¥]))?"
    rf"(?<![A-Za-z\d.-])(?P<value>\d+(?:\.\d+)?)(?P<unit>{UNIT})?"
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and what it counts: ("12", "km").

    The unit is "" where none is known, "#apollo" behind a name, "each 段" for 三段, and "nth 段" for 第三段.
    """

    value: str
    unit: str

    def agrees_with(self, other: Quantity) -> bool:
        """Whether both may be one fact: the values are equal, and a unit is missing or one may stand for the other."""
        return self.value == other.value and (
            self.unit == other.unit
            or "" in (self.unit, other.unit)
            or (self.unit.startswith("each") and other.unit.startswith("each") and "each" in (self.unit, other.unit))
            or {self.unit, other.unit} == {self.unit.replace("nth", "each"), self.unit.replace("each", "nth")}
        )


@dataclass(frozen=True, slots=True)
class Amounts:
    """All numbers of a text: {"quantities": [["12", "km"]], "dates": [[2024, 8, 20]]}."""

    quantities: tuple[Quantity, ...]
    dates: tuple[Date, ...]

    @property
    def date_parts(self) -> frozenset[str]:
        """The years, months and days of the dates."""
        return frozenset(part for date in self.dates for part in date.parts)

    @property
    def values(self) -> frozenset[str]:
        """Every number, those inside dates too."""
        return self.date_parts | {quantity.value for quantity in self.quantities}


@lru_cache(maxsize=4096)
def amounts(text: str) -> Amounts:
    """The numbers of a text with their units, and its dates.

    >>> amounts("二〇二四年八月二十日，约12公里").quantities
    (Quantity(value='12', unit='km'),)
    >>> amounts("twelve feet").quantities
    (Quantity(value='12', unit='ft'),)
    """
    figures = in_figures(text)
    if not _DIGIT.search(figures) and not LONE_MONTH.search(figures):
        return Amounts((), ())
    dates: list[Date] = []

    def take(match: re.Match[str]) -> str:
        dates.append(date_of(match))
        return " ; "

    # A date leaves its place, so that its day and year do not count as quantities too.
    rest = DATE.sub(take, figures)
    return Amounts(tuple(_quantity(match) for match in _QUANTITY.finditer(rest)), tuple(dates))


def without_amounts(text: str) -> str:
    """The text without its dates and without the numbers that have a unit.

    >>> without_amounts("约12公里"), without_amounts("Apollo 11")
    ('约 ', 'Apollo 11')
    """
    rest = DATE.sub(" ", in_figures(text))
    return _QUANTITY.sub(lambda match: " " if match["unit"] or match["money"] else match.group(), rest)


def unknown_amounts(text: Amounts, source: Amounts, derived: Iterable[Quantity] = ()) -> Iterator[str]:
    """The dates and numbers of a text that its source does not hold, with their units.

    Args:
        derived: amounts that follow from the source, such as how many things it lists.
    """
    numbers = source.values
    for date in text.dates:
        # A year alone may stand in the source as a plain number.
        in_source = any(_holds_date(other, date, numbers) for other in source.dates) or (
            not date.month and str(date.year) in numbers
        )
        if not in_source:
            yield "-".join(date.parts)
    if not text.quantities:
        return
    in_reach, date_parts = [*source.quantities, *derived], source.date_parts
    for quantity in text.quantities:
        if not (
            any(quantity.agrees_with(other) for other in in_reach)
            or (quantity.value in date_parts and _may_be_of_date(quantity))
            # “One” and 一个 are often no number.
            or (quantity.value == "1" and quantity.unit in ("", "each", "nth"))
        ):
            yield f"{quantity.value} {re.sub('each ?|nth ?|#', '', quantity.unit)}".strip()


def _holds_date(date: Date, other: Date, numbers: frozenset[str]) -> bool:
    """Whether a date of the source holds another; a part that it does not give may be any number of the source.

    A table's head may hold the year, and its rows the days.
    """
    pairs = ((other.year, date.year), (other.month, date.month), (other.day, date.day))
    return other.agrees_with(date) and all(b or not a or str(a) in numbers for a, b in pairs)


def _may_be_of_date(quantity: Quantity) -> bool:
    return quantity.unit in ("year", "day", "month") or (not quantity.unit and len(quantity.value) == 4)


def _quantity(match: re.Match[str]) -> Quantity:
    value = match["value"]
    if len(value) <= LONGEST:
        value = without_zeros(value)
    # Apollo 11 is a name and no amount; “About 11” is one, since “about” opens a sentence.
    if match["name"] and match["name"].casefold() not in plain_words.OPENERS and not match["unit"]:
        return Quantity(value, "#" + match["name"].casefold())
    spelling = re.sub(r"\s+", " ", (match["money"] or match["unit"] or "").casefold().strip(" \t-"))
    unit = unit_of(spelling)
    return Quantity(value, unit.replace("each", "nth") if match["nth"] else unit)
