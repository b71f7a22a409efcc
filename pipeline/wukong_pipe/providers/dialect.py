"""The dialect of OpenAI's protocol that a server speaks: structured outputs or not, the name of a limit, a temperature.

No server is asked what it supports: the first real call finds out, and what it refuses is not sent again. A refused
rung is in the journal, so that the next build starts below it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.providers.request import PROMPT_ONLY, first_rung, wire_body
from wukong_pipe.teacher.refusals import Kind, classify
from wukong_pipe.teacher.requests import Request


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a request is written for a server.

    Dialect(rung=JSON_SCHEMA, limit_name="max_tokens", has_temperature=True)
    """

    rung: int
    limit_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    has_temperature: bool = True
    """Whether a temperature is sent where a request has one."""

    def kind_of(self, status: int, words: str) -> Kind:
        """What a refusal of a request in this dialect means."""
        return classify(
            status,
            words,
            rungs_left=self.rung < PROMPT_ONLY,
            limit_name=self.limit_name,
            has_temperature=self.has_temperature,
        )


class DialectLadder:
    """The best dialect that a server has not refused, learned from its refusals."""

    def __init__(self, settings: TeacherSettings, journal: Journal) -> None:
        self._settings, self._journal = settings, journal
        self._best = Dialect(journal.rung(settings.base_url, settings.model))

    def dialect(self, request: Request) -> Dialect:
        """The dialect for one request: lower where the last attempt's reply was blank."""
        return replace(self._best, rung=max(self._best.rung, first_rung(self._journal, request)))

    def body(self, request: Request, dialect: Dialect) -> dict[str, Any]:
        """The request in this dialect, as JSON that leaves."""
        settings = self._settings
        if not dialect.has_temperature:
            settings, request = replace(settings, temperature=None), replace(request, warmth=0)
        return wire_body(settings, request, dialect.rung, dialect.limit_name)

    def step_down(self, refused: Dialect, kind: Kind) -> bool:
        """Learn from the refusal of a dialect; False where its kind is about something else."""
        if kind == "rung":
            self._journal.refuse_rung(self._settings.base_url, self._settings.model, refused.rung)
            self._best = replace(self._best, rung=max(self._best.rung, refused.rung + 1))
        elif kind == "limit_name":
            self._best = replace(self._best, limit_name="max_completion_tokens")
        elif kind == "temperature":
            self._best = replace(self._best, has_temperature=False)
        else:
            return False
        return True
