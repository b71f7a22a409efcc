"""The records that travel through a build: Section → QAPair → Row, or Reject; and the tally of a stage."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from wukong_pipe.ids import IdIndex
from wukong_pipe.language.fact_matching import Facts as Facts
from wukong_pipe.language.hashing import digest, number
from wukong_pipe.reasons import Lang as Lang
from wukong_pipe.reasons import Reason

Kind = Literal["base", "reverse", "explain", "howto", "summary"]
"""What a pair asks for: a fact, the thing that a fact is told of, an explanation, how something is done, a summary."""
Variant = Literal["base", "paraphrase"]
Verified = Literal["yes", "unasked", "unanswered"]
Stage = Literal[
    "reply",
    "base_qa",
    "verify",
    "paraphrase",
    "heldout_wordings",
    "answers",
    "spellings",
    "surplus",
    "edit",
    "dedupe",
    "held_form",
    "audit",
]
"""Where a candidate or row was rejected."""
Split = Literal["train", "validation", "test"]
Level = Literal["", "wording", "question", "section"]

FILES: dict[Split, str] = {"train": "train.jsonl", "validation": "val.jsonl", "test": "test.jsonl"}
"""The file of each split in dataset/."""

_NEWLINE = re.compile(r"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Section:
    """A slice of a source under one heading; all slices of a source re-join to it exactly.

    {"source": "blackwukong.md", "heading_path": ["黑神话：悟空", "武器"], "first_line": 120, "text": "## 武器\\n…"}
    """

    source: str
    heading_path: tuple[str, ...]
    first_line: int
    """1-based line of `text`'s first character in the source."""
    text: str
    lang: Lang = "zh"
    header: str = ""
    """What `text` continues and cannot be read without: the head of a table that was cut, the opening line of a
    fence or an admonition."""
    id: str = field(init=False, repr=False, compare=False)
    """Hash of where the section stands and what it says: an edited section is another section."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", digest(self.source, *self.heading_path, self.header + self.text))

    @property
    def title(self) -> str:
        return " › ".join(self.heading_path)

    @property
    def last_line(self) -> int:
        return self.lines_of(0, len(self.text.rstrip()))[1]

    def lines_of(self, start: int, end: int) -> tuple[int, int]:
        """1-based, inclusive source lines of `text[start:end]`."""
        first = self.first_line + len(_NEWLINE.findall(self.text, 0, start))
        return first, first + len(_NEWLINE.findall(self.text, start, max(start, end - 1)))

    def place_of(self, words: str, lines: Sequence[int]) -> tuple[int, int] | None:
        """Where `words` stand in the text: of several places the first within these lines; None where there is none."""
        at = self.text.find(words) if words else -1
        while at >= 0:
            first, last = self.lines_of(at, at + len(words))
            if lines[0] <= first and last <= lines[1]:
                return at, at + len(words)
            at = self.text.find(words, at + 1)
        return None


@dataclass(frozen=True, slots=True)
class QAPair:
    """A question, its answer and the source's own words that carry it.

    {"question": "出云棍怎样获得？", "answer": "…", "evidence": ["| 出云棍 | … |"], "lines": [120, 120],
     "facts": [["石敢当"]], "verified": "yes"}
    """

    section: Section
    question: str
    answer: str
    evidence: tuple[str, ...]
    lines: tuple[int, int]
    kind: Kind
    teacher: str
    prompt: str
    call: str
    facts: Facts = ()
    verified: Verified = "unasked"
    fact_id: str = field(default="", repr=False, compare=False)
    """Shared by the pairs of a section whose evidence overlaps; "" until all of them are known: see `with_fact_ids`."""
    # Made once: all rows of the pair share it, and a dataset's ids would else take more room than its texts.
    id: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", digest(self.section.id, self.question, self.answer))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of train.jsonl, val.jsonl or test.jsonl: all rows have the same keys of the same types, no nulls."""

    instruction: str
    input: str
    output: str
    id: str
    pair_id: str
    fact_id: str
    section_id: str
    kind: Kind
    """The pair's."""
    variant: Variant
    split: Split
    level: Level
    source: str
    heading_path: tuple[str, ...]
    lines: tuple[int, int]
    evidence: tuple[str, ...]
    facts: Facts
    verified: Verified
    lang: Lang
    teacher: str
    prompt: str
    call: str
    pages: tuple[int, ...] | None = None
    """Of the converted document, that the evidence stands on; none of what has no pages. None where no source of the
    dataset has any: then no row has this key."""

    @staticmethod
    def of(
        pair: QAPair, question: str, variant: Variant, prompt: str, call: str, verified: Verified = "unasked"
    ) -> Row:
        """A training row that asks `pair`'s answer with `question`; `prompt` and `call` made this wording."""
        return Row(
            instruction=question,
            input="",
            output=pair.answer,
            id=digest(pair.id, question),
            pair_id=pair.id,
            fact_id=pair.fact_id,
            section_id=pair.section.id,
            kind=pair.kind,
            variant=variant,
            split="train",
            level="",
            source=pair.section.source,
            heading_path=pair.section.heading_path,
            lines=pair.lines,
            evidence=pair.evidence,
            facts=pair.facts,
            verified=verified,
            lang=pair.section.lang,
            teacher=pair.teacher,
            prompt=prompt,
            call=call,
        )

    @property
    def is_paraphrase(self) -> bool:
        """Whether it asks in other words than its pair."""
        return self.variant == "paraphrase"

    def to_json(self) -> dict[str, Any]:
        # Not asdict, which copies every value deeply and so takes a tenth of a build's time.
        return {key: _listed(value) for key in _ROW if (value := getattr(self, key)) is not None}


def _listed(value: Any) -> Any:
    """A value with lists in the place of its tuples, as JSON has them."""
    return [_listed(entry) for entry in value] if isinstance(value, tuple) else value


_ROW = tuple(field.name for field in fields(Row))


@dataclass(frozen=True, slots=True)
class Reject:
    """A candidate, reply or row that is not in the dataset, and why.

    {"id": "5c1e…", "stage": "paraphrase", "code": "number-gone", "values": {"number": "42"},
     "reason": "number 42 is gone", "candidate": {…}, "reply": "…", "lines": [12, 12]}
    """

    stage: Stage
    reason: Reason
    section: Section
    candidate: dict[str, Any] | Row = field(default_factory=dict)
    reply: str = ""
    """The teacher's words the candidate came in, for the stages that read replies."""
    call: str = ""
    place: str = ""
    """What was asked about and the item's number in the reply, or the row's id: with `call` it makes the id."""
    doubt: Reason | None = None
    """What the free checks doubted, where the verifier then decided."""
    id: str = ""
    """Given once all rejects of a build are known: see `with_ids`."""

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "stage": self.stage,
            **self.reason.to_json(),
            "reason": str(self.reason),
            "doubt": str(self.doubt or ""),
            "candidate": self.candidate.to_json() if isinstance(self.candidate, Row) else self.candidate,
            "reply": self.reply,
            "call": self.call,
            "source": self.section.source,
            "section_id": self.section.id,
            "heading_path": list(self.section.heading_path),
            "lines": [self.section.first_line, self.section.last_line],
        }


def with_ids(rejects: Sequence[Reject]) -> Iterator[Reject]:
    """The rejects, each with its id: a hash of its call and place, so that a rebuild gives it the same one.

    A passage that stands several times in a document brings the same reply at the same place several times: these are
    told apart by their order.
    """
    firsts = IdIndex(number(reject.call, reject.place) for reject in rejects).firsts()
    repeated = Counter[int]()
    for at, (reject, first) in enumerate(zip(rejects, firsts, strict=True)):
        if at != first:
            repeated[first] += 1
        yield replace(reject, id=digest(reject.call, reject.place, str(repeated[first])))


@dataclass(slots=True)
class Tally:
    """Candidates of a stage: asked = received + short, received = kept + rejected."""

    asked: int = 0
    received: int = 0
    short: int = 0
    kept: int = 0
    rejected: int = 0

    def add(self, other: Tally) -> None:
        self.asked += other.asked
        self.received += other.received
        self.short += other.short
        self.kept += other.kept
        self.rejected += other.rejected

    def to_json(self) -> dict[str, int]:
        """The counts, after checking that nothing vanished."""
        assert self.asked == self.received + self.short, self
        assert self.received == self.kept + self.rejected, self
        return {
            "asked": self.asked,
            "received": self.received,
            "short": self.short,
            "kept": self.kept,
            "rejected": self.rejected,
        }
