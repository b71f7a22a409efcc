"""Asking a teacher which of two answers is better: through the journal and the budget that builds use, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from wukong_pipe.commands.build import Progress, spent_so_far
from wukong_pipe.commands.evaluation_sources import AskJudge
from wukong_pipe.commands.teacher_choice import TeacherChoice, settings_of
from wukong_pipe.errors import Interrupted
from wukong_pipe.journal.opened import journal_of
from wukong_pipe.records import Lang
from wukong_pipe.schema import check_item
from wukong_pipe.teacher.attempts import ATTEMPTS
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.ledger import Ledger
from wukong_pipe.teacher.pool import in_pool
from wukong_pipe.teacher.prompt_files import Prompt, load_prompt
from wukong_pipe.teacher.requests import Request
from wukong_pipe.teacher.stopping import draining
from wukong_pipe.workspace import Run, Workspace

if TYPE_CHECKING:
    from wukong_trainer.evaluation.sources import Comparison, JudgeReply

STAGE = "eval_judge"


@contextmanager
def judging(
    workspace: Workspace,
    run: Run,
    choice: TeacherChoice,
    schema: dict[str, Any],
    progress: Progress,
    say: Callable[[str], None],
) -> Iterator[AskJudge]:
    """The judge: it is asked once for the same thing, whatever it said; after a bad reply it is asked again, twice.

    It gives `JudgeReply("A", "A names the smith.")` to each comparison.

    Args:
        schema: what each reply must be.
        say: told what the user must know before calls are made and while they are in flight.

    Raises:
        TeacherError: a key or model is missing, before anything is asked; or the judge cannot be used.
        StoppedShort: it failed too often, or a ceiling is reached; what was bought is kept.
        Interrupted: the user stopped it.
    """
    settings = settings_of(choice)
    prompts = {lang: load_prompt(STAGE, lang) for lang in get_args(Lang)}
    with journal_of(workspace, run, say) as journal:

        def ask(comparisons: Sequence[Comparison]) -> list[JudgeReply | None]:
            from wukong_pipe.providers.live import OpenAIBackend
            from wukong_trainer.evaluation.sources import JudgeReply

            ledger = Ledger(journal, run.name, choice.prices, choice.ceilings)
            backend = OpenAIBackend(settings, journal, ledger, say)
            teacher = JournalledTeacher(journal, backend, run.name)
            done = 0

            async def one(comparison: Comparison) -> JudgeReply | None:
                nonlocal done
                request = _request(prompts["zh" if comparison.lang == "zh" else "en"], comparison, schema)
                value = await _verdict(teacher, request)
                done += 1
                progress("judging", done, len(comparisons), spent_so_far(ledger))
                return JudgeReply(**value) if value else None

            async def everything() -> list[JudgeReply | None]:
                async with backend:
                    return await in_pool(comparisons, one, settings.most, stop=teacher.stop)

            def drain() -> None:
                teacher.stop(Interrupted("Interrupted; what was in flight has been kept."))
                say(f"Stopping: {ledger.in_flight} calls in flight are finished and kept; again to stop at once.")

            with draining(drain):
                return asyncio.run(everything())

        yield ask


def _request(prompt: Prompt, comparison: Comparison, schema: dict[str, Any]) -> Request:
    messages = prompt.messages(
        question=comparison.question,
        reference=comparison.reference,
        source=comparison.source,
        a=comparison.a,
        b=comparison.b,
    )
    return Request(STAGE, prompt.name, messages, schema, None)


async def _verdict(teacher: JournalledTeacher, request: Request) -> dict[str, Any] | None:
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
