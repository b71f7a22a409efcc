"""How large each level of the test will be, said before wordings are bought; which are too small for a verdict.

{"sections": 27, "wording": {"sections": 24, "pairs": 233}, "question": {"sections": 6, "pairs": 8},
 "section": {"sections": 3, "pairs": 16}, "advised": 0.31}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from wukong_pipe.dataset.holdout import MIN_TRAINED
from wukong_pipe.dataset.holdout_plan import Plan, cluster, held_clusters, share_for
from wukong_pipe.language.plurals import counted
from wukong_pipe.records import QAPair

ENOUGH = 8
"""`eval` gives no verdict on questions about fewer sections. The pieces of a long section count as one."""


@dataclass(frozen=True, slots=True)
class LevelSize:
    """The pairs that a level asks about, and the sections that they are of: “233 pairs in 24 sections”."""

    sections: int
    pairs: int

    def __str__(self) -> str:
        return f"{counted(self.pairs, 'pair')} in {counted(self.sections, 'section')}"


@dataclass(frozen=True, slots=True)
class HoldoutSize:
    """What is held out of a corpus."""

    sections: int
    """All that have pairs."""
    wording: LevelSize
    question: LevelSize
    """At most, and about, where the pairs are not known yet."""
    section: LevelSize
    advised: float | None
    """The share that would hold out enough sections for a verdict, where this one does not; None if none would."""
    is_expected: bool = False
    """Whether the pairs are not known yet."""

    @property
    def lines(self) -> list[str]:
        """For the screen."""
        if not self.section.pairs + self.question.pairs + self.wording.pairs:
            return []
        held = (
            f"Held out: {self.section.sections} of {counted(self.sections, 'section')} "
            f"({counted(self.section.pairs, 'pair')}); of the others {'up to about ' if self.is_expected else ''}"
            f"{self.question}, and wordings of {self.wording}."
        )
        levels = {"wording": self.wording, "question": self.question, "section": self.section}
        few = [f"{name} ({size.sections})" for name, size in levels.items() if size.sections < ENOUGH]
        if not few:
            return [held]
        return [held, f"For a verdict eval needs {ENOUGH} sections; fewer have: {', '.join(few)}.{self._way}"]

    def to_json(self) -> dict[str, Any]:
        """As the manifest holds it, in which the pairs are known."""
        return {name: value for name, value in asdict(self).items() if name != "is_expected"}

    @property
    def _way(self) -> str:
        """How to hold out enough sections, where they are too few."""
        if self.section.sections >= ENOUGH:
            return ""
        if self.advised is None:
            return f" The corpus has too few sections to hold out {ENOUGH}."
        return f" With --holdout {self.advised:g} at least {ENOUGH} are held out whole."


def size_of(
    pairs: Iterable[QAPair], chosen: Plan, share: float, variants: int, tested: Sequence[QAPair] | None = None
) -> HoldoutSize:
    """What a plan of this share holds out of the pairs of a corpus.

    Args:
        variants: wordings asked for each trained pair.
        tested: the trained pairs that wordings are written of for the test alone; None where some of those that would
            be trained are held out.
    """
    levels: dict[str, Counter[str]] = {level: Counter() for level in ("", "question", "section")}
    for pair in pairs:
        levels[chosen.level(pair)][cluster(pair.section)] += 1
    names = set[str]().union(*levels.values())
    sizes = {level: LevelSize(len(by_cluster), by_cluster.total()) for level, by_cluster in levels.items()}
    if tested is None:
        wording = _drawn(sizes[""], share, variants)
    else:
        wording = LevelSize(len({cluster(pair.section) for pair in tested}), len(tested))
    return _size(names, wording, sizes["question"], sizes["section"])


def expected_size(pairs: Mapping[str, int], share: float, variants: int, tested: float | None = None) -> HoldoutSize:
    """What will be held out of a corpus whose pairs are not known yet.

    Args:
        pairs: how many are asked for, by cluster of sections.
        tested: the share of trained pairs that wordings are written of for the test alone; see `size_of`. Those of
            them that turn out to have no facts are not tested.
    """
    held = held_clusters(pairs, share)
    of_held = sum(pairs[name] for name in held)
    trained = LevelSize(len(pairs) - len(held), sum(pairs.values()) - of_held)
    whole = round(share * trained.pairs)
    question = LevelSize(min(whole, trained.sections), whole)
    rest = replace(trained, pairs=trained.pairs - whole)
    if tested is None:
        wording = _drawn(rest, share, variants)
    else:
        count = round(tested * rest.pairs)
        wording = LevelSize(min(rest.sections, count), count)
    size = _size(pairs.keys(), wording, question, LevelSize(len(held), of_held))
    return replace(size, is_expected=True)


def _drawn(trained: LevelSize, share: float, variants: int) -> LevelSize:
    """The pairs that give away a wording of those that would be trained."""
    # A pair that cannot keep so many rows gives none of them away.
    return trained if share and variants >= MIN_TRAINED else LevelSize(0, 0)


def _size(names: Collection[str], wording: LevelSize, question: LevelSize, section: LevelSize) -> HoldoutSize:
    advised = share_for(names, ENOUGH) if section.sections < ENOUGH else None
    return HoldoutSize(len(names), wording, question, section, advised)
