"""What is asked about pairs and sections once the pairs are known, each thing a job of its own: other wordings of a
question or an answer, wordings for the test, other spellings of facts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from wukong_pipe.records import QAPair
from wukong_pipe.spilled import Listed
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


class WordingJobs(Listed[WordingJob]):
    """The jobs of a build, or those of one section: kind by kind, each made when it is asked for."""

    def __init__(
        self,
        trained: Sequence[QAPair],
        tested: Sequence[QAPair],
        questions: Callable[[str], tuple[str, ...]],
        spellings: Sequence[Spellings],
        settings: BuildSettings,
    ) -> None:
        """
        Args:
            tested: those of the pairs that get wordings for the test.
            questions: gives all questions that were kept of a section, by its id.
            spellings: what is filled with other spellings of facts.
        """
        self._kinds: list[tuple[Kind, Sequence[QAPair | Spellings]]] = [
            ("paraphrase", trained),
            ("answers", trained if settings.answer_variants else ()),
            ("heldout_wordings", tested),
            ("spellings", spellings),
        ]
        self._begins = [0, *accumulate(len(subjects) for _, subjects in self._kinds)]
        self._questions = questions

    def __len__(self) -> int:
        return self._begins[-1]

    def place_of(self, job: int) -> tuple[Kind, int]:
        """The kind of a job, by its place among all, and its place among those of its kind."""
        kind = bisect_right(self._begins, job) - 1
        return self._kinds[kind][0], job - self._begins[kind]

    def _at(self, place: int) -> WordingJob:
        kind, own = self.place_of(place)
        subject = dict(self._kinds)[kind][own]
        asks_section = kind in ("paraphrase", "heldout_wordings") and not isinstance(subject, Spellings)
        return WordingJob(kind, subject, self._questions(subject.section.id) if asks_section else ())
