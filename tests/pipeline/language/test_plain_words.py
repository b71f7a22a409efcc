"""The word lists: no word twice, and all in lower case."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest


@pytest.mark.parametrize(("lang", "name"), [("en", "openers"), ("en", "function"), ("en", "decisive"), ("zh", "plain")])
def test_a_list_holds_no_word_twice(lang: str, name: str) -> None:
    lists = tomllib.loads((files("wukong_pipe.language") / f"words.{lang}.toml").read_text("utf-8"))
    words = lists[name].split()
    assert [word for word in set(words) if words.count(word) > 1] == []
    assert all(word == word.casefold() for word in words)
