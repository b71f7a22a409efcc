"""Lists of Chinese and English words: that carry no fact of their own, for the same, for the opposite, and others.

An answer may use plain words that its source does not use ("was in charge of" for "headed"). Any other word that the
source does not hold is suspect. The lists belong to the languages, not to any corpus; they stand in `words.en.toml` and
`words.zh.toml`.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any


def _words(lang: str) -> dict[str, Any]:
    return tomllib.loads((files("wukong_pipe.language") / f"words.{lang}.toml").read_text("utf-8"))


def _opposites(lines: str) -> tuple[tuple[str, str], ...]:
    """Both sides of each line "left words | right words"."""
    return tuple((left, right) for left, _, right in (line.partition(" | ") for line in lines.splitlines()))


_EN, _ZH = _words("en"), _words("zh")

OPENERS = frozenset(_EN["openers"].split())
"""English words that open a sentence in capitals without being part of the name behind them."""
ENGLISH = frozenset(_EN["plain"].split())
"""Plain English words in lower case. The polar words among them stand in `OPPOSITES` as well."""
VERBS = frozenset(_EN["verbs"].split())
"""English verbs that a free wording often brings; the checks watch them less closely than nouns and names."""
SAME = tuple(frozenset(line.split()) for line in _EN["same"].splitlines())
"""Groups of English words for the same: one word of a group says what any other says."""
OPPOSITES = tuple((frozenset(left.split()), frozenset(right.split())) for left, right in _opposites(_EN["opposites"]))
"""English words and their opposites."""
DECISIVE = tuple(_EN["decisive"].split())
"""English words that make another question of it, though they are neither a number nor a name; * is any letters."""
ABBREVIATIONS = tuple(_EN["abbreviations"].split())
"""What ends in a full stop that ends no sentence, without that stop."""
ABBREVIATIONS_IN_CAPITALS = (*ABBREVIATIONS, *_EN["abbreviations_in_capitals"].split())
"""All that do where sentences begin with capitals: “No.” is one there, and “no.” is none."""
CHINESE = frozenset(_ZH["plain"].split())
"""Plain Chinese words, most of one or two characters."""
CHINESE_DECISIVE: str = _ZH["decisive"]
"""Chinese characters that make another question of it, though they are neither a number nor a name."""
CHINESE_OPPOSITES = _opposites(_ZH["opposites"])
"""Chinese words and their opposites, each side with spaces between the words."""
LOANS: dict[str, str] = _ZH["loans"]
"""Latin words that a Chinese text may say in Chinese: {"pc": "电脑"}."""
