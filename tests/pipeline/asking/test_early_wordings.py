"""Wordings that free slots ask for while the last pairs are on their way, against a real HTTP server."""

from __future__ import annotations

import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import calls_of, files_in, run_in
from tests.support.good_teacher import GoodTeacher
from tests.support.provider import Provider, Response, provider
from wukong_pipe.cli.main import main
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.files import read_json

pytestmark = pytest.mark.usefixtures("empty_home")

QUICK = 0.1
"""Seconds for an answer."""
CHAPTERS = [f"\n## 第{n}章\n\n甲{n}的兵器是乙{n}刀。丙{n}的住处是丁{n}山。\n" for n in range(1, 9)]
BOOK = "# 书\n" + "".join(CHAPTERS)
SLOTS = 4


class SlowSection:
    """A good teacher whose pairs of one section take until so many other requests have come."""

    def __init__(self, word: str, awaited: int, patience: float) -> None:
        """
        Args:
            word: stands in that section alone.
            patience: seconds after which they are waited for no longer.
        """
        self.beside: list[int] = []
        """How many requests were in flight at once as each came that the slow one waited for."""
        self.server: Provider | None = None
        self.at_last: Callable[[], None] = lambda: None
        """What happens as the last of them comes."""
        self._teacher, self._word, self._awaited, self._patience = GoodTeacher(), word, awaited, patience
        self._slow, self._end = threading.Event(), math.inf

    def __call__(self, request: dict[str, Any]) -> Response:
        assert self.server is not None
        prompt = json.dumps(request["messages"], ensure_ascii=False)
        answer = replace(self._teacher(request), delay=QUICK)
        if "<source>" in prompt and self._word in prompt and self._end == math.inf:
            self._end = time.monotonic() + self._patience
            return replace(answer, delay=self._patience, until=self._slow)
        if time.monotonic() < self._end < math.inf and not self._slow.is_set():
            self.beside.append(self.server.in_flight + 1)
            if len(self.beside) == self._awaited:
                self._slow.set()
                self.at_last()
        return answer


@contextmanager
def slow_provider(word: str, awaited: int, patience: float = 60.0) -> Iterator[tuple[Provider, SlowSection]]:
    teacher = SlowSection(word, awaited, patience)
    with provider(teacher) as server:
        teacher.server = server
        yield server, teacher


def build(server: Provider, text: str, runs: str, slots: int = SLOTS, *more: str) -> dict[str, bytes]:
    """The files of the dataset."""
    Path("book.md").write_text(text, "utf-8")
    options = ["--variants", "2", "--run", "book", "--runs-dir", f"{runs}/runs", "--verify", "none", *more]
    teacher = ["--base-url", server.base_url, "--teacher-model", "m", "--concurrency", str(slots)]
    assert main(["build", "book.md", *teacher, *options]) == 0
    return files_in(run_in(Path(runs)).dataset)


def note(runs: str) -> dict[str, Any]:
    found: dict[str, Any] = read_json(run_in(Path(runs)).folder / "build.json")
    return found


def test_free_slots_ask_for_wordings_while_a_slow_section_is_waited_for_and_the_bytes_are_the_same() -> None:
    # Six other sections, and the wordings of all but the slow one and the one held out.
    with slow_provider("甲2的", awaited=6 + 20) as (server, teacher):
        overlapped = build(server, BOOK, "early")
        assert len(teacher.beside) == 6 + 20
        assert max(teacher.beside) == server.most_at_once == SLOTS
        asked = len(server.requests)
        assert server.unique == asked
        # One at a time there is never a free slot.
        assert build(server, BOOK, "late", 1) == overlapped
        assert len(server.requests) == 2 * asked
    assert note("early")["calls_made"] == note("late")["calls_made"] == asked
    assert note("early")["calls_in_vain"] == 0


def test_with_the_verifier_the_bytes_are_the_same_too_its_counts_among_them() -> None:
    with slow_provider("甲2的", awaited=40) as (server, teacher):
        early = build(server, BOOK, "early", SLOTS, "--verify", "all")
        assert len(teacher.beside) == 40
        assert build(server, BOOK, "late", 1, "--verify", "all") == early


SAID_TWICE = BOOK.replace("甲5的兵器是乙5刀。", "甲2的兵器是乙2刀。")


def test_what_dedupe_drops_afterwards_has_cost_calls_which_are_told_and_stand_in_no_dataset(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain = ("--holdout", "0")
    # Nothing is held out: the other sections' pairs, and wordings of each of them.
    with slow_provider("丙2的", awaited=6 + 14) as (server, _):
        early = build(server, SAID_TWICE, "early", SLOTS, *plain)
        printed = " ".join(capsys.readouterr().out.split())
        assert "1 call made while the last pairs were on their way asked for wordings that are not needed" in printed
        assert note("early")["calls_in_vain"] == 1
        asked = len(server.requests)
        late = build(server, SAID_TWICE, "late", 1, *plain)
        assert len(server.requests) == asked + asked - 1
        assert late == early
        # Bought with no slot free, read with many: nothing is asked early where nothing is bought.
        assert build(server, SAID_TWICE, "late", 16, *plain) == late
        assert build(server, SAID_TWICE, "early", 16, *plain) == late
        assert len(server.requests) == asked + asked - 1
    assert note("early")["calls_in_vain"] == note("early")["calls_made"] == 0


def test_the_first_ctrl_c_lets_early_calls_come_to_their_end_and_none_is_bought_twice() -> None:
    with slow_provider("甲2的", awaited=6 + 8) as (server, teacher):
        teacher.at_last = lambda: os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(AssertionError, match="130"):
            build(server, BOOK, "early")
        asked = len(server.requests)
        assert asked >= 2 + 6 + 8
        assert len(calls_of(Path("early"))) == asked
        build(server, BOOK, "early")
        assert server.unique == len(server.requests) > asked


@pytest.mark.parametrize("limit", [["--max-calls", "1000"], ["--rpm", "100000"]], ids=["ceiling", "pace"])
def test_nothing_is_asked_early_where_calls_are_counted_out(limit: list[str]) -> None:
    with slow_provider("甲2的", awaited=7, patience=2.0) as (server, teacher):
        build(server, BOOK, "early", SLOTS, *limit)
        assert len(teacher.beside) <= 6, "the other sections, and no wordings"


def test_an_error_after_the_pairs_lets_calls_in_flight_reach_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise WorkspaceError("No space left on device.")

    with slow_provider("甲2的", awaited=6 + 20) as (server, _):
        with monkeypatch.context() as patched:
            patched.setattr("wukong_pipe.pipeline.distinct_pairs", full)
            Path("book.md").write_text(BOOK, "utf-8")
            options = ["--variants", "2", "--run", "book", "--runs-dir", "early/runs", "--verify", "none"]
            teacher = ["--base-url", server.base_url, "--teacher-model", "m", "--concurrency", str(SLOTS)]
            assert main(["build", "book.md", *teacher, *options]) == 1
        assert note("early")["failed_calls"] == 0
        build(server, BOOK, "early")
        assert server.unique == len(server.requests)
