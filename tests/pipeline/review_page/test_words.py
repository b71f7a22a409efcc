"""The texts of the page: each in both languages, with the same values, and none that nothing shows."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import wukong_pipe.review_page
from wukong_pipe.review_page.words import WORDS

HERE = Path(wukong_pipe.review_page.__file__).parent
CODE = "\n".join(path.read_text("utf-8") for path in (*HERE.glob("*.py"), *HERE.glob("templates/*.j2")))
BUILT = re.findall(r'f"(\w+_)\{|"(\w+_)" ~|~ "(_\w+)"|f"(\w+_)\{\w+\}(_\w+)"', CODE)
"""Beginnings and ends of keys that are put together."""


def slots(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_the_same_texts_with_the_same_values() -> None:
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    assert [key for key, text in WORDS["en"].items() if slots(text) != slots(WORDS["zh"][key])] == []


def test_every_text_that_a_template_names_is_there() -> None:
    named = set(re.findall(r'w\["(\w+)"\]|words\["(\w+)"\]|say\("(\w+)"', CODE))
    assert {name for names in named for name in names if name} <= WORDS["en"].keys()


def test_no_text_is_left_that_nothing_shows() -> None:
    parts = [part for parts in BUILT for part in parts if part]
    unshown = [
        key
        for key in WORDS["en"]
        if f'"{key}"' not in CODE and not any(key.startswith(part) or key.endswith(part) for part in parts)
    ]
    assert unshown == []
