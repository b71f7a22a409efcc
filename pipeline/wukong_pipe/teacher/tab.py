"""`Tab`: answers of a teacher that count as used only once it is known that what asked for them is wanted."""

from __future__ import annotations

from wukong_pipe.journal.records import Call
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.requests import Reply, Request


class TabClosed(Exception):
    """What asked on this tab is not wanted any more."""


class Tab:
    """Asks one teacher, and keeps what came until the tab is settled or closed."""

    def __init__(self, teacher: JournalledTeacher) -> None:
        self.bought = 0
        """Calls that the journal lacked."""
        self.is_whole = True
        """Whether each request was answered."""
        self._teacher = teacher
        self._answers: list[tuple[str, Call]] = []
        self._is_closed = False

    async def ask(self, request: Request, attempt: int) -> Reply:
        """One attempt's reply; see `JournalledTeacher.ask`.

        Raises:
            TabClosed: it is not wanted any more.
        """
        if self._is_closed:
            raise TabClosed
        reply, call = await self._teacher.answer(request, attempt)
        self.bought += reply.is_new
        if call is None:
            self.is_whole = False
        else:
            self._answers.append((request.stage, call))
        return reply

    def settle(self) -> None:
        """Count the answers as used."""
        for stage, call in self._answers:
            self._teacher.count(stage, call)

    def close(self) -> None:
        """Ask nothing more."""
        self._is_closed = True
