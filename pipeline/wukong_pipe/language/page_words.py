"""The texts of a page in English and in Chinese, as its TOML file holds them, and how their values are filled in."""

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


def read_words(file: Path) -> dict[Language, dict[str, str]]:
    """The texts of a file of lines like `step.en = "step"` and `step.zh = "步数"`, by language and key."""
    # The tables of the file only group the keys for translators: the code looks a text up by its key alone.
    tables = tomllib.loads(file.read_text("utf-8"))
    texts = {key: text for table in tables.values() for key, text in table.items()}
    return {
        "en": {key: text["en"] for key, text in texts.items()},
        "zh": {key: text["zh"] for key, text in texts.items()},
    }


def filled(text: str, /, **values: Any) -> str:
    """A text with its values. {n:section} becomes "1 section" or "3 sections".

    Raises:
        KeyError: a value is missing.
    """
    return _Counting().vformat(text, (), values)


class _Counting(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return counted(value, format_spec) if len(format_spec) > 1 else str(super().format_field(value, format_spec))
