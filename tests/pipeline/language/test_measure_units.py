"""Units: every spelling stands for one of them."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from wukong_pipe.language.measure_units import unit_of

TABLE = tomllib.loads((files("wukong_pipe.language") / "measure_units.toml").read_text("utf-8"))


def test_no_spelling_stands_for_two_units() -> None:
    spellings = [*TABLE["steps"].split(), *(word for line in TABLE["spellings"].values() for word in line.split())]
    assert [word for word in set(spellings) if spellings.count(word) > 1] == []
    assert [word for word in spellings if word != word.casefold()] == []


@pytest.mark.parametrize(
    ("spelling", "unit"),
    [("公里", "km"), ("metres per second", "m/s"), ("位", "each"), ("段", "each 段"), ("kelvin", ""), ("", "")],
)
def test_a_spelling_has_a_unit_or_none(spelling: str, unit: str) -> None:
    assert unit_of(spelling) == unit
