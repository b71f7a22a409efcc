"""The pages for who sees little or uses no mouse: axe-core finds nothing grave; keys and speech have their order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import axe
from tests.support.answered import answer_row
from tests.support.building import run_in
from tests.support.chromium import CHROMIUM, Chromium, chromium
from tests.support.reader import FOCUS, SAID
from tests.support.reviewed import build, library_of
from tests.support.served import served
from wukong_pipe.files import jsonl, read_jsonl, write_text
from wukong_pipe.reasons import Lang, Reason
from wukong_pipe.records import Section
from wukong_pipe.review_page.answer_desk import AnswerDesk
from wukong_pipe.review_page.answer_routes import answers_application
from wukong_pipe.review_page.app import application
from wukong_pipe.review_page.desk import Desk
from wukong_pipe.review_page.security import Access
from wukong_pipe.workspace import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to show the page in"),
]

BOOK = """# 书

## 第一章

甲的兵器是乙刀。丙的住处是丁山。

| 兵器 | 产地 |
|---|---|
| 戊棍 | 己岛 |

```
wukong --run 1
```

- 庚的年纪是 81 岁。

## 第二章

辛的兵器是壬刀。癸的住处是子山。
"""
OPEN = "document.querySelectorAll('details').forEach((fold) => { fold.open = true })"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with rejects that can be rescued and such that cannot, and decisions of all kinds."""
    folder = tmp_path_factory.mktemp("book")
    build(folder, BOOK)
    run = run_in(folder)
    pairs = library_of(folder).pairs
    common = {"section_id": pairs[0].section_id, "source": pairs[0].source, "heading_path": [], "lines": [1, 2]}
    reason = Reason.of("asks-broader", words="更宽")
    rejects = [
        {"id": f"0{place}", "stage": "verify", **reason.to_json(), "reason": "", "doubt": "", "reply": "{…}"}
        | {"candidate": candidate, "call": "", **common}
        for place, candidate in enumerate(({"question": "甲呢？", "answer": "乙刀。", "evidence": [1]}, "torn"))
    ]
    write_text(run.dataset / "rejected.jsonl", jsonl([*read_jsonl(run.dataset / "rejected.jsonl"), *rejects]))
    edits = [
        {"id": pairs[0].id, "ok": True, "output": f"{pairs[0].answer}是的。", "note": "看过", "tags": ["难"]},
        {"id": pairs[1].id, "drop": True},
        {"id": pairs[0].rows[-1].id, "drop": True},
    ]
    write_text(run.edits, jsonl(edits))
    return folder


@contextmanager
def opened(browser: Chromium, folder: Path, lang: Lang, width: int = 1280) -> Iterator[str]:
    """The page of pairs, open; its origin."""
    access = Access()
    with served(application(Desk(library_of(folder), lang, 0.05), access)) as origin:
        browser.open(f"{origin}/?token={access.token}", width)
        yield origin


@pytest.fixture(params=[False, True], ids=["light", "dark"])
def dark(browser: Chromium, request: pytest.FixtureRequest) -> Iterator[None]:
    """The page is set in light colours, and in dark ones."""
    browser.dark(request.param)
    yield
    browser.dark(False)


# --- what axe finds -------------------------------------------------------------------------------------------------


def test_axe_finds_a_planted_fault(browser: Chromium, folder: Path) -> None:
    with opened(browser, folder, "en"):
        browser.run("document.querySelector('#pair').insertAdjacentHTML('beforeend', '<input><p class=faint>pale</p>')")
        browser.run("document.querySelector('.faint').style.color = '#ccc'")
        assert {each["rule"] for each in axe.grave(browser)} == {"label", "color-contrast"}


@pytest.mark.usefixtures("dark")
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_axe_finds_nothing_grave(browser: Chromium, folder: Path, lang: Lang, width: int) -> None:
    first, second, *_ = library_of(folder).pairs
    with opened(browser, folder, lang, width) as origin:
        for pair in (first, second):
            browser.open(f"{origin}/?pair={pair.id}", width)
            browser.run(OPEN)
            assert axe.grave(browser) == []
        browser.press("e")
        browser.type("？")
        browser.until("document.querySelector('#findings p') !== null")
        assert axe.grave(browser) == [], "while it is edited"
        browser.press("Escape")
        browser.press("?")
        assert axe.grave(browser) == [], "with the keys"
        browser.open(f"{origin}/?words=nowhere", width)
        assert axe.grave(browser) == [], "where nothing matches"
        browser.open(f"{origin}/table", width)
        assert axe.grave(browser) == []
        browser.open(f"{origin}/bulk", width)
        for action in ("replace", "drop"):
            browser.run(f"find('[name=find]').value = '兵器'; find('[value={action}]').click()")
            browser.until(f"document.querySelector('#preview [value={action}]') !== null")
            assert axe.grave(browser) == [], action


@pytest.mark.usefixtures("dark")
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_axe_finds_nothing_grave_in_the_answers(browser: Chromium, tmp_path: Path, lang: Lang, width: int) -> None:
    run = Run(tmp_path / "monkey")
    rows = [answer_row("wording", number, lang, "No.", "REFERENCE") for number in range(2)]
    write_text(run.answers, jsonl([row | {"facts": [["100"]]} for row in rows]))
    section = Section("guide.md", ("Guide",), 1, "There were 100 of them.", "en", "")
    access = Access()
    with served(answers_application(AnswerDesk(run, lambda _: section), access)) as origin:
        browser.open(f"{origin}/?token={access.token}", width)
        browser.run(OPEN)
        assert axe.grave(browser) == []
        for number in (2, 3, 4):
            browser.press("1")
            browser.until(f"location.pathname === '/answers/{number}'")
        browser.press("k")
        browser.until("document.querySelector('[aria-pressed]') !== null")
        assert axe.grave(browser) == [], "with a grade given"
        browser.open(f"{origin}/answers/agreement", width)
        assert axe.grave(browser) == []


# --- keys and speech ------------------------------------------------------------------------------------------------


def test_the_tab_key_goes_from_the_pair_to_its_section_and_on_to_the_list_and_shows_where_it_is(
    browser: Chromium, folder: Path
) -> None:
    with opened(browser, folder, "en"):
        assert browser.run(FOCUS) == "question"
        order = []
        for _ in range(60):
            browser.press("Tab")
            order.append(browser.run("document.activeElement.closest('section, aside, header, body').id || 'page'"))
            ring = browser.run("getComputedStyle(document.activeElement).outlineStyle")
            assert ring != "none" or order[-1] == "page", browser.run("document.activeElement.outerHTML")
            if order[-1] == "search":
                break
        assert list(dict.fromkeys(order)) == ["pair", "section", "search"]
        assert browser.run('document.querySelectorAll(\'[tabindex]:not([tabindex="0"], [tabindex="-1"])\').length') == 0


def test_a_decision_is_spoken_and_the_focus_goes_to_the_next_question(browser: Chromium, folder: Path) -> None:
    with opened(browser, folder, "en"):
        assert browser.run("document.querySelector('#message').matches('[role=status][aria-live=polite]')")
        question = browser.run("document.querySelector('#question').textContent")
        browser.press("a")
        browser.until(f"{SAID}.includes({question!r}) && document.activeElement.id === 'question'")
        assert browser.run("document.activeElement.textContent") != question
        browser.press("u")
        browser.until(f"document.activeElement.textContent === {question!r}")
        assert question in browser.run(SAID)


def test_escape_leaves_a_field_and_what_was_searched_for_stays(browser: Chromium, folder: Path) -> None:
    with opened(browser, folder, "en"):
        browser.press("/")
        browser.type("兵器")
        browser.press("Escape")
        assert browser.run(FOCUS) == "question"
        assert browser.run("document.querySelector('[name=words]').value") == "兵器"
        browser.press("j")
        browser.until("location.search.includes('words=')")


def test_a_dialog_and_the_editing_give_the_focus_back(browser: Chromium, folder: Path) -> None:
    with opened(browser, folder, "en"):
        browser.press("?")
        assert browser.run("document.activeElement.closest('dialog').id") == "keys"
        browser.press("Escape")
        assert browser.run("document.querySelector('dialog[open]') === null")
        browser.press("e")
        assert str(browser.run(FOCUS)).startswith("question-")
        browser.press("Escape")
        assert browser.run(FOCUS) == "question"
