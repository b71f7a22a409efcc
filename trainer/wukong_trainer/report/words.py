"""The texts of the report page in English and in Chinese, words.toml, and how it writes shares and times."""

from __future__ import annotations

from pathlib import Path

from wukong_pipe.language.page_words import Language as Language
from wukong_pipe.language.page_words import Words as Words
from wukong_pipe.language.page_words import filled as filled
from wukong_pipe.language.page_words import read_words

WORDS = read_words(Path(__file__).with_name("words.toml"))


def percent(share: float, words: Words) -> str:
    """A share as "45 %". Chinese sets no space before the sign."""
    return words["percent"].format(share=100 * share)


def duration(seconds: float, words: Words) -> str:
    """A time as "4.2 s", "7 min 6 s" or "2 h 5 min"."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return words["hours"].format(hours=minutes // 60, minutes=minutes % 60)
    if minutes:
        return words["minutes"].format(minutes=minutes, seconds=rest)
    return words["seconds"].format(seconds=f"{seconds:.1f}" if seconds < 10 else rest)
