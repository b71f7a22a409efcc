"""What is held out whole, decided before wordings are bought: sections of which nothing is trained, and pairs whose
facts another pair trains.

Each is held out when the hash of its own id lies under the share. So the share of all pairs is met in expectation, and
nothing moves from one split to another when files come and go.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from wukong_pipe.dataset.facts import tells
from wukong_pipe.ids import IdIndex
from wukong_pipe.language.hashing import digest, fraction, number
from wukong_pipe.records import QAPair, Section
from wukong_pipe.spilled import picked

MOST = 0.5
"""The largest share that can be held out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Sections and pairs that no training row may come from."""

    sections: frozenset[str]
    pairs: frozenset[str]

    def level(self, pair: QAPair) -> str:
        if pair.section.id in self.sections:
            return "section"
        return "question" if pair.id in self.pairs else ""


NOTHING_HELD = Plan(frozenset(), frozenset())


def plan(pairs: Sequence[QAPair], share: float) -> Plan:
    """Choose the sections and pairs that are held out whole."""
    sizes, pieces = Counter[str](), defaultdict[str, set[str]](set)
    names, facts_of = array("Q"), array("Q")
    for pair in pairs:
        name = cluster(pair.section)
        sizes[name] += 1
        pieces[name].add(pair.section.id)
        names.append(number(name))
        facts_of.append(number(pair.fact_id))
    whole = held_clusters(sizes, share)
    sections = frozenset[str]().union(*(pieces[name] for name in whole))
    held = set(map(number, whole))
    free = array("Q", (at for at, name in enumerate(names) if name not in held))
    left, by_fact = picked(pairs, free), IdIndex(facts_of[at] for at in free)

    def facts() -> Iterator[Sequence[QAPair]]:
        return ([left[at] for at in places] for places in by_fact.groups())

    return Plan(sections, frozenset(_held_pairs(facts, share)))


def with_sections(whole: Plan, pairs: Iterable[QAPair], sections: Iterable[Section], share: float) -> Plan:
    """The plan with sections that a pair came into after it was made: each goes with the other pieces of its own, or,
    where nothing was asked of these, by its own hash; so nothing of a section is trained that is held out.

    Args:
        pairs: those that the plan was made of.
    """
    names = {section.id: cluster(section) for section in sections}
    if not names:
        return whole
    trained, held = set[str](), set[str]()
    for pair in pairs:
        (held if pair.section.id in whole.sections else trained).add(cluster(pair.section))
    more = {key for key, name in names.items() if name in held or (name not in trained and _of_section(name) < share)}
    return replace(whole, sections=whole.sections | more)


def may_be_held(pair: QAPair, share: float) -> bool:
    """Whether a pair's own hash lets it be held out of a trained section, where another pair tells its facts."""
    return _of_pair(pair) < share


def cluster(section: Section) -> str:
    """The id under which a section is held out: the pieces of a long one share it, because each tells what the others
    are about. `eval` takes their questions for one cluster, too."""
    return digest(section.source, *section.heading_path)


def held_clusters(sizes: Mapping[str, int], share: float) -> frozenset[str]:
    """The clusters that are held out.

    Where no hash lies under the share, the lowest one of those clusters is taken that leave at least as many pairs as
    they take: a newcomer takes its place only with a still lower hash. The only cluster of a corpus is trained, and
    where all lie under the share, the highest is.

    Args:
        sizes: the pairs of each cluster.
    """
    ranked = sorted(sizes, key=_of_section)
    held = [name for name in ranked if _of_section(name) < share]
    if share and not held:
        most = sum(sizes.values()) / 2
        held = [name for name in ranked if sizes[name] <= most][:1]
    return frozenset(held if len(held) < len(ranked) else held[:-1])


def share_for(names: Iterable[str], count: int) -> float | None:
    """The smallest share, in whole hundredths, that holds out so many of these clusters and trains as many; None where
    there is none."""
    ranked = sorted(map(_of_section, names))
    if len(ranked) < 2 * count:
        return None
    share = math.floor(100 * ranked[count - 1] + 1) / 100
    trained = sum(at >= share for at in ranked)
    return share if share <= MOST and trained >= count else None


def _of_section(name: str) -> float:
    return fraction("section", name)


def _held_pairs(facts: Callable[[], Iterable[Sequence[QAPair]]], share: float) -> set[str]:
    """The ids of the pairs that are held out of trained sections.

    Where no hash lies under the share, the lowest one of those that can be held out is taken.

    Args:
        facts: gives the pairs of each fact.
    """
    held = {name for pairs in facts() for name in _spared(pairs, share)}
    if share and not held:
        told = (pair for pairs in facts() for pair in pairs if _tellers(pair, pairs))
        lowest = min(told, key=_of_pair, default=None)
        held = {lowest.id} if lowest else set()
    return held


def _spared(pairs: Sequence[QAPair], share: float) -> set[str]:
    """The ids of a fact's pairs that are held out: of each, a trained pair tells the facts."""
    tellers: dict[str, set[str]] = {}
    for pair in sorted((pair for pair in pairs if _of_pair(pair) < share), key=_of_pair):
        with_it = tellers | {pair.id: _tellers(pair, pairs)}
        if all(names - with_it.keys() for names in with_it.values()):
            tellers = with_it
    return set(tellers)


def _tellers(pair: QAPair, pairs: Sequence[QAPair]) -> set[str]:
    """The ids of the other pairs that tell the facts of one."""
    return {other.id for other in pairs if other.id != pair.id and tells(other, pair)}


def _of_pair(pair: QAPair) -> float:
    return fraction("question", pair.id)
