"""The page of pairs on a screen of a phone: what is needed to read and decide is in reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chromium import CHROMIUM, Chromium, chromium
from tests.support.reviewed import build, library_of
from tests.support.served import served
from wukong_pipe.review_page.app import application
from wukong_pipe.review_page.desk import Desk
from wukong_pipe.review_page.security import Access

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to show the page in"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    build(folder)
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def phone(browser: Chromium, folder: Path) -> Iterator[Chromium]:
    """The first pair, on a phone."""
    access = Access()
    with served(application(Desk(library_of(folder), "en", 0.05), access)) as origin:
        browser.open(f"{origin}/?token={access.token}", 390, 844)
        yield browser


def test_the_list_of_keys_shows_the_keys(phone: Chromium) -> None:
    phone.press("?")
    widths = phone.run("[...document.querySelectorAll('#keys kbd')].map((key) => key.offsetWidth)")
    assert len(widths) > 9
    assert all(widths)


def top(phone: Chromium, selector: str) -> float:
    """Where something begins on the whole page."""
    place: float = phone.run(f"document.querySelector({selector!r}).getBoundingClientRect().top + scrollY")
    return place


def test_the_source_stands_open_between_the_facts_and_the_wordings(phone: Chromium) -> None:
    assert phone.run("document.querySelector('#section details').open")
    assert top(phone, ".facts") < top(phone, "#section mark") < top(phone, ".wordings")


def test_while_a_pair_is_edited_its_source_stands_below_the_form(phone: Chromium) -> None:
    phone.press("e")
    assert top(phone, "[data-saves]") < top(phone, "#section mark")


def test_decision_and_message_are_in_reach_wherever_one_reads(phone: Chromium) -> None:
    is_in_reach = "(([at]) => at.top >= 0 && at.bottom <= innerHeight)(document.querySelector('{}').getClientRects())"
    phone.press("a")
    phone.until("document.querySelector('#message').textContent.startsWith('Right')")
    for selector in ("#question", "#section", ".wordings"):
        phone.run(f"document.querySelector('{selector}').scrollIntoView()")
        assert phone.run(is_in_reach.format('[data-key="a"]')), selector
        assert phone.run(is_in_reach.format("#message")), selector


def test_the_search_is_one_step_from_the_top(phone: Chromium) -> None:
    link = "document.querySelector('header a[href=\"#search\"]')"
    assert phone.run(f"{link}.getBoundingClientRect().bottom < 400")
    phone.run(f"{link}.click()")
    assert phone.run("document.querySelector('#search').getBoundingClientRect().top < 400")


def test_nothing_sticks_out_of_the_screen(phone: Chromium) -> None:
    assert phone.run("document.documentElement.scrollWidth") <= 390
    assert phone.complaints == []
