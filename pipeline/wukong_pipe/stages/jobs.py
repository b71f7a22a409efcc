"""The jobs of a build that ask: each is about one section or one pair, and may be done on another machine.

A job is a plain function of a `Desk` and of data that can be sent: `wordings_of(desk, pair, others)` brings the other
wordings of one question. `Executor` does jobs; `Here` does them in this process.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, TypeVarTuple

from wukong_pipe.records import Lang, QAPair, Section
from wukong_pipe.stages.answers import AnswerWordings, ask_answers
from wukong_pipe.stages.base_qa import Pairs, ask_base_qa
from wukong_pipe.stages.heldout_wordings import ask_heldout_wordings
from wukong_pipe.stages.paraphrase import Wordings, ask_paraphrases
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.spellings import Spellings, ask_spellings
from wukong_pipe.stages.verification import NO_VERIFICATION, Verification
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.prompt_files import Prompt
from wukong_pipe.teacher.requests import Ask

Prompts = Mapping[str, Mapping[Lang, Prompt]]
"""The prompts by stage and language, of the stages that are wanted."""


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


async def pairs_of(desk: Desk, section: Section, wanted: int) -> Pairs:
    """So many pairs of a section."""
    prompts, about = desk.prompts["base_qa"], desk.settings.about
    return await ask_base_qa(section, wanted, desk.ask, desk.model, prompts, desk.attempts, about, desk.verification)


async def wordings_of(desk: Desk, pair: QAPair, others: Sequence[str]) -> Wordings:
    """Other wordings of a pair's question.

    Args:
        others: all questions of the pair's section.
    """
    prompts, settings = desk.prompts["paraphrase"], desk.settings
    return await ask_paraphrases(
        pair, settings.variants, desk.ask, prompts, desk.attempts, settings.about, desk.verification, others
    )


async def test_wordings_of(desk: Desk, pair: QAPair, others: Sequence[str]) -> Wordings:
    """The same, for the test."""
    prompts, settings = desk.prompts["heldout_wordings"], desk.settings
    return await ask_heldout_wordings(
        pair, settings.heldout_wordings, desk.ask, prompts, desk.attempts, settings.about, desk.verification, others
    )


async def answers_of(desk: Desk, pair: QAPair) -> AnswerWordings:
    """Other wordings of a pair's answer."""
    prompts, settings = desk.prompts["answers"], desk.settings
    return await ask_answers(
        pair, settings.answer_variants, desk.ask, prompts, desk.attempts, settings.about, desk.verification
    )


async def spellings_of(desk: Desk, part: Spellings) -> Spellings:
    """The harvest, filled with other spellings of its facts."""
    prompts, settings = desk.prompts["spellings"], desk.settings
    await ask_spellings(part, settings.spellings, desk.ask, prompts, desk.attempts, settings.about)
    return part


Data = TypeVarTuple("Data")
Result = TypeVar("Result")


class Executor(Protocol):
    """Does jobs, somewhere."""

    async def do(self, job: Callable[[Desk, *Data], Awaitable[Result]], desk: Desk, *data: *Data) -> Result:
        """The job's result, or what it raised."""
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

    def stop(self, why: Exception) -> None:
        """Nothing waits here but for a teacher, who is told as well."""

    async def close(self) -> None:
        """Nothing is left."""
