"""Asking a teacher to grade answers and to compare them: through the journal and the budget that builds use, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, get_args

from wukong_pipe.commands.build import Progress, spent_so_far
from wukong_pipe.commands.teacher_choice import TeacherChoice, settings_of
from wukong_pipe.errors import Interrupted
from wukong_pipe.journal.opened import journal_of
from wukong_pipe.journal.store import Journal
from wukong_pipe.language.plurals import counted
from wukong_pipe.records import Lang
from wukong_pipe.schema import check_item
from wukong_pipe.teacher.attempts import ATTEMPTS
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.ledger import Ledger
from wukong_pipe.teacher.pool import in_pool
from wukong_pipe.teacher.prompt_files import OF_EVAL, Prompt, load_prompt
from wukong_pipe.teacher.quoting import fenced
from wukong_pipe.teacher.requests import Request
from wukong_pipe.teacher.stopping import draining
from wukong_pipe.workspace import Run, Workspace

if TYPE_CHECKING:
    from wukong_pipe.providers.client import TeacherSettings
    from wukong_trainer.evaluation.records import Grade
    from wukong_trainer.evaluation.sources import Comparison, JudgeReply, Submission

_PAID = "what the journal holds is not paid again"


@contextmanager
def judging(
    workspace: Workspace,
    run: Run,
    choice: TeacherChoice,
    progress: Progress,
    say: Callable[[str], None],
) -> Iterator[Judge]:
    """The judge of a run's answers, while its journal is open.

    Args:
        say: told what the user must know before calls are made and while they are in flight.

    Raises:
        TeacherError: a key or model is missing, before anything is asked.
    """
    settings = settings_of(choice)
    with journal_of(workspace, run, say) as journal:
        yield Judge(journal, run, choice, settings, progress, say)


class Judge:
    """A teacher that is asked once for the same thing, whatever it said; after a bad reply it is asked again, twice.

    Its methods raise TeacherError where it cannot be used, StoppedShort where it failed too often or a ceiling is
    reached, and Interrupted where the user stopped it; what was bought is kept.
    """

    def __init__(
        self,
        journal: Journal,
        run: Run,
        choice: TeacherChoice,
        settings: TeacherSettings,
        progress: Progress,
        say: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._run = run
        self._choice = choice
        self._settings = settings
        self.model = settings.model
        self._progress = progress
        self._say = say
        langs: tuple[Lang, ...] = get_args(Lang)
        self._prompts = {(stage, lang): load_prompt(stage, lang) for stage in OF_EVAL for lang in langs}

    def grades(self, submissions: Sequence[Submission]) -> list[Grade]:
        """Grade("right", "It names the smith.") of each answer; "ungraded" where no call brought one."""
        from wukong_trainer.evaluation.grading import GRADE_SCHEMA
        from wukong_trainer.evaluation.records import Grade

        self._say(f"Judge: {counted(len(submissions), 'call')} to grade the answers, one each; {_PAID}.")
        values = self._ask("eval_grade", "grading", submissions, GRADE_SCHEMA)
        return [Grade(value["grade"], value["reason"]) if value else Grade("ungraded") for value in values]

    def replies(self, comparisons: Sequence[Comparison]) -> list[JudgeReply | None]:
        """JudgeReply("A", "A names the smith.") to each comparison; None where no call brought one."""
        from wukong_trainer.evaluation.judge import SCHEMA
        from wukong_trainer.evaluation.sources import JudgeReply

        self._say(f"Judge: {counted(len(comparisons), 'call')} to compare the answers, in both orders; {_PAID}.")
        values = self._ask("eval_judge", "judging", comparisons, SCHEMA)
        return [JudgeReply(**value) if value else None for value in values]

    def _ask(
        self, stage: str, step: str, items: Sequence[Submission | Comparison], schema: dict[str, Any]
    ) -> list[dict[str, Any] | None]:
        """The reply to each item, None where none was as it must be."""
        from wukong_pipe.providers.live import OpenAIBackend

        ledger = Ledger(self._journal, self._run.name, self._choice.prices, self._choice.ceilings)
        backend = OpenAIBackend(self._settings, self._journal, ledger, self._say)
        teacher = JournalledTeacher(self._journal, backend, self._run.name)
        done = 0

        async def one(item: Submission | Comparison) -> dict[str, Any] | None:
            nonlocal done
            prompt = self._prompts[stage, "zh" if item.lang == "zh" else "en"]
            value = await _reply(teacher, _request(stage, prompt, item, schema))
            done += 1
            self._progress(step, done, len(items), spent_so_far(ledger))
            return value

        async def everything() -> list[dict[str, Any] | None]:
            async with backend:
                return await in_pool(items, one, self._settings.most, stop=teacher.stop)

        def drain() -> None:
            teacher.stop(Interrupted("Interrupted; what was in flight has been kept."))
            self._say(f"Stopping: {ledger.in_flight} calls in flight are finished and kept; again to stop at once.")

        with draining(drain):
            return asyncio.run(everything())


def _request(stage: str, prompt: Prompt, item: Submission | Comparison, schema: dict[str, Any]) -> Request:
    """The item's fields are the prompt's placeholders; a student may have answered with the prompt's own tags."""
    values = {name: fenced(text) for name, text in asdict(item).items() if name != "lang"}
    return Request(stage, prompt.name, prompt.messages(**values), schema, None)


async def _reply(teacher: JournalledTeacher, request: Request) -> dict[str, Any] | None:
    """The first reply that is as it must be."""
    last_call = ""
    for attempt in range(ATTEMPTS):
        reply = await teacher.ask(replace(request, last_call=last_call), attempt)
        if reply.value is not None and check_item(reply.value, request.schema) is None:
            return reply.value
        if reply.is_final or not reply.call:
            break
        last_call = reply.call
    return None
