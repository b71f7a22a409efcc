"""`Harvest`: what asking a teacher for one thing has brought so far, and what is still missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from wukong_pipe.records import QAPair, Reject, Section, Tally

Subject = TypeVar("Subject", Section, QAPair)
Item = TypeVar("Item")


@dataclass(slots=True)
class Harvest(Generic[Subject, Item]):
    """What asking for the pairs of a section, or for the wordings, answers or verdict of a pair, has brought so far.

    Harvest(QAPair("出云棍怎样获得？", …), "3f2a…", wanted=14, kept=[Row("怎么拿到出云棍？", …), …], rejects=[…])
    """

    subject: Subject
    """What the teacher is asked about."""
    allowance: str
    """The name under which the journal keeps how much more --reask allowed."""
    wanted: int
    """How many items are wanted in all."""
    kept: list[Item] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    is_refused: bool = False
    """Whether to ask again is of no use, unless the user wants it."""
    is_bought: bool = False
    """Whether a reply was bought in this build."""
    is_settled: bool = True
    """Whether the verifier answered all it was asked: what it did not is asked first by the next build."""
    at_once: int | None = None
    """Items that one reply can hold, where a reply was cut."""
    mended: int = 0
    """Candidates whose evidence is another unit than the teacher cited."""
    names: list[str] = field(default_factory=list)
    """All ids by which --reask may name it."""

    def __post_init__(self) -> None:
        self.names.append(self.subject.id)

    @property
    def section(self) -> Section:
        return self.subject if isinstance(self.subject, Section) else self.subject.section

    @property
    def share(self) -> float:
        """How much of what is wanted is kept; 1.0 where nothing is missing."""
        return len(self.kept) / self.wanted if self.wanted else 1.0

    @property
    def missing(self) -> int:
        """How many items the next request asks for."""
        missing = self.wanted - len(self.kept)
        return missing if self.at_once is None else min(missing, self.at_once)
