"""Hold-out: which wordings of trained pairs are for testing and validation; what must not be trained because of them.

The row {"instruction": "怎么才能拿到出云棍？", "split": "train", "level": ""} becomes {…, "split": "test",
"level": "wording"}.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress, count
from typing import get_args

from wukong_pipe.dataset.holdout_plan import Plan
from wukong_pipe.dataset.leak_audit import Dropped, audit, likeness
from wukong_pipe.dataset.parts import Mapped
from wukong_pipe.ids import IdIndex
from wukong_pipe.language.hashing import fraction, number
from wukong_pipe.language.similarity import TAU
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Level, Row, Split
from wukong_pipe.spilled import Listed, made, picked

MIN_TRAINED = 3
"""A pair gives a wording away only if it keeps this many trained rows whose similarity to that wording is below τ."""
MIN_FORM_USES = 5
"""A question form is held out as a whole only where at least this many pairs use it."""
VALIDATED = 1 / 4
"""The share of trained pairs that give one wording to validation."""


@dataclass(frozen=True, slots=True)
class Holdout:
    """The rows with their splits, what was dropped and why, and the highest similarity between train and the rest."""

    rows: Sequence[Row]
    dropped: Sequence[Dropped]
    """Dropped by the audit: too close to a held-out question."""
    highest_similarity: float
    of_held_forms: Sequence[Dropped] = ()
    """Dropped because their template is held out as a whole."""
    untrained: Sequence[Row] = ()
    """Other wordings, held out, of pairs of which nothing is trained: the level `wording` does not ask about these."""


def hold_out(
    rows: Sequence[Row],
    chosen: Plan,
    share: float,
    names: frozenset[str],
    form_of: Callable[[str], str],
    settled: Collection[str] = frozenset(),
    mapped: Mapped = map,
) -> Holdout:
    """Give every row its split and level, and drop training rows that are too close to a held-out question.

    A row comes in as `split="train", level=""`; a wording that is held out goes out as `split="test",
    level="wording"`. What was written for test or validation comes in as that, and stays so.

    Args:
        rows: deduplicated; of the rows of a pair, the base row first. They are read several times, and never held.
        chosen: the sections and pairs held out whole.
        share: the share of wordings that is held out: each whose own hash lies under it, and at least one of each
            pair that can spare one; 0 where wordings were written for the test.
        names: terms of the whole corpus that make two questions different.
        form_of: the template a question was made with, "" where it was written freely. Forms are held out whole:
            a wording whose pattern is trained with other facts is an easier test than one of a new pattern.
        settled: ids of rows that no wording is drawn from, so that they change no other row's split.
        mapped: see `audit`.
    """
    placed = _Placed(rows, chosen, settled)
    forms = _held_forms(picked(placed, placed.free), share, form_of) if share else frozenset[str]()
    if share:
        _hold_validation(placed, _after_wordings(placed, share, forms, form_of))
    # A pair that could not spare its wording of a held-out form must not train it either.
    unspared = array("Q", _of_tested_forms(placed, forms, form_of) if forms else ())
    left = bytearray(b"\x01") * len(rows)
    for i in unspared:
        left[i] = 0
    spared = array("Q", compress(count(), left))
    audited = audit(picked(placed, spared), names, mapped)
    trained = IdIndex(placed.pairs[spared[at]] for at in audited.places if placed.is_trained(spared[at]))
    untrained = array("Q", (i for i in spared if placed.is_wording(i) and placed.pairs[i] not in trained))
    if untrained:
        # What was dropped for their sake is trained: again, so that nothing is lost for a question that nobody asks.
        for i in untrained:
            left[i] = 0
        audited = audit(picked(placed, array("Q", compress(count(), left))), names, mapped)
    of_held_forms = made(len(unspared), lambda i: Dropped(placed[unspared[i]], "", 0.0, Reason.of("held-form")))
    return Holdout(audited.rows, audited.dropped, audited.highest_similarity, of_held_forms, picked(placed, untrained))


Family = dict[int, Row]
"""The free rows of a pair by their places, in order."""
_SPLITS: tuple[Split, ...] = get_args(Split)
_LEVELS: tuple[Level, ...] = get_args(Level)


class _Placed(Listed[Row]):
    """Rows with the split and level that each has by now, and in memory what tells which rows to read."""

    def __init__(self, rows: Sequence[Row], chosen: Plan, settled: Collection[str]) -> None:
        self._rows = rows
        self._splits, self._levels = bytearray(), bytearray()
        self.pairs = array("Q")
        """A hash of the pair of each."""
        self.free = array("Q")
        """The places of those that may be held out."""
        for place, row in enumerate(rows):
            whole = _whole(row, chosen)
            self._splits.append(_SPLITS.index(whole.split))
            self._levels.append(_LEVELS.index(whole.level))
            self.pairs.append(number(row.pair_id))
            if whole.split == "train" and row.id not in settled:
                self.free.append(place)

    def __len__(self) -> int:
        return len(self._rows)

    def _at(self, place: int) -> Row:
        row, split, level = self._rows[place], _SPLITS[self._splits[place]], _LEVELS[self._levels[place]]
        return row if (row.split, row.level) == (split, level) else replace(row, split=split, level=level)

    def families(self) -> Iterator[Family]:
        """The free rows, pair by pair."""
        for group in IdIndex(self.pairs[place] for place in self.free).groups():
            yield {self.free[at]: self[self.free[at]] for at in group}

    def is_trained(self, place: int) -> bool:
        return _SPLITS[self._splits[place]] == "train"

    def is_wording(self, place: int) -> bool:
        """Whether it is held out of a pair that is trained."""
        return _SPLITS[self._splits[place]] == "validation" or _LEVELS[self._levels[place]] == "wording"

    def move(self, place: int, family: Family, split: Split, level: Level) -> None:
        """Put a row of a family elsewhere."""
        self._splits[place], self._levels[place] = _SPLITS.index(split), _LEVELS.index(level)
        family[place] = self[place]


def _after_wordings(
    placed: _Placed, share: float, forms: frozenset[str], form_of: Callable[[str], str]
) -> Iterator[Family]:
    """The free rows of each pair, once wordings of it are held out."""
    for family in placed.families():
        _hold_wordings(placed, family, share, forms, form_of)
        yield family


def _of_tested_forms(placed: _Placed, forms: frozenset[str], form_of: Callable[[str], str]) -> Iterator[int]:
    """The places of the training rows whose form is tested."""
    held = (placed[i] for i in range(len(placed)) if not placed.is_trained(i))
    tested = {form_of(row.instruction) for row in held if row.is_paraphrase} & forms
    if tested:
        trained = (i for i in range(len(placed)) if placed.is_trained(i))
        yield from (i for i in trained if form_of(placed[i].instruction) in tested)


def _whole(row: Row, chosen: Plan) -> Row:
    if row.section_id in chosen.sections:
        return replace(row, split="test", level="section")
    if row.pair_id in chosen.pairs:
        return replace(row, split="test", level="question")
    return row


def _held_forms(rows: Iterable[Row], share: float, form_of: Callable[[str], str]) -> frozenset[str]:
    """The forms that no training row will use: of each family of forms the share with the lowest hash, at least one.

    A family has few forms: by the hash of each alone a quarter of one might be held out where a tenth is wanted.
    """
    uses = Counter(form_of(row.instruction) for row in rows if row.is_paraphrase)
    by_family: defaultdict[str, list[str]] = defaultdict(list)
    for form, times in uses.items():
        if form and times >= MIN_FORM_USES:
            by_family[form.rpartition("/")[0]].append(form)
    return frozenset(
        form
        for family in by_family.values()
        for form in sorted(family, key=lambda form: fraction("form", form))[: max(1, round(share * len(family)))]
    )


def _hold_wordings(
    placed: _Placed, family: Family, share: float, forms: frozenset[str], form_of: Callable[[str], str]
) -> None:
    """Move the wordings of a pair to the test split that are of a held-out form or whose hash lies under the share;
    where the pair can spare none of these, the one with the lowest hash that it can spare."""

    def rank(i: int) -> tuple[bool, float]:
        return form_of(family[i].instruction) not in forms, fraction("wording", family[i].id)

    held = False
    for i in sorted((i for i in family if family[i].is_paraphrase), key=rank):
        if held and rank(i) >= (True, share):
            break
        if _spare(family, i):
            placed.move(i, family, "test", "wording")
            held = True


def _hold_validation(placed: _Placed, families: Iterable[Family]) -> None:
    """Move one wording of each pair whose hash lies under `VALIDATED` to the validation split; where none of these can
    spare one, that of the pair with the lowest hash that can."""
    held, lowest, best = False, 1.0, None
    for family in families:
        hashed = fraction("validation", next(iter(family.values())).pair_id)
        if hashed >= VALIDATED and (held or hashed >= lowest):
            continue
        own = [i for i, row in family.items() if row.is_paraphrase and row.split == "train"]
        ranked = sorted(own, key=lambda i: fraction("validation", family[i].id))
        if (chosen := next((i for i in ranked if _spare(family, i)), None)) is None:
            continue
        if hashed < VALIDATED:
            placed.move(chosen, family, "validation", "")
            held = True
        else:
            lowest, best = hashed, (chosen, family)
    if best and not held:
        placed.move(*best, "validation", "")


def _spare(family: Family, chosen: int) -> bool:
    """Whether enough rows of the family stay trained whose similarity to all its held-out wordings is below τ."""
    held = [row.instruction for i, row in family.items() if row.split != "train" or i == chosen]
    trained = [row.instruction for i, row in family.items() if row.split == "train" and i != chosen]
    return sum(all(likeness(text, other) < TAU for other in held) for text in trained) >= MIN_TRAINED
