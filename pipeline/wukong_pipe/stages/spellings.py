"""Kept pairs → other spellings of their facts, of which one must stand in a right answer.

The fact “逗号分隔” of the pair “NO_PROXY 怎样写？” “写成逗号分隔的列表。” brings {"fact": 1, "words": "逗号分隔",
"spellings": ["用逗号隔开"]}; all rows of the pair then carry "facts": [["逗号分隔", "用逗号隔开"]]. They are asked for
before any student answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

from wukong_pipe.checks.spellings import NamedFact, check_spelling, may_be_spelt_otherwise
from wukong_pipe.language.derived_facts import EDGES
from wukong_pipe.language.hashing import digest
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Lang, QAPair, Reject, Row, Section
from wukong_pipe.schema import check_item
from wukong_pipe.spilled import ById
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.filling import LEAST_SHOWN, Decided, Refused, replies, take
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.prompt_files import Prompt
from wukong_pipe.teacher.quoting import about_line, fenced, tagged
from wukong_pipe.teacher.requests import Ask, Reply, Request, excerpt

MOST_SPELLINGS = 8
"""Other spellings of one fact."""
MOST_FACTS = 40
"""Facts in one call: more make a reply that does not fit its max_tokens."""
ITEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "fact": {"type": "integer"},
        "words": {"type": "string"},
        "spellings": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["fact", "words", "spellings"],
}
"""What is demanded of an item: a list that is too long loses its end, and no more. The fact's own words stand before
its spellings: a weak model that has only a number writes down those of another fact."""


@dataclass(frozen=True, slots=True)
class Spelt:
    """A fact that the teacher spoke of, its other spellings, which may be none, and how many were refused."""

    fact: NamedFact
    spellings: tuple[str, ...]
    refused: int


@dataclass(slots=True)
class Spellings(Harvest[Section, Spelt]):
    """The other spellings of facts of one section, up to `MOST_FACTS` of them."""

    facts: tuple[NamedFact, ...] = ()
    others: tuple[str, ...] = ()
    """All facts of the section, as they were first spelt."""

    @property
    def waiting(self) -> list[NamedFact]:
        """The facts that the next request asks about."""
        told = {spelt.fact for spelt in self.kept}
        return [fact for fact in self.facts if fact not in told][: self.missing]


def spellings_wanted(section: Section, pairs: Iterable[QAPair]) -> list[Spellings]:
    """What is to be asked about the kept pairs of a section, a harvest a call; nothing where no fact has another
    spelling."""
    named = {(pair.id, fact[0]): NamedFact(pair, fact[0]) for pair in pairs for fact in pair.facts}
    others = tuple(dict.fromkeys(fact.words for fact in named.values()))
    facts = tuple(filter(may_be_spelt_otherwise, named.values()))
    parts = [facts[start : start + MOST_FACTS] for start in range(0, len(facts), MOST_FACTS)]
    return [
        Spellings(section, f"{section.id}/spellings/{number}", len(part), facts=part, others=others)
        for number, part in enumerate(parts)
    ]


def request(facts: Sequence[NamedFact], most: int, prompts: Mapping[Lang, Prompt], about: str = "") -> Request:
    """The request for at most so many other spellings of each of these facts of one section."""
    section = facts[0].pair.section
    prompt = prompts[section.lang]
    return Request(
        stage="spellings",
        prompt=prompt.name,
        messages=prompt.messages(
            title=section.heading_path[0],
            about=about_line(about, section.lang),
            heading_path=section.title,
            facts=_shown(facts),
            count=str(most),
        ),
        schema=_schema(len(facts), most),
        task=None,
        section=section,
    )


def _shown(facts: Sequence[NamedFact]) -> str:
    """Each pair with its facts, which are numbered through.

    - 出云棍由谁掉落？
      <answer>由石敢当掉落。</answer>
      [1] 石敢当
    """
    lines = []
    for pair, its in groupby(enumerate(facts, 1), key=lambda numbered: numbered[1].pair):
        lines += [f"- {fenced(pair.question)}", f"  {tagged('answer', pair.answer)}"]
        lines += [f"  [{number}] {fenced(' '.join(fact.words.split()))}" for number, fact in its]
    return "\n".join(lines)


def _schema(facts: int, most: int) -> dict[str, Any]:
    """The JSON Schema of a reply that speaks of so many facts: a weak model would stop after the first."""
    properties = ITEM_SCHEMA["properties"]
    spellings = {**properties["spellings"], "maxItems": most}
    item = {**ITEM_SCHEMA, "properties": {**properties, "spellings": spellings}, "additionalProperties": False}
    array = {"type": "array", "items": item, "minItems": facts, "maxItems": facts}
    return {"type": "object", "properties": {"facts": array}, "required": ["facts"], "additionalProperties": False}


async def ask_spellings(
    spellings: Spellings,
    most: int,
    ask: Ask,
    prompts: Mapping[Lang, Prompt],
    attempts: Attempts = USUAL,
    about: str = "",
) -> None:
    """Ask about facts of a section until the teacher has spoken of enough of them or the attempts are used up.

    Depends on the section's kept pairs and its own earlier replies alone.
    """

    def more() -> Request:
        return request(spellings.waiting, most, prompts, about)

    async for _, reply in replies(spellings, ask, more, attempts):
        asked = spellings.waiting
        await take(spellings, reply, "spellings", "facts", partial(_judged, spellings, asked, reply, most), {})
        if reply.is_cut:
            # The same request would be cut, and paid for, again.
            spellings.at_once = (len(asked) + 1) // 2


async def _judged(
    spellings: Spellings, asked: Sequence[NamedFact], reply: Reply, most: int, items: Sequence[Any]
) -> Decided[Spelt]:
    """The spellings in each item; what is refused of them goes among the rejects one by one."""
    waiting = dict(enumerate(asked, 1))

    def one(item: Any) -> Spelt | Refused:
        if problem := check_item(item, ITEM_SCHEMA):
            return Refused(Reason.of("schema", reason=problem))
        number, words = int(item["fact"]), item["words"].strip()
        fact = waiting.get(number)
        if fact is None or normalise(words) != normalise(fact.words):
            return Refused(Reason.of("fact-not-asked-about", number=number, words=excerpt(words, LEAST_SHOWN)))
        del waiting[number]
        kept: list[str] = []
        refused = 0
        for place, text in enumerate(item["spellings"]):
            spelling = " ".join(text.split()).strip(EDGES)
            if place == most:
                # One reject tells of all the others: a reply may hold thousands.
                more = len(item["spellings"]) - most
                surplus = Reason.of("surplus-spellings", count=more, most=most)
                spellings.rejects.append(_reject(text, surplus, fact, reply, place))
                refused += more
                break
            if reason := check_spelling(spelling, fact, (fact.words, *kept), spellings.others):
                spellings.rejects.append(_reject(text, reason, fact, reply, place))
                refused += 1
            else:
                kept.append(spelling)
        return Spelt(fact, tuple(kept), refused)

    return Decided([one(item) for item in items])


def _reject(spelling: str, reason: Reason, fact: NamedFact, reply: Reply, number: int) -> Reject:
    pair, most = fact.pair, LEAST_SHOWN
    if words := dict(reason.values).get("words"):
        reason = reason.with_value("words", excerpt(str(words), most))
    candidate = {"question": pair.question, "fact": fact.words, "spelling": excerpt(spelling, most)}
    place = f"{pair.id}/{fact.words}/{number}"
    return Reject("spellings", reason, pair.section, candidate, excerpt(reply.raw, most), reply.call, place)


def with_spellings(rows: Iterable[Row], spellings: Sequence[Spellings]) -> Iterator[Row]:
    """The rows, each fact with its other spellings behind its first one.

    Args:
        rows: those of a pair one after the other.
    """
    if not spellings:
        yield from rows
        return
    parts = ById(spellings, lambda part: part.subject.id)
    for section_id, its in groupby(rows, key=lambda row: row.section_id):
        found = {
            (spelt.fact.pair.id, spelt.fact.words): spelt.spellings
            for part in parts.of(section_id)
            for spelt in part.kept
            if spelt.spellings
        }
        for row in its:
            facts = tuple((*fact, *found.get((row.pair_id, fact[0]), ())) for fact in row.facts)
            yield replace(row, facts=facts) if found else row


def facts_hash(rows: Iterable[Row]) -> str:
    """A hash of all facts of the test rows in all spellings: what the score looks for."""
    return digest(*sorted(f"{row.id}{row.facts}" for row in rows if row.split == "test"))
