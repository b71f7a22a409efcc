"""Pairs → verdicts: the verifier answers each question from the section, and judges what its answer does not bear out.

The pair “出云棍怎样获得？” “由石敢当掉落。” is supported where the verifier, who was shown the question alone, answers
“石敢当掉落”. Where it answers otherwise, one more call shows both answers unlabelled, and asks which is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from wukong_pipe.corpus.numbering import numbered
from wukong_pipe.language.hashing import digest
from wukong_pipe.language.sentences import sentence_spans
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Section
from wukong_pipe.teacher.quoting import about_line, fenced, tagged
from wukong_pipe.teacher.requests import Request
from wukong_pipe.verify.agreement import agrees
from wukong_pipe.verify.calls import STAGE, Heard, Said, Verifier, ask_of_each, in_batches, listed, of_all, reply_schema
from wukong_pipe.verify.verdicts import Verdict, rejected, supported

_TEXT: dict[str, Any] = {"type": "string"}
_UNITS: dict[str, Any] = {"type": "array", "items": {"type": "integer"}}
_CLAIM: dict[str, Any] = {
    "type": "object",
    "properties": {"claim": _TEXT, "evidence": _UNITS, "holds": {"enum": ["said", "contradicted", "not said"]}},
    "required": ["claim", "evidence", "holds"],
    "additionalProperties": False,
}
_CLAIMS: dict[str, Any] = {"type": "array", "items": _CLAIM, "minItems": 1}
_RIGHT: dict[str, Any] = {"enum": ["first", "second", "both", "neither"]}
SCHEMAS = {
    "verify_answers": reply_schema("answers", "question", evidence=_UNITS, answer={"type": "string", "minLength": 1}),
    "verify_disagreements": reply_schema("verdicts", "question", evidence=_UNITS, reason=_TEXT, right=_RIGHT),
    "verify_claims": reply_schema("verdicts", "question", claims=_CLAIMS, reason=_TEXT, right={"type": "boolean"}),
}
"""By prompt. Units and reasons stand before the verdict: a model that has written them down judges better."""


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """A question and the answer that a teacher gave: what is to be verified."""

    question: str
    answer: str
    kind: str = "base"

    @property
    def is_long(self) -> bool:
        """Whether it says so much that it is judged claim by claim."""
        sentences = sum(1 for _ in sentence_spans(self.answer))
        return self.kind in ("explain", "summary", "howto") or sentences > MOST_SENTENCES

    @property
    def shown(self) -> str:
        return f"{self.question}\n{tagged('answer', self.answer)}"


MOST_SENTENCES = 2
"""Sentences of an answer that can be compared as a whole."""


async def verify_answers(given: Sequence[GivenAnswer], section: Section, verifier: Verifier) -> list[Verdict]:
    """The verifier's verdicts on answers to questions about a section, in the order given."""
    reading, size = _Reading(given, section, verifier), verifier.batch_size
    shuffled = sorted(range(len(given)), key=lambda index: digest(section.id, given[index].question))
    short = [index for index in shuffled if not given[index].is_long]
    long = [index for index in shuffled if given[index].is_long]
    jobs = [partial(reading.compared, batch) for batch in in_batches(short, size)]
    jobs += [partial(reading.by_claims, batch) for batch in in_batches(long, size)]
    verdicts = await of_all(jobs)
    return [verdicts[index] for index in range(len(given))]


async def verify_reworded(question: str, answers: Sequence[str], section: Section, verifier: Verifier) -> list[Verdict]:
    """The verifier's verdicts on other wordings of an answer, in the order given.

    They are judged by their claims: to answer the question unseen, once for each of them, would say nothing new.
    """
    reading = _Reading([GivenAnswer(question, answer) for answer in answers], section, verifier)
    verdicts = await of_all(
        [partial(reading.by_claims, batch) for batch in in_batches(range(len(answers)), verifier.batch_size)]
    )
    return [verdicts[index] for index in range(len(answers))]


@dataclass(frozen=True, slots=True)
class _Reading:
    """Answers about one section before the verifier."""

    given: Sequence[GivenAnswer]
    section: Section
    verifier: Verifier

    async def compared(self, batch: Sequence[int]) -> dict[int, Verdict]:
        """Verdicts by blind answers, and by the judge where the two do not agree."""
        blind = await self._ask("verify_answers", batch, lambda index: self.given[index].question)
        rivals = {index: _Rivals.of(self.given[index], said.item["answer"]) for index, said in blind.said.items()}
        verdicts = {index: supported(blind.said[index].reply) for index, two in rivals.items() if two.agree}
        disagreeing = [index for index in batch if index in rivals and index not in verdicts]
        if disagreeing and blind.rest.is_settled:
            judged = await self._ask("verify_disagreements", disagreeing, lambda index: rivals[index].shown)
            found = {index: _judged(said, rivals[index].place) for index, said in judged.said.items()}
            verdicts |= judged.verdicts(disagreeing, found)
        return blind.verdicts(batch, verdicts)

    async def by_claims(self, batch: Sequence[int]) -> dict[int, Verdict]:
        """Verdicts on long answers, claim by claim."""
        heard = await self._ask("verify_claims", batch, lambda index: self.given[index].shown)
        return heard.verdicts(batch, {index: _claimed(said) for index, said in heard.said.items()})

    async def _ask(self, name: str, batch: Sequence[int], shown: Callable[[int], str]) -> Heard:
        """What the verifier says of each question, of which it is shown the section and `shown`."""
        prompt = self.verifier.prompts[name][self.section.lang]

        def request(part: Sequence[int]) -> Request:
            messages = prompt.messages(
                title=self.section.heading_path[0],
                about=about_line(self.verifier.about, self.section.lang),
                heading_path=self.section.title,
                section=fenced(numbered(self.section).text),
                questions=listed(map(shown, part)),
            )
            return Request(STAGE, prompt.name, messages, SCHEMAS[name], None, section=self.section)

        return await ask_of_each(batch, self.verifier.ask, request)


@dataclass(frozen=True, slots=True)
class _Rivals:
    """Two answers to one question; their hash decides which stands first, and nothing says which one was given."""

    question: str
    first: str
    second: str
    place: str
    """Where the given answer stands."""

    @property
    def agree(self) -> bool:
        return agrees(self.first, self.second, self.question)

    @staticmethod
    def of(given: GivenAnswer, blind: str) -> _Rivals:
        if digest(given.question, given.answer) < digest(given.question, blind):
            return _Rivals(given.question, given.answer, blind, "first")
        return _Rivals(given.question, blind, given.answer, "second")

    @property
    def shown(self) -> str:
        return f"{self.question}\n{tagged('first', self.first)}\n{tagged('second', self.second)}"


def _judged(said: Said, place: str) -> Verdict:
    """The verdict on the answer that stood first or second."""
    if said.item["right"] in (place, "both"):
        return supported(said.reply)
    return rejected(said.reply, Reason.of("verifier-denies", words=said.words))


_CLAIM_CODES = {"contradicted": "claim-contradicted", "not said": "claim-not-said"}


def _claimed(said: Said) -> Verdict:
    """The verdict on an answer that was judged claim by claim."""
    for claim in said.item["claims"]:
        if code := _CLAIM_CODES.get(claim["holds"]):
            return rejected(said.reply, Reason.of(code, claim=claim["claim"].strip(), words=said.words))
    if said.item["right"]:
        return supported(said.reply)
    return rejected(said.reply, Reason.of("verifier-denies", words=said.words))
