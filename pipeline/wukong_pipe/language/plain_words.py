"""Words that carry no fact of their own, for Chinese and English.

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
CHINESE = frozenset(_ZH["plain"].split())
"""Plain Chinese words, most of one or two characters."""
