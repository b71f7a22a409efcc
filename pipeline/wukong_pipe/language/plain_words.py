"""Lists of Chinese and English words: that carry no fact of their own, that decide, and abbreviations.

The lists stand in `words.en.toml` and `words.zh.toml`. They are frozen: what no list decides is left to a verifier.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files


def _words(lang: str) -> dict[str, str]:
    return tomllib.loads((files("wukong_pipe.language") / f"words.{lang}.toml").read_text("utf-8"))


_EN, _ZH = _words("en"), _words("zh")

OPENERS = frozenset(_EN["openers"].split())
"""English words that open a sentence in capitals without being part of the name behind them."""
FUNCTION = frozenset(_EN["function"].split())
"""English words that say nothing of what a text is about, in lower case."""
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
FILLERS = frozenset((*_EN["fillers"].split(), *_ZH["fillers"].split()))
"""What a right answer may put between the words of a fact."""
AUXILIARIES = frozenset(_EN["auxiliaries"].split())
SUBORDINATING = frozenset(_EN["subordinating"].split())
"""English words with which a clause begins that states nothing by itself."""
SENTENCE = AUXILIARIES | frozenset(_EN["pronouns"].split())
"""English words that show a short text to be a sentence."""
CHINESE_SENTENCE = tuple(_ZH["sentence"].split())
"""Chinese words that do."""
YES = frozenset(_EN["yes"].split())
NO = frozenset(_EN["no"].split())
CHINESE_YES = frozenset(_ZH["yes"].split())
"""What answers a Chinese yes/no question; with one of `NEGATIONS` before it, it says no."""
NEGATIONS = frozenset(_ZH["negations"])
