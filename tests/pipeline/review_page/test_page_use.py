"""The page in a real browser, as somebody uses it: what other windows did, what is typed, what Enter does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.building import run_in
from tests.support.chromium import CHROMIUM, Chromium, chromium
from tests.support.reviewed import build, library_of
from tests.support.served import served
from wukong_pipe.files import jsonl, read_jsonl, write_text
from wukong_pipe.reasons import Reason
from wukong_pipe.review.decision_lines import drop
from wukong_pipe.review.library import Library
from wukong_pipe.review_page.app import application
from wukong_pipe.review_page.desk import Desk
from wukong_pipe.review_page.security import Access

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to show the page in"),
]

CURRENT = "document.querySelector('#current').value"
MESSAGE = "document.querySelector('#message').textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def library(tmp_path: Path) -> Library:
    build(tmp_path)
    return library_of(tmp_path)


@contextmanager
def opened(browser: Chromium, library: Library) -> Iterator[str]:
    """The page of pairs, open; its origin."""
    access = Access()
    with served(application(Desk(library, "en", 0.05), access)) as origin:
        browser.open(f"{origin}/?token={access.token}")
        yield origin


def test_a_slow_answer_lets_no_poll_call_ones_own_decision_that_of_another_window(
    browser: Chromium, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh = library.refresh

    def slowly() -> bool:
        time.sleep(0.3)
        return refresh()

    with opened(browser, library):
        first, seen = browser.run(CURRENT), library.version
        # As where a dataset was rebuilt, which is read again before the answer.
        monkeypatch.setattr(library, "refresh", slowly)
        poll = f"htmx.ajax('GET', '/state?seen={seen}', {{source: '#progress', swap: 'outerHTML'}}), 0"
        browser.press("a")
        browser.run(poll)
        browser.until(f"{CURRENT} !== '{first}'")
        browser.run("new Promise((done) => setTimeout(done, 700))")
        assert "another window" not in browser.run(MESSAGE)
        assert browser.run("find('#pair .where .state').textContent") == "unread"
        second = browser.run(CURRENT)
        library.decisions.record(drop(library.decisions, library.by_id[second]))
        browser.until(f"{MESSAGE}.includes('another window: dropped')")


def test_enter_in_find_or_replace_by_previews_the_replacement(browser: Chromium, library: Library) -> None:
    with opened(browser, library) as origin:
        browser.open(f"{origin}/bulk")
        for name in ("find", "by"):
            browser.run("find('#preview').replaceChildren(); find('[name=find]').value = '兵器'")
            browser.run(f"find('[name={name}]').focus()")
            browser.press("Enter")
            browser.until("find('#preview [name=action]')?.value === 'replace'")


def test_what_was_typed_and_not_saved_is_kept_with_its_pair(browser: Chromium, library: Library) -> None:
    with opened(browser, library) as origin:
        first = browser.run(CURRENT)
        browser.press("e")
        browser.type("另外")
        browser.press("Escape")
        assert not browser.run("find('#draft').hidden")
        browser.press("j")
        browser.until(f"{CURRENT} !== '{first}'")
        assert browser.run("find('#draft').hidden")
        browser.open(f"{origin}/?pair={first}")
        assert not browser.run("find('#draft').hidden")
        browser.press("e")
        assert "另外" in browser.run("find('.editing textarea').value")
        browser.press("Enter", ctrl=True)
        browser.until(f"{CURRENT} !== '{first}'")
        pair = library.by_id[first]
        assert "另外" in library.shown(pair).now.question
        browser.open(f"{origin}/?pair={first}")
        assert browser.run("find('#draft').hidden"), "what is saved is no draft"
        assert browser.complaints == []


def test_ctrl_and_enter_in_the_field_of_a_reject_rescues_it_as_mended(browser: Chromium, tmp_path: Path) -> None:
    build(tmp_path)
    where = run_in(tmp_path).dataset / "rejected.jsonl"
    candidate = {"question": "甲呢？", "answer": "乙刀。", "evidence": [1]}
    line = {"id": "5c1e", "stage": "verify", **Reason.of("asks-broader", words="更宽").to_json(), "reason": ""}
    line |= {"candidate": candidate, "reply": "{…}", "section_id": library_of(tmp_path).sample[0].section_id}
    write_text(where, jsonl([*read_jsonl(where), line]))
    library = library_of(tmp_path)
    with opened(browser, library):
        browser.run("document.querySelectorAll('details').forEach((fold) => { fold.open = true })")
        browser.run("find('.rescue textarea').focus()")
        browser.type("另外")
        browser.until("find('.findings').textContent !== ''")
        browser.press("Enter", ctrl=True)
        browser.until("find('#reject-5c1e .state') !== null")
    (rescued,) = library.decisions.standing()
    assert rescued.rescue
    assert "另外" in (rescued.instruction or "")
