"""The page of pairs on a screen of a phone: what is needed to read and decide is in reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chromium import CHROMIUM, Chromium, chromium
from tests.support.reviewed import build, library_of
from tests.support.served import served
from wukong_pipe.review.app import application
from wukong_pipe.review.desk import Desk
from wukong_pipe.review.security import Access

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
    assert widths and all(widths)
