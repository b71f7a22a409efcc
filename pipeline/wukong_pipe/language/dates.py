"""Dates in a text, or as much of them as it gives: 20 July 1969, 1969-07-20, 一九六九年七月, in November."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTH_NAMES = (
    "january:jan february:feb march:mar april:apr may june:jun july:jul august:aug september:sep:sept"
    " october:oct november:nov december:dec"
)
_MONTHS = {name: month for month, names in enumerate(_MONTH_NAMES.split(), 1) for name in names.split(":")}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
# Alone, march, may and the short forms are mostly other words.
_MONTH_ALONE = "january|february|april|june|july|august|september|october|november|december"
DATE = re.compile(
    rf"(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m1>{_MONTH})\b\.?,?(?:\s+(?:of\s+)?(?P<y1>\d{{4}}))?"
    rf"|\b(?P<m2>{_MONTH})\b\.?\s+(?:the\s+)?(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s+(?P<y2>\d{{4}}))?"
    rf"|\b(?P<m3>{_MONTH})\b\.?,?\s+(?:of\s+)?(?P<y3>\d{{4}})"
    r"|(?P<y4>\d{4})-(?P<m4>\d{1,2})-(?P<d4>\d{1,2})"
    r"|(?P<y5>\d{4})\s*年(?:\s*(?P<m5>\d{1,2})\s*月(?:\s*(?P<d5>\d{1,2})\s*[日号])?)?"
    r"|(?P<m6>\d{1,2})\s*月(?:\s*(?P<d6>\d{1,2})\s*[日号])?"
    rf"|\b(?P<m7>{_MONTH_ALONE})\b",
    re.IGNORECASE,
)
"""A date in a text whose numerals are digits. In each alternative d, m and y name the day, the month and the year."""
LONE_MONTH = re.compile(f"(?=[jfasond])(?:{_MONTH_ALONE})", re.IGNORECASE)
"""The only date that a text without digits can hold."""


@dataclass(frozen=True, slots=True)
class Date:
    """A date; a part that the text does not give is 0."""

    year: int
    month: int
    day: int

    @property
    def parts(self) -> tuple[str, ...]:
        """Those of year, month and day that are given."""
        return tuple(str(part) for part in (self.year, self.month, self.day) if part)

    def agrees_with(self, other: Date) -> bool:
        """Whether both give a common part, and no common part differs."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(a == b for a, b in pairs if a and b) and any(a and b for a, b in pairs)


def date_of(match: re.Match[str]) -> Date:
    """The date of a match of `DATE`."""
    parts = {name[0]: value for name, value in match.groupdict().items() if value}
    month = parts.get("m", "0").casefold()
    return Date(int(parts.get("y", 0)), _MONTHS.get(month) or int(month), int(parts.get("d", 0)))


def is_month(word: str) -> bool:
    """Whether an English word names a month."""
    return word.casefold() in _MONTHS
