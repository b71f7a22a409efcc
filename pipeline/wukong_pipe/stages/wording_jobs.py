"""What is asked about pairs and sections once the pairs are known, each thing a job of its own: other wordings of a
question or an answer, wordings for the test, other spellings of facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from wukong_pipe.records import QAPair
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.spellings import Spellings

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
