"""What is asked about pairs and sections once the pairs are known, each thing a job of its own: other wordings of a
question or an answer, wordings for the test, other spellings of facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from wukong_pipe.records import QAPair
from wukong_pipe.stages.answers import ask_answers
from wukong_pipe.stages.heldout_wordings import ask_heldout_wordings
from wukong_pipe.stages.paraphrase import ask_paraphrases
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.spellings import Spellings, ask_spellings
from wukong_pipe.stages.verification import Verification
from wukong_pipe.stages.workers import HERE, Workers
from wukong_pipe.teacher.attempts import Attempts
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.requests import Ask
from wukong_pipe.verify.calls import Prompts

Kind = Literal["paraphrase", "answers", "heldout_wordings", "spellings"]


@dataclass(frozen=True, slots=True)
class WordingJob:
    """One thing to ask for.

    WordingJob("paraphrase", QAPair("出云棍怎样获得？", …), others=("出云棍怎样获得？", "出云棍是什么属性？", …))
    """

    kind: Kind
    subject: QAPair | Spellings
    others: tuple[str, ...] = ()
    """All questions that were kept of the pair's section: what a wording might ask in its place."""

    @property
    def name(self) -> tuple[Kind, str]:
        """Two jobs of one name ask a teacher the same."""
        return self.kind, self.subject.allowance if isinstance(self.subject, Spellings) else self.subject.id

    def is_same(self, other: WordingJob) -> bool:
        """Whether both bring the same: a pair may stand a second time in its document, on other lines."""
        if isinstance(self.subject, Spellings) and isinstance(other.subject, Spellings):
            # What was asked already is filled.
            return (self.subject.facts, self.subject.others) == (other.subject.facts, other.subject.others)
        return self == other


def wording_jobs(
    trained: Sequence[QAPair],
    tested: Iterable[QAPair],
    questions: Mapping[str, tuple[str, ...]],
    spellings: Iterable[Spellings],
    settings: BuildSettings,
) -> Iterator[WordingJob]:
    """All jobs of a build, or those of one section.

    Args:
        tested: those of the pairs that get wordings for the test.
        questions: section id → all questions that were kept of it.
        spellings: what is filled with other spellings of facts.
    """
    for pair in trained:
        yield WordingJob("paraphrase", pair, questions[pair.section.id])
    for pair in trained if settings.answer_variants else ():
        yield WordingJob("answers", pair)
    for pair in tested:
        yield WordingJob("heldout_wordings", pair, questions[pair.section.id])
    for part in spellings:
        yield WordingJob("spellings", part)


@dataclass(frozen=True, slots=True)
class WordingStages:
    """How each kind of job is asked."""

    ask: Ask
    attempts: Attempts
    settings: BuildSettings
    prompts: Prompts
    verification: Verification
    workers: Workers = HERE

    async def run(self, job: WordingJob) -> Harvest[Any, Any]:
        """What a job brings; it depends on the job and its own earlier replies alone."""
        ask, attempts, about = self.ask, self.attempts, self.settings.about
        prompts, subject = self.prompts[job.kind], job.subject
        if isinstance(subject, Spellings):
            await ask_spellings(subject, self.settings.spellings, ask, prompts, attempts, about)
            return subject
        if job.kind == "answers":
            wanted = self.settings.answer_variants
            return await ask_answers(subject, wanted, ask, prompts, attempts, about, self.verification, self.workers)
        if job.kind == "paraphrase":
            stage, wanted = ask_paraphrases, self.settings.variants
        else:
            stage, wanted = ask_heldout_wordings, self.settings.heldout_wordings
        return await stage(
            subject, wanted, ask, prompts, attempts, about, self.verification, job.others, workers=self.workers
        )
