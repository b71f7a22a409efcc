"""The texts of the page in English and in Chinese: words.toml."""

from __future__ import annotations

from pathlib import Path

from wukong_pipe.language.page_words import read_words

WORDS = read_words(Path(__file__).with_name("words.toml"))
