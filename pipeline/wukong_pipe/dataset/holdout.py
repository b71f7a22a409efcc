"""Hold-out: which questions are for testing, chosen by hash before wordings are bought; and the audit for leaks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from wukong_pipe.language.hashing import digest
from wukong_pipe.language.names import marked_names, names_in
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import numbers
from wukong_pipe.language.similarity import TAU, ngrams, same_key_facts
from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair, Row

MIN_TRAINED = 3
"""A pair gives a wording away only if it keeps this many trained rows whose similarity to that wording is below τ."""
MIN_FORM_USES = 5
"""A question form is held out as a whole only where at least this many pairs use it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Sections and pairs that no training row may come from."""

    sections: frozenset[str]
    pairs: frozenset[str]

    def level(self, pair: QAPair) -> str:
        if pair.section.id in self.sections:
            return "section"
        return "question" if pair.id in self.pairs else ""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A training row that is left out: the held-out question it is too close to, its id, and their similarity."""

    row: Row
    held: str
    similarity: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Holdout:
    """The rows with their splits, what was dropped and why, and the highest similarity between train and the rest."""

    rows: list[Row]
    dropped: list[Dropped]
    """Dropped by the audit: too close to a held-out question."""
    highest_similarity: float
    of_held_forms: list[Dropped] = field(default_factory=list)
    """Dropped because their template is held out as a whole."""


def plan(pairs: Sequence[QAPair], share: float) -> Plan:
    """Choose the sections and pairs that are held out whole, by their hash, at least one of each where possible.

    Only its own hash decides, so a section that is added or removed moves no other one to another split. A pair is
    chosen only if another pair of the same fact is trained. The only section of a corpus is trained.
    """
    # The pieces of one long section are held out together: each tells what the others are about.
    pieces: defaultdict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        pieces[digest(pair.section.source, *pair.section.heading_path)].add(pair.section.id)
    ranked = sorted(pieces, key=lambda section: digest("section", section))
    chosen = (
        {i for name in ranked[: _low("section", ranked, share)] for i in pieces[name]} if len(ranked) > 1 else set()
    )
    siblings = Counter(pair.fact_id for pair in pairs if pair.section.id not in chosen)
    eligible = [pair for pair in pairs if pair.section.id not in chosen and siblings[pair.fact_id] > 1]
    by_hash = sorted((pair.id for pair in eligible), key=lambda pair_id: digest("question", pair_id))
    facts = {pair.id: pair.fact_id for pair in eligible}
    held: list[str] = []
    for pair_id in by_hash[: _low("question", by_hash, share)]:
        if siblings[facts[pair_id]] > 1:
            siblings[facts[pair_id]] -= 1
            held.append(pair_id)
    return Plan(frozenset(chosen), frozenset(held))


def _low(purpose: str, ranked: Sequence[str], share: float) -> int:
    """How many of these ids, ordered by hash, have a hash below `share` of all; at least one, and never all."""
    if not share or not ranked:
        return 0
    count = sum(int(digest(purpose, name)[:8], 16) < share * 16**8 for name in ranked)
    return max(1, min(count, len(ranked) - 1))


def _count(share: float, total: int) -> int:
    return max(1, round(share * total)) if share and total else 0


def hold_out(
    rows: Sequence[Row], chosen: Plan, share: float, names: frozenset[str], form_of: Callable[[str], str]
) -> Holdout:
    """Give every row its split and level, and drop training rows that are too close to a held-out question.

    A row comes in as `split="train", level=""`; a wording that is held out goes out as `split="test",
    level="wording"`.

    Args:
        rows: deduplicated; of the rows of a pair, the base row first.
        chosen: the sections and pairs held out whole.
        share: the share of a pair's wordings that is held out (at least one of each pair that can spare one).
        names: terms of the whole corpus that make two questions different.
        form_of: the template a question was made with, "" where it was written freely. Forms are held out whole:
            a wording whose pattern is trained with other facts is an easier test than one of a new pattern.
    """
    placed = [_whole(row, chosen) for row in rows]
    forms = _held_forms(placed, share, form_of)
    families: defaultdict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(placed):
        if row.split == "train":
            families[row.pair_id].append(i)
    for pair_id in sorted(families, key=lambda pair_id: digest("validation", pair_id)):
        _hold_wordings(placed, families[pair_id], share, forms, form_of)
    by_hash = sorted(families, key=lambda pair_id: digest("validation", pair_id))
    for pair_id in by_hash[: _low("validation", by_hash, 1 / 4 if share else 0)]:
        _hold_validation(placed, families[pair_id])
    # A pair that could not spare its wording of a held-out form must not train it either.
    tested = {
        form_of(row.instruction) for row in placed if row.split != "train" and row.variant == "paraphrase"
    } & forms
    unspared = [i for i, row in enumerate(placed) if row.split == "train" and form_of(row.instruction) in tested]
    result = _audit([row for i, row in enumerate(placed) if i not in set(unspared)], names)
    removed = [Dropped(placed[i], "", 0.0, Reason.of("held-form")) for i in unspared]
    return replace(result, of_held_forms=removed)


def _whole(row: Row, chosen: Plan) -> Row:
    if row.section_id in chosen.sections:
        return replace(row, split="test", level="section")
    if row.pair_id in chosen.pairs:
        return replace(row, split="test", level="question")
    return row


def _held_forms(rows: Iterable[Row], share: float, form_of: Callable[[str], str]) -> frozenset[str]:
    """The forms that no training row will use: of each family of forms the share with the lowest hash."""
    paraphrases = [row for row in rows if row.split == "train" and row.variant == "paraphrase"]
    uses = Counter(form_of(row.instruction) for row in paraphrases)
    by_family: defaultdict[str, list[str]] = defaultdict(list)
    for form, count in uses.items():
        if form and count >= MIN_FORM_USES:
            by_family[form.rpartition("/")[0]].append(form)
    return frozenset(
        form
        for family in by_family.values()
        for form in sorted(family, key=lambda form: digest("form", form))[: _count(share, len(family))]
    )


def _hold_wordings(
    rows: list[Row], family: list[int], share: float, forms: frozenset[str], form_of: Callable[[str], str]
) -> None:
    """Move a share of a pair's wordings to the test split: those of held-out forms, then others by hash."""
    own = [i for i in family if rows[i].variant == "paraphrase"]
    ranked = sorted(own, key=lambda i: digest("wording", rows[i].id))
    new_forms = [i for i in ranked if form_of(rows[i].instruction) in forms]
    others = [i for i in ranked if i not in new_forms]
    for i in [*new_forms, *others[: _count(share, len(own))]]:
        if _spare(rows, family, i):
            rows[i] = replace(rows[i], split="test", level="wording")


def _hold_validation(rows: list[Row], family: list[int]) -> None:
    own = [i for i in family if rows[i].variant == "paraphrase" and rows[i].split == "train"]
    for i in sorted(own, key=lambda i: digest("validation", rows[i].id)):
        if _spare(rows, family, i):
            rows[i] = replace(rows[i], split="validation")
            return


def _spare(rows: Sequence[Row], family: Sequence[int], chosen: int) -> bool:
    """Whether enough rows of the family stay trained whose similarity to all its held-out wordings is below τ."""
    held = [rows[i].instruction for i in family if rows[i].split != "train" or i == chosen]
    trained = [rows[i].instruction for i in family if rows[i].split == "train" and i != chosen]
    return sum(all(_alike(text, other) < TAU for other in held) for text in trained) >= MIN_TRAINED


@lru_cache(maxsize=1024)
def _grams(question: str) -> frozenset[str]:
    """The 3-grams of a question, of the last ones only: they take 4 KiB, and `ngrams` keeps them for many rows."""
    return ngrams.__wrapped__(question)


def _alike(a: str, b: str) -> float:
    """The `similarity` of two questions."""
    grams_a, grams_b = _grams(a), _grams(b)
    return len(grams_a & grams_b) / (len(grams_a | grams_b) or 1)


def _audit(rows: Sequence[Row], names: frozenset[str]) -> Holdout:
    """Drop every training row that is within τ of a held-out question and has its key facts or its pair; move none.

    Every held-out question is compared with every training row of its key facts or its pair, so the highest similarity
    that is left is exact.
    """
    index = _KeyFactIndex(rows, names)
    dropped: dict[int, Dropped] = {}
    left: dict[int, float] = defaultdict(float)
    for held in (row for row in rows if row.split != "train"):
        for i in index.candidates(held):
            row = rows[i]
            alike = _alike(held.instruction, row.instruction)
            # The cheap test first: it decides most pairs.
            if alike <= left[i] or i in dropped:
                continue
            # Quotation marks are lost in the normal form, and quoted words are key facts: rows with equal normal forms
            # leak even where their key facts differ.
            same = alike == 1.0 and normalise(held.instruction) == normalise(row.instruction)
            family = row.pair_id == held.pair_id
            if not same and not family and not same_key_facts(held.instruction, row.instruction, names):
                continue
            if same or alike >= TAU:
                reason = Reason.of(
                    "held-question",
                    similarity=f"{alike:.2f}",
                    level=Reason.of(held.level or held.split),
                    question=held.instruction[:80],
                )
                dropped[i] = Dropped(row, held.id, alike, reason)
            else:
                left[i] = alike
    highest = max((alike for i, alike in left.items() if i not in dropped), default=0.0)
    kept = [row for i, row in enumerate(rows) if i not in dropped]
    return Holdout(kept, [dropped[i] for i in sorted(dropped)], highest)


class _KeyFactIndex:
    """The training rows by what a leak shares with them: pair, normal form or key facts.

    An index by grams would not do: questions from templates are so alike that nearly all share a gram, and comparing
    them takes the square of their number.
    """

    def __init__(self, rows: Sequence[Row], names: frozenset[str]) -> None:
        self._names = names
        self._of_pair: defaultdict[str, list[int]] = defaultdict(list)
        self._saying: defaultdict[str, list[int]] = defaultdict(list)
        self._naming: defaultdict[tuple[frozenset[str], str], list[int]] = defaultdict(list)
        """By their numbers and a name that a held-out question marks and that stands in them, marked or not."""
        self._marking: defaultdict[tuple[frozenset[str], str], list[int]] = defaultdict(list)
        """By their numbers and a name that they mark."""
        self._unmarked: defaultdict[tuple[frozenset[str], str], list[int]] = defaultdict(list)
        """Rows that mark no name, by their numbers and a gram."""
        held = frozenset(name for row in rows if row.split != "train" for name in marked_names(row.instruction, names))
        marks: set[str] = set()
        for i, row in enumerate(rows):
            if row.split != "train":
                continue
            normal, figures = normalise(row.instruction), numbers(row.instruction)
            own = marked_names(row.instruction, names)
            self._of_pair[row.pair_id].append(i)
            self._saying[normal].append(i)
            for name in names_in(normal, held):
                self._naming[figures, name].append(i)
            for name in own:
                self._marking[figures, name].append(i)
            for gram in () if own else _grams(row.instruction):
                self._unmarked[figures, gram].append(i)
            marks |= own
        self._marks = frozenset(marks)

    def candidates(self, held: Row) -> set[int]:
        """Places of all rows with the pair, the normal form or the key facts of a held-out row; and of some others."""
        normal, figures = normalise(held.instruction), numbers(held.instruction)
        places = {*self._of_pair[held.pair_id], *self._saying[normal]}
        if own := marked_names(held.instruction, self._names):
            rarest = min(own, key=lambda name: len(self._naming[figures, name]))
            return places.union(self._naming[figures, rarest])
        for gram in _grams(held.instruction):
            places.update(self._unmarked[figures, gram])
        for name in names_in(normal, self._marks):
            places.update(self._marking[figures, name])
        return places
