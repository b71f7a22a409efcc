"""The records that travel through a build: Section → QAPair → Row, or Reject; and the tally of a stage."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from wukong_pipe.language.hashing import digest
from wukong_pipe.reasons import Lang as Lang
from wukong_pipe.reasons import Reason

Kind = Literal["base", "paraphrase", "reverse"]
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


@dataclass(frozen=True, slots=True)
class QAPair:
    """A question, its answer and the source's own words that carry it.

    {"question": "出云棍怎样获得？", "answer": "…", "evidence": ["| 出云棍 | … |"], "lines": [120, 120]}
    """

    section: Section
    question: str
    answer: str
    evidence: tuple[str, ...]
    lines: tuple[int, int]
    kind: Literal["base", "reverse"]
    teacher: str
    prompt: str
    call: str
    # Made once: all rows of the pair share them, and a dataset's ids would else take more room than its texts.
    id: str = field(init=False, repr=False, compare=False)
    fact_id: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", digest(self.section.id, self.question, self.answer))
        object.__setattr__(self, "fact_id", digest(self.section.id, *self.evidence))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of train.jsonl, val.jsonl or test.jsonl: every key, always the same type, no nulls."""

    instruction: str
    input: str
    output: str
    id: str
    pair_id: str
    fact_id: str
    section_id: str
    kind: Kind
    split: Split
    level: Level
    source: str
    heading_path: tuple[str, ...]
    lines: tuple[int, int]
    evidence: tuple[str, ...]
    lang: Lang
    teacher: str
    prompt: str
    call: str

    @staticmethod
    def of(pair: QAPair, question: str, kind: Kind, prompt: str, call: str) -> Row:
        """A training row that asks `pair`'s answer with `question`; `prompt` and `call` made this wording."""
        return Row(
            instruction=question,
            input="",
            output=pair.answer,
            id=digest(pair.id, question),
            pair_id=pair.id,
            fact_id=pair.fact_id,
            section_id=pair.section.id,
            kind=kind,
            split="train",
            level="",
            source=pair.section.source,
            heading_path=pair.section.heading_path,
            lines=pair.lines,
            evidence=pair.evidence,
            lang=pair.section.lang,
            teacher=pair.teacher,
            prompt=prompt,
            call=call,
        )

    def to_json(self) -> dict[str, Any]:
        # Not asdict, which copies every value deeply and so takes a tenth of a build's time.
        return {key: list(value) if isinstance(value := getattr(self, key), tuple) else value for key in _ROW}


_ROW = tuple(field.name for field in fields(Row))


@dataclass(frozen=True, slots=True)
class Reject:
    """A candidate, reply or row that is not in the dataset, and why.

    {"stage": "paraphrase", "code": "number-gone", "values": {"number": "42"}, "reason": "number 42 is gone",
     "candidate": {…}, "reply": "…", "lines": [12, 12]}
    """

    stage: Literal[
        "reply", "base_qa", "judge", "paraphrase", "answers", "surplus", "edit", "dedupe", "held_form", "audit"
    ]
    reason: Reason
    section: Section
    candidate: dict[str, Any] | Row = field(default_factory=dict)
    reply: str = ""
    """The teacher's words the candidate came in, for the stages that read replies."""
    call: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            **self.reason.to_json(),
            "reason": str(self.reason),
            "candidate": self.candidate.to_json() if isinstance(self.candidate, Row) else self.candidate,
            "reply": self.reply,
            "call": self.call,
            "source": self.section.source,
            "section_id": self.section.id,
            "heading_path": list(self.section.heading_path),
            "lines": [self.section.first_line, self.section.last_line],
        }


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
