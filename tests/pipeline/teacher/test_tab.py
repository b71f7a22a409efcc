"""Answers that count as used only once what asked for them is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.asking import GOOD, request
from wukong_pipe.journal.store import Journal
from wukong_pipe.teacher.journalled import JournalledTeacher, OfflineBackend
from wukong_pipe.teacher.tab import Tab, TabClosed


def with_teacher(folder: Path, act: Callable[[JournalledTeacher], Awaitable[None]]) -> None:
    with Journal(folder / "journal.sqlite") as journal:
        backend = OfflineBackend("offline@1", lambda request, attempt: GOOD, journal)
        asyncio.run(act(JournalledTeacher(journal, backend, "run")))  # type: ignore[arg-type]


def test_answers_count_as_used_when_the_tab_is_settled_each_once(tmp_path: Path) -> None:
    async def act(teacher: JournalledTeacher) -> None:
        await teacher.ask(request("known"), 0)
        tab = Tab(teacher)
        for text in ("known", "new"):
            assert (await tab.ask(request(text), 0)).value is not None
        assert (tab.bought, tab.is_whole) == (1, True)
        assert teacher.used["base_qa"].calls == 1
        tab.settle()
        assert teacher.used["base_qa"].calls == 2
        assert (teacher.bought, teacher.from_journal) == (2, 1)

    with_teacher(tmp_path, act)


def test_a_closed_tab_asks_nothing_more(tmp_path: Path) -> None:
    async def act(teacher: JournalledTeacher) -> None:
        tab = Tab(teacher)
        tab.close()
        with pytest.raises(TabClosed):
            await tab.ask(request(), 0)
        assert teacher.bought == 0

    with_teacher(tmp_path, act)
