"""The page of pairs while one reads: nothing jumps, each key answers, and all words are in the page's language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.building import run_in
from tests.support.chromium import CHROMIUM, Chromium, chromium
from tests.support.reviewed import build, library_of
from tests.support.served import served
from wukong_pipe.files import write_text
from wukong_pipe.review_page.app import application
from wukong_pipe.review_page.desk import Desk
from wukong_pipe.review_page.security import Access
from wukong_pipe.review_page.words import WORDS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to show the page in"),
]
MESSAGE = "document.querySelector('#message').textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def page(browser: Chromium, tmp_path: Path) -> Iterator[Chromium]:
    """The first pair of a run without rejects, in Chinese."""
    build(tmp_path)
    write_text(run_in(tmp_path).dataset / "rejected.jsonl", "")
    access = Access()
    with served(application(Desk(library_of(tmp_path), "zh", 0.05), access)) as origin:
        browser.open(f"{origin}/?token={access.token}")
        yield browser


def test_nothing_jumps_after_a_decision_and_the_hint_comes_back(page: Chromium) -> None:
    top = "document.querySelector('main').getBoundingClientRect().top"
    hint = "document.querySelector('.hint').offsetHeight > 0"
    before = page.run(top)
    assert page.run(hint)
    page.press("a")
    page.until(f"{MESSAGE} !== ''")
    assert not page.run(hint)
    assert page.run(top) == before
    page.press("j")
    page.until(f"{MESSAGE} === ''")
    assert page.run(hint)
    assert page.run(top) == before


def test_a_key_that_finds_nothing_says_so(page: Chromium) -> None:
    page.press("r")
    page.until(f"{MESSAGE} === {WORDS['zh']['no_rejects']!r}")


def test_the_key_of_the_filters_goes_to_the_first_of_them(page: Chromium) -> None:
    page.press("f")
    assert page.run("document.activeElement.matches('#filter-fold select')")


def test_an_empty_field_is_named_in_the_language_of_the_page(page: Chromium) -> None:
    page.press("e")
    page.run("document.querySelector('[name=answer]').value = ''")
    page.run("document.querySelector('[data-saves]').click()")
    said = "document.querySelector('[name=answer]').validationMessage"
    assert page.run(said) == WORDS["zh"]["empty_field"]
    page.run("document.querySelector('[name=answer]').focus()")
    page.type("乙")
    assert page.run(said) == "", "what is filled can be saved"
