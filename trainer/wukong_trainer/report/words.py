"""The texts of the report page in English and in Chinese, read from words.toml."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from wukong_pipe.language.plurals import counted

Language = Literal["en", "zh"]
Words = Mapping[str, str]
"""A language's texts by key, as {"step": "step", "lowest": "lowest: {loss} at step {step}"}."""


def _read(file: Path) -> dict[Language, dict[str, str]]:
    # The tables of the file only group the keys for translators: the code looks a text up by its key alone.
    tables = tomllib.loads(file.read_text("utf-8"))
    texts = {key: text for table in tables.values() for key, text in table.items()}
    return {
        "en": {key: text["en"] for key, text in texts.items()},
        "zh": {key: text["zh"] for key, text in texts.items()},
    }


WORDS = _read(Path(__file__).with_name("words.toml"))


def filled(text: str, **values: Any) -> str:
    """A text with its values. {n:section} becomes "1 section" or "3 sections".

    Raises:
        KeyError: a value is missing.
    """
    return _Counting().vformat(text, (), values)


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


class _Counting(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return counted(value, format_spec) if len(format_spec) > 1 else str(super().format_field(value, format_spec))
