"""What the page says when something is wrong, and that what somebody wrote is text wherever it stands."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.support.answered import HOSTILE
from tests.support.building import run_in
from tests.support.review_browser import Browser
from tests.support.reviewed import BOOK, about, build
from wukong_pipe.review_page.security import HEADERS
from wukong_pipe.review_page.words import WORDS


def test_a_broken_line_is_a_sentence_that_names_it(browser: Browser) -> None:
    run_in(browser.folder).edits.write_text('{"id": 1}\n', "utf-8")
    assert "edits.jsonl, line 1" in browser.get("/")
    assert browser.status("/") == 409


def test_what_cannot_be_written_is_said_and_nothing_pretends_otherwise(browser: Browser) -> None:
    run_in(browser.folder).edits.mkdir()
    said = browser.post(f"/pair/{browser.library.pairs[0].id}", action="accept")
    assert "edits.jsonl cannot be" in said
    assert browser.library.decisions.since_the_start() == (0, 0)


def test_an_error_of_our_own_is_a_sentence_without_a_trace(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser.library, "refresh", lambda: 1 / 0)
    said = browser.get("/")
    assert browser.headers("/")["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]
    assert said == WORDS["zh"]["broken"].format(kind="ZeroDivisionError")


class Elements(HTMLParser):
    """The elements of a page, each with the names of its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, frozenset[str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, frozenset(name for name, _ in attrs)))


def test_what_somebody_wrote_is_text_wherever_it_stands(tmp_path: Path) -> None:
    hostile = HOSTILE.replace("\ud800", "") + "![x](javascript:alert(1)) [y](javascript:alert(2)) <svg onload=alert(3)>"
    build(tmp_path, f"{BOOK}\n## {hostile}\n\n{hostile}\n\n| {hostile} |\n|---|\n| {hostile} |\n\n戊的兵器是己刀。\n")
    browser = Browser(tmp_path)
    pair = about(browser.library, "己刀")
    browser.post(
        f"/pair/{pair.id}",
        action="mend",
        **{f"question-{row.id}": f"{hostile}{at}" for at, row in enumerate(pair.rows)},
        **dict.fromkeys(("answer", "facts", "note", "tags"), hostile),
    )
    for path in ("/", "/bulk", "/table"):
        raw = browser.raw(path, pair=pair.id, words=hostile)
        assert "<script>alert" not in raw
        assert "\u202e" not in raw
        found = Elements(raw).found
        assert not {tag for tag, _ in found} & {"img", "svg", "style", "iframe", "object", "base"}
        assert sum(tag == "script" for tag, _ in found) == 2
        named = frozenset[str]().union(*(names for _, names in found))
        assert not [name for name in named if name.startswith(("on", "style", "hx-on"))]


def test_assets_are_served_and_nothing_beside_them(browser: Browser) -> None:
    assert browser.status("/assets/htmx.min.js") == 200
    assert browser.status("/assets/../app.py") == 404
    assert browser.status("/assets/%2e%2e/app.py") == 404
