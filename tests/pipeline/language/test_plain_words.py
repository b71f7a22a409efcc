"""The word lists: no word twice where once is enough, and no word on both sides of a pair of opposites."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from wukong_pipe.language import plain_words

LISTS = {
    lang: tomllib.loads((files("wukong_pipe.language") / f"words.{lang}.toml").read_text("utf-8"))
    for lang in ("en", "zh")
}


@pytest.mark.parametrize(
    ("lang", "name"), [("en", "openers"), ("en", "plain"), ("en", "verbs"), ("en", "decisive"), ("zh", "plain")]
)
def test_a_list_holds_no_word_twice(lang: str, name: str) -> None:
    words = LISTS[lang][name].split()
    assert [word for word in set(words) if words.count(word) > 1] == []
    assert all(word == word.casefold() for word in words)


@pytest.mark.parametrize(("lang", "name"), [("en", "same"), ("en", "opposites"), ("zh", "opposites")])
def test_a_line_holds_no_word_twice(lang: str, name: str) -> None:
    for line in LISTS[lang][name].splitlines():
        words = line.replace(" | ", " ").split()
        assert len(set(words)) == len(words) > 1, line


def test_a_character_is_decisive_once() -> None:
    assert len(set(plain_words.CHINESE_DECISIVE)) == len(plain_words.CHINESE_DECISIVE)


@pytest.mark.parametrize("lang", LISTS)
def test_opposites_have_two_sides(lang: str) -> None:
    lines = LISTS[lang]["opposites"].splitlines()
    assert [line for line in lines if len(line.split(" | ")) != 2] == []
    assert len(plain_words.OPPOSITES if lang == "en" else plain_words.CHINESE_OPPOSITES) == len(lines)
