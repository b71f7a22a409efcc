"""Units and measure words, and the spellings of each: km, kilometres and 公里 are one unit.

`measure_units.toml` holds the spellings.
"""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

_TABLE = tomllib.loads((files("wukong_pipe.language") / "measure_units.toml").read_text("utf-8"))
_SPELLINGS: dict[str, str] = _TABLE["spellings"] | {f"each {word}": word for word in _TABLE["steps"].split()}
_UNIT_OF = {
    spelling.replace("_", " "): unit for unit, spellings in _SPELLINGS.items() for spelling in spellings.split()
}
# The longest spelling first: "metres per second" is no "metres".
_LONGEST_FIRST = sorted(_UNIT_OF, key=len, reverse=True)
_LATIN_UNIT = "|".join(re.escape(unit).replace(r"\ ", r"\s+") for unit in _LONGEST_FIRST if unit.isascii())
OTHER_UNIT = "|".join(re.escape(unit) for unit in _LONGEST_FIRST if not unit.isascii())
"""A unit or measure word that is not spelt in ASCII, as a regular expression."""
UNIT = rf"[ \t]*(?:-[ \t]*)?(?:(?i:{_LATIN_UNIT})(?![a-z])|{OTHER_UNIT})"
"""A unit as it stands behind its number ("12-inch", "12 km", "12公里"), as a regular expression."""

_SETS = frozenset("批串组捆打套对")
UNITS_OF_ONE = (
    frozenset(spelling for spelling, unit in _UNIT_OF.items() if not unit.startswith(("each", "times"))) - _SETS
)
"""Spellings before which a lone 一 is a number: 一年 is one year, but 一个 and 一批 mostly mean "a" and "some"."""


def unit_of(spelling: str) -> str:
    """The unit that a spelling in lower case stands for, "" where it is none.

    >>> unit_of("公里"), unit_of("kilometres"), unit_of("moon")
    ('km', 'km', '')
    """
    return _UNIT_OF.get(spelling, "")
