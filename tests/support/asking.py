"""Asking a provider on loopback as one build does, for the tests of the teacher."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.provider import Provider
from wukong_pipe.errors import WukongError
from wukong_pipe.journal.records import Send
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.providers.live import OpenAIBackend
from wukong_pipe.records import Section
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.ledger import Ledger
from wukong_pipe.teacher.requests import BaseQATask, Reply, Request

SCHEMA = {"type": "object", "required": ["pairs"], "properties": {"pairs": {"type": "array"}}}
GOOD = '{"pairs": [{"question": "谁？"}]}'
KEY = "sk-canary-0123456789abcdef"
SECTION = Section("a.md", ("A",), 1, "text")


def request(text: str = "ask") -> Request:
    messages = ({"role": "system", "content": "JSON, please"}, {"role": "user", "content": text})
    return Request("base_qa", "base_qa.zh@1", messages, SCHEMA, BaseQATask(SECTION, 1, ()))


def settings(base_url: str, **options: Any) -> TeacherSettings:
    given = {"model": "m", "api_key": KEY, "retries": 2, "backoff": 0.001, "deadline": 5.0}
    return TeacherSettings(base_url=base_url, **{**given, **options})


def ask_all(
    path: Path, teacher: TeacherSettings, texts: Sequence[str], attempt: int = 0
) -> tuple[list[Reply], JournalledTeacher]:
    """Ask one text after another, as one build does."""

    async def run() -> tuple[list[Reply], JournalledTeacher]:
        with Journal(path / "journal.sqlite") as journal:
            async with OpenAIBackend(teacher, journal, Ledger(journal, "run")) as backend:
                asker = JournalledTeacher(journal, backend, "run")
                return [await asker.ask(request(text), attempt) for text in texts], asker

    return asyncio.run(run())


def fails(
    path: Path, server: Provider, texts: Sequence[str] = ("ask",), **options: Any
) -> tuple[type[WukongError], str]:
    """How asking ends, where it must end in an error."""
    with pytest.raises(WukongError) as caught:
        ask_all(path, settings(server.base_url, **options), texts)
    return type(caught.value), str(caught.value)


def failures(journal: Journal) -> list[Send]:
    """The requests that brought no answer."""
    return [send for send in journal.sends() if send.outcome != "answered"]
