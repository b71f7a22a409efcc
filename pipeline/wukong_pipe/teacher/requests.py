"""What is asked of a teacher and what comes back: the tasks of the stages, `Request`, `Reply` and `Ask`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from wukong_pipe.reasons import Reason
from wukong_pipe.records import Section


@dataclass(frozen=True, slots=True)
class BaseQATask:
    """Ask `quota` pairs of a section, other than those whose questions it has."""

    section: Section
    quota: int
    covered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParaphraseTask:
    """Ask `count` other wordings of a question, other than those it has."""

    section: Section
    question: str
    count: int
    covered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerTask:
    """Ask `count` other wordings of the answer to a question, other than those it has."""

    section: Section
    question: str
    answer: str
    count: int
    covered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a teacher, as the build means it; how a server is spoken to is the teacher's business.

    `messages` and `schema` are what a language model gets and what the journal's key hashes. `task` is the
    same request as data, for the embedded teacher, which reads Markdown and not instructions.
    """

    stage: str
    """"base_qa", "paraphrase", "heldout_wordings", "answers", "spellings", "verify", "eval_judge", "eval_grade"."""
    prompt: str
    """Name, language and hash of the prompt file: base_qa.zh@1f0c5a2b."""
    messages: tuple[dict[str, str], ...]
    schema: dict[str, Any]
    """JSON Schema of the reply, an object."""
    task: BaseQATask | ParaphraseTask | AnswerTask | None
    """None for what templates cannot answer: a judgement, other words for a fact."""
    warmth: int = 0
    """How often this was asked before: the temperature rises with it, or a weak model says the same again."""
    last_call: str = ""
    """The journal's key of the attempt before this one; empty at the first."""
    section: Section | None = None
    """The section of the corpus that it is about: of a build's shards, that section's buys it. None where it is about
    none, as in the verifier's calibration."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one attempt."""

    call: str
    """The journal's key of the call; empty where none was answered."""
    value: dict[str, Any] | None
    """The reply as JSON, where it could be read and is an object holding the array asked for; else None."""
    problem: Reason | None
    """Why `value` is None; None where it is not."""
    raw: str
    """The teacher's own words, for rejected.jsonl."""
    is_cut: bool = False
    """Whether it ended at max_tokens: asked for less, the teacher might finish."""
    is_final: bool = False
    """Whether the provider refuses the request for good: asking it again is of no use."""
    is_new: bool = field(default=False, compare=False)
    """Whether it was bought now, and not read from the journal."""


class Ask(Protocol):
    """Attempt 0, 1 or 2 of a request: read from the journal if it is there, bought and journalled if not."""

    async def __call__(self, request: Request, attempt: int) -> Reply:
        """
        Raises:
            TeacherError: the teacher cannot be used at all.
            StoppedShort: the teacher failed too often, or a ceiling is reached; what was bought is kept.
            Interrupted: the user stopped the run.
        """
        ...


WARMER, WARMEST, USUAL_TEMPERATURE = 0.4, 1.2, 0.7
"""How much the temperature rises with each attempt, up to where; and what it counts as where the user set none."""


def temperature_at(warmth: int, temperature: float | None) -> float | None:
    """The temperature of a request that was asked `warmth` times before; None for the server's own.

    >>> [temperature_at(warmth, 0.2) for warmth in range(4)]
    [0.2, 0.6, 1.0, 1.2]
    """
    if not warmth:
        return temperature
    first = USUAL_TEMPERATURE if temperature is None else temperature
    return max(first, min(WARMEST, round(first + warmth * WARMER, 2)))


MOST_SHOWN = 40_000
"""Characters of a reply beside a reject; a whole one of the usual 8,192 tokens has as many."""


def excerpt(raw: str, most: int = MOST_SHOWN) -> str:
    """The beginning of a teacher's words; the journal has them whole."""
    return raw if len(raw) <= most else f"{raw[:most]}… ({len(raw)}{_CUT}"


def is_excerpt(text: str) -> bool:
    """Whether a text was cut by `excerpt`."""
    return text.endswith(_CUT)


_CUT = " characters, whole in the journal)"
