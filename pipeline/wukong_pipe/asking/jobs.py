"""The jobs of a build that ask: each is about one section or one pair, and may be done on another machine.

A job is a plain function of a `Desk` and of data that can be sent: `pairs_of(desk, section, 5)` brings five pairs of a
section. `Executor` does jobs; `Here` does them in this process. Parts of the rows, which ask nothing, are jobs too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, TypeVarTuple

from wukong_pipe.asking.wording_jobs import WordingJob
from wukong_pipe.dataset.parts import Mapped
from wukong_pipe.records import Section
from wukong_pipe.stages.answers import ask_answers
from wukong_pipe.stages.base_qa import Pairs, ask_base_qa
from wukong_pipe.stages.heldout_wordings import ask_heldout_wordings
from wukong_pipe.stages.paraphrase import ask_paraphrases
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.spellings import Spellings, ask_spellings
from wukong_pipe.stages.verification import NO_VERIFICATION, Verification
from wukong_pipe.stages.workers import HERE, Workers
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.pool import in_pool
from wukong_pipe.teacher.prompt_files import Prompts
from wukong_pipe.teacher.requests import Ask


@dataclass(frozen=True, slots=True)
class Desk:
    """What all jobs of a build are done with."""

    ask: Ask
    model: str
    """The teacher's, as the rows carry it."""
    settings: BuildSettings
    prompts: Prompts
    attempts: Attempts = USUAL
    verification: Verification = NO_VERIFICATION
    workers: Workers = HERE
    """Who checks what the replies hold."""


async def pairs_of(desk: Desk, section: Section, wanted: int) -> Pairs:
    """So many pairs of a section."""
    prompts, about = desk.prompts["base_qa"], desk.settings.about
    return await ask_base_qa(
        section, wanted, desk.ask, desk.model, prompts, desk.attempts, about, desk.verification, desk.workers
    )


async def wordings_of(desk: Desk, job: WordingJob) -> Harvest[Any, Any]:
    """What is asked about a pair or facts once the pairs are known; it depends on the job and its own earlier replies
    alone."""
    ask, attempts, about = desk.ask, desk.attempts, desk.settings.about
    prompts, subject = desk.prompts[job.kind], job.subject
    if isinstance(subject, Spellings):
        await ask_spellings(subject, desk.settings.spellings, ask, prompts, attempts, about)
        return subject
    if job.kind == "answers":
        wanted = desk.settings.answer_variants
        return await ask_answers(
            subject, wanted, ask, prompts, attempts, about, desk.verification, workers=desk.workers
        )
    if job.kind == "paraphrase":
        stage, wanted = ask_paraphrases, desk.settings.variants
    else:
        stage, wanted = ask_heldout_wordings, desk.settings.heldout_wordings
    return await stage(
        subject, wanted, ask, prompts, attempts, about, desk.verification, job.others, workers=desk.workers
    )


Data = TypeVarTuple("Data")
Part = TypeVar("Part")
Result = TypeVar("Result")


class Executor(Protocol):
    """Does jobs, somewhere."""

    async def do(self, job: Callable[[Desk, *Data], Awaitable[Result]], desk: Desk, *data: *Data) -> Result:
        """The job's result, or what it raised."""
        ...

    @property
    def room(self) -> int:
        """How many jobs are worked on at a time."""
        ...

    def stop(self, why: Exception) -> None:
        """Begin nothing more: who waits to have a job begun is told why."""
        ...

    async def close(self) -> None:
        """End what is still at work."""
        ...


class Here:
    """Does jobs in this process."""

    async def do(self, job: Callable[[Desk, *Data], Awaitable[Result]], desk: Desk, *data: *Data) -> Result:
        """See `Executor`."""
        return await job(desk, *data)

    @property
    def room(self) -> int:
        """See `Executor`."""
        return 1

    def stop(self, why: Exception) -> None:
        """Nothing waits here but for a teacher, who is told as well."""

    async def close(self) -> None:
        """Nothing is left."""


async def _apart(desk: Desk, function: Callable[[Part], Result], part: Part) -> Result:  # noqa: ARG001
    """The job of a part of the rows."""
    return function(part)


def mapping(executor: Executor, desk: Desk, loop: asyncio.Runner) -> Mapped:
    """Works on parts of the rows with all who do jobs; what one alone would do is done here.

    Args:
        loop: stands still before and afterwards.
    """

    def mapped(function: Callable[[Part], Result], parts: Sequence[Part]) -> Iterable[Result]:
        async def done(part: Part) -> Result:
            return await executor.do(_apart, desk, function, part)

        if len(parts) < 2 or executor.room < 2:
            # Outside of the loop: Ctrl-C ends it at once.
            return desk.workers.map(function, parts)
        return loop.run(in_pool(parts, done, executor.room, stop=executor.stop))

    return mapped
