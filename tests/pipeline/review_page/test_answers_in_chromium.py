"""Grading answers in a real browser: by keys alone, on a broad screen and on a phone, and nothing hostile runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from tests.support.answered import HOSTILE, answer_row
from tests.support.chromium import CHROMIUM, Chromium, chromium
from wukong_pipe.commands.listening import HOST, listening
from wukong_pipe.files import jsonl, read_jsonl, write_text
from wukong_pipe.records import Section
from wukong_pipe.review_page.answer_desk import AnswerDesk
from wukong_pipe.review_page.answer_routes import answers_application
from wukong_pipe.review_page.security import Access
from wukong_pipe.workspace import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to show the page in"),
]
TEXT = "## Monsters\n\nThere were 100 of them.\n\n" + "And no others.\n\n" * 60


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Served:
    run: Run
    address: str

    def shown(self, tab: Chromium, number: int) -> None:
        """Wait for an answer."""
        tab.until(f"location.pathname === '/answers/{number}'")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    run = Run(tmp_path / "monkey")
    words = HOSTILE.replace("\ud800", "")
    rows = [answer_row("wording", number, "en", words, "REFERENCE") for number in range(4)]
    write_text(run.answers, jsonl([row | {"facts": [["100"]]} for row in rows]))
    access = Access()
    desk = AnswerDesk(run, lambda _: Section("guide.md", ("Guide",), 1, TEXT, "en", ""))
    with listening(0) as listener:
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(answers_application(desk, access), ws="none", log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield Served(run, f"http://{HOST}:{listener.getsockname()[1]}/?token={access.token}")
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("width", [1280, 390])
def test_all_answers_are_graded_by_keys_alone(tab: Chromium, served: Served, width: int) -> None:
    tab.open(served.address, width)
    tab.press("j")
    served.shown(tab, 2)
    tab.press("k")
    served.shown(tab, 1)
    assert tab.run("document.activeElement.id") == "question", "a screen reader begins with the question"
    tab.press("1")
    served.shown(tab, 2)
    tab.press("3")
    served.shown(tab, 3)
    tab.press("u")
    served.shown(tab, 2)
    for number, key in enumerate("213212", start=3):
        tab.press(key)
        served.shown(tab, number)
    tab.press("3")
    tab.until("document.querySelector('#panes.agreement') !== null")
    assert tab.run("document.querySelector('#question').textContent") == "All 8 answers are graded"
    graded = [line["grade"] for line in read_jsonl(served.run.grades) if "grade" in line]
    assert graded == ["right", "wrong", "partly", "right", "wrong", "partly", "right", "partly", "wrong"]
    assert tab.run("document.documentElement.scrollWidth") <= width, "nothing sticks out of a phone"
    assert tab.run("[...document.querySelectorAll('.wide')].every((each) => each.scrollWidth <= each.clientWidth)"), (
        "no figure is cut off"
    )
    assert tab.complaints == []
    assert all(address.startswith(served.address.split("?")[0]) for address in tab.requests)


def test_the_source_is_shown_on_demand_and_stays_so_for_the_next_answer(tab: Chromium, served: Served) -> None:
    tab.open(served.address)
    is_open = "document.querySelector('#section details').open"
    assert not tab.run(is_open)
    tab.press("s")
    tab.until(is_open)
    assert tab.run("document.querySelector('#section mark.fact').textContent") == "100"
    tab.press("j")
    served.shown(tab, 2)
    tab.until(is_open)
    tab.press("s")
    tab.until(f"!{is_open}")
    tab.press("1")
    served.shown(tab, 3)
    assert not tab.run(is_open)


def test_on_a_phone_the_grades_are_in_reach_beside_a_long_answer(tab: Chromium, served: Served) -> None:
    write_text(served.run.answers, jsonl([answer_row("wording", 1, "en", "So it is. " * 400, "No. " * 900)]))
    tab.open(served.address, 390, 844)
    bottom = "document.querySelector('[data-key=\"1\"]').getBoundingClientRect().bottom"
    assert 0 < tab.run(bottom) <= 844
