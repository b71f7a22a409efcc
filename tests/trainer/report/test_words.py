"""Both languages of the page say the same: every text is there twice, takes the same values and stands somewhere."""

from __future__ import annotations

import re
import string
import tomllib
from collections import Counter

from wukong_trainer.report.page import HERE
from wukong_trainer.report.words import WORDS, filled, percent
from wukong_trainer.scoring.facts import Wanted
from wukong_trainer.scoring.scores import score

SOURCES = "\n".join(path.read_text("utf-8") for path in (*sorted(HERE.glob("*.py")), HERE / "page.html.j2"))
FAMILIES = set(re.findall(r'f"(\w+_)\{', SOURCES)) | set(re.findall(r'"(\w+_)" ~', SOURCES))
"""The beginnings of keys whose end is a value: `words[f"leakage_cell_{kind}"]`, `w["verdict_" ~ verdict]`."""
NAMED_IN_A_RUN = {
    *score("", Wanted("", "", ()), "en"),
    *("loglik_per_char", "stopped_by_eos"),
    *("seen", "unseen", "paraphrase", "near", "far", "polar", "explained"),
    *("explain", "howto", "summary", "key_fact_hit"),
    *("learning_rate", "grad_norm", "tokens_per_second"),
}
"""Keys that the files of a run name: scores, parts of a level, and what a training logs."""


def slots(text: str) -> list[str]:
    return sorted({name for _, name, _, _ in string.Formatter().parse(text) if name})


def test_no_key_stands_in_two_tables() -> None:
    tables = tomllib.loads((HERE / "words.toml").read_text("utf-8"))
    counts = Counter(key for table in tables.values() for key in table)
    assert [key for key, count in counts.items() if count > 1] == []


def test_a_text_takes_the_same_values_in_both_languages() -> None:
    assert {key: slots(text) for key, text in WORDS["en"].items()} == {k: slots(t) for k, t in WORDS["zh"].items()}


def test_both_languages_have_the_same_keys() -> None:
    tables = tomllib.loads((HERE / "words.toml").read_text("utf-8"))
    assert [key for table in tables.values() for key, text in table.items() if text.keys() != {"en", "zh"}] == []


def test_every_text_that_the_page_asks_for_is_there() -> None:
    assert set(re.findall(r'\b(?:w|words)\["(\w+)"\]', SOURCES)) - WORDS["en"].keys() == set()


def test_every_text_is_used() -> None:
    literals = set(re.findall(r"[\"']([\w ]+)[\"']", SOURCES)) | NAMED_IN_A_RUN
    unused = WORDS["en"].keys() - literals
    assert sorted(key for key in unused if not key.startswith(tuple(FAMILIES))) == []


def test_a_number_is_counted_in_english() -> None:
    assert filled("{n:section} of {file}", n=1, file="a") == "1 section of a"
    assert filled("{n:section} of {file}", n=3000, file="a") == "3,000 sections of a"


def test_a_share_is_written_as_the_language_writes_it() -> None:
    assert [percent(0.935, WORDS[lang]) for lang in ("en", "zh")] == ["94\u00a0%", "94%"]
