"""A person who reads a run's pairs in a browser with keys alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.chromium import Chromium
from tests.support.review_server import ReviewServer

CURRENT = "document.querySelector('#current').value"
SAID = "document.querySelector('#message').textContent"
PROGRESS = "document.querySelector('#progress progress').value"
FOCUS = "document.activeElement.id || document.activeElement.name || document.activeElement.tagName"


@dataclass
class Reader:
    """Somebody who reads with keys alone, and remembers what the page confirmed."""

    tab: Chromium
    accepted: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    answers: dict[str, str] = field(default_factory=dict)
    """By pair, of those whose answer was mended."""
    questions: dict[str, str] = field(default_factory=dict)
    """By row, of those whose question was mended."""
    rescued: set[str] = field(default_factory=set)

    mended: set[str] = field(default_factory=set)

    @property
    def read(self) -> set[str]:
        """The pairs that were decided on."""
        return self.accepted | self.dropped | self.mended

    def open(self, server: ReviewServer) -> None:
        self.tab.open(server.address)

    @property
    def current(self) -> str:
        return str(self.tab.run(CURRENT))

    def moved(self, pair: str) -> bool:
        """Whether another pair than this one stands there."""
        return self.current != pair

    def press(self, key: str, *, ctrl: bool = False) -> str:
        """Press a key that leads to another pair; the pair that was left."""
        pair = self.current
        self.tab.press(key, ctrl=ctrl)
        self.tab.until(f"{CURRENT} !== {pair!r} && document.activeElement.id === 'question'")
        return pair

    def accept(self) -> None:
        self.accepted.add(self.press("a"))

    def drop(self) -> None:
        self.dropped.add(self.press("d"))

    def mend_answer(self, words: str) -> None:
        """Write words behind the answer."""
        self._edit()
        self.tab.press("Tab")
        assert self.tab.run(FOCUS) == "answer"
        text = self._typed(words)
        self.answers[self._save()] = text

    def mend_question(self, words: str) -> None:
        """Write words behind the pair's own question."""
        self._edit()
        row = str(self.tab.run(FOCUS)).removeprefix("question-")
        self.questions[row] = self._typed(words)
        self._save()

    def _edit(self) -> None:
        self.tab.press("e")
        assert str(self.tab.run(FOCUS)).startswith("question-")

    def _typed(self, words: str) -> str:
        self.tab.press("End", ctrl=True)
        self.tab.type(words)
        self.tab.until("document.querySelector('#findings').textContent.trim() !== ''")
        assert self.tab.run("document.querySelector('#findings .reject')") is None
        text = str(self.tab.run("document.activeElement.value"))
        assert text.endswith(words)
        return text

    def _save(self) -> str:
        pair = self.press("Enter", ctrl=True)
        self.mended.add(pair)
        return pair

    def undo(self) -> str:
        """Take the newest decision back; the pair that it was on."""
        before = self.current
        self.tab.press("u")
        self.tab.until(f"{CURRENT} !== {before!r} && document.activeElement.id === 'question'")
        pair = self.current
        assert self.tab.run("document.querySelector('#pair .where .state').className") == "state unread"
        for some in (self.accepted, self.dropped):
            some.discard(pair)
        return pair

    def search(self, words: str) -> int:
        """How many pairs a search finds."""
        self.tab.press("Escape")
        self.tab.until("!document.querySelector('#filters.htmx-request')")
        self.tab.press("/")
        assert self.tab.run(FOCUS) == "words"
        self.tab.run("document.querySelector('#results p').id = 'old'")
        # What stands in the field is selected: what is typed takes its place.
        if words:
            self.tab.type(words)
        else:
            self.tab.press("Backspace")
        self.tab.until("!document.querySelector('#old')")
        return int(self.tab.run("parseInt(document.querySelector('#results p').textContent.replace(',', '')) || 0"))

    def rescue(self, question: str, reject_id: str) -> None:
        """Let in what was rejected in the section of the pair of that question."""
        assert self.search(question) == 1
        self.tab.press("Enter")
        self.tab.until(f"!!document.querySelector('#reject-{reject_id}')")
        self.tab.press("r")
        while self.tab.run("document.activeElement.closest('li').id") != f"reject-{reject_id}":
            self.tab.press("Tab")
        self.tab.press("r")
        self.tab.until(f"!!document.querySelector('#reject-{reject_id} .state')")
        self.rescued.add(reject_id)
        assert self.search("") == 133
        self.tab.press("Escape")
