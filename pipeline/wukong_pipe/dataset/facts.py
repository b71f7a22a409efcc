"""Which pairs of a section are about one fact: those whose evidence overlaps, directly or through a third pair's.

“由石敢当掉落，火属性。” is the evidence of two pairs, 由谁掉落？ and 是什么属性？: both get the fact_id "9d41…".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from wukong_pipe.language.fact_matching import found
from wukong_pipe.language.hashing import digest
from wukong_pipe.language.key_facts import key_facts
from wukong_pipe.records import QAPair


def with_fact_ids(pairs: Sequence[QAPair]) -> list[QAPair]:
    """All pairs of one section, in order, each with the id of its fact: a hash of the section and of where the fact's
    evidence begins."""
    spans = sorted(span for i, pair in enumerate(pairs) for span in _spans(pair, i))
    # The place of another pair of the same fact; of one pair of each fact its own place.
    joined = list(range(len(pairs)))

    def fact(i: int) -> int:
        while joined[i] != i:
            i = joined[i]
        return i

    reach = last = 0
    for begin, end, i in spans:
        if begin < reach:
            joined[fact(i)] = fact(last)
        reach, last = max(reach, end), i
    begins: dict[int, int] = {}
    for begin, _, i in reversed(spans):
        begins[fact(i)] = begin
    # A pair whose evidence stands nowhere in its section is alone with its fact.
    names = (str(begins.get(fact(i), pair.id)) for i, pair in enumerate(pairs))
    return [replace(pair, fact_id=digest(pair.section.id, name)) for pair, name in zip(pairs, names, strict=True)]


def fact_id_among(pair: QAPair, others: Iterable[QAPair]) -> str:
    """The id of the fact of a pair that comes in when those of its section have theirs: of the first one whose evidence
    overlaps with it, or one of its own."""
    for other in others:
        first, second = with_fact_ids([other, pair])
        if first.fact_id == second.fact_id:
            return other.fact_id
    return with_fact_ids([pair])[0].fact_id


def _spans(pair: QAPair, i: int) -> Iterator[tuple[int, int, int]]:
    """(begin, end, i) of each piece of a pair's evidence; below 0 in what the section continues, a table's head."""
    section = pair.section
    for words in pair.evidence:
        if place := section.place_of(words, pair.lines):
            yield *place, i
        elif (at := section.header.find(words)) >= 0:
            yield at - len(section.header), at - len(section.header) + len(words), i


def tells(other: QAPair, pair: QAPair) -> bool:
    """Whether who learns `other` has read in its question or answer what the answer of `pair` must state."""
    told = f"{other.question}\n{other.answer}"
    if not pair.facts:
        return key_facts(pair.answer).found_in(told)
    return all(found(pair.facts, told, pair.answer))
