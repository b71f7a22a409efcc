"""Which questions are held out, decided by hash before their wordings are bought, and the audit that none leaks."""

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
"""A pair gives up a wording only if at least this many rows of it, none within τ of that wording, are trained."""
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
    """A training row the audit took out, the held-out question it is too close to, and how close."""

    row: Row
    held: str
    similarity: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Holdout:
    """The rows with their splits, what was dropped and why, and the highest similarity that is left."""

    rows: list[Row]
    dropped: list[Dropped]
    """By the audit: too close to a held-out question."""
    highest_similarity: float
    of_held_forms: list[Dropped] = field(default_factory=list)
    """Because their template is held out as a whole."""


def plan(pairs: Sequence[QAPair], share: float) -> Plan:
    """Choose the sections and pairs that are held out whole, by their hash, at least one of each where possible.

    Each is chosen by its own hash alone, so that a section which comes or goes moves no other to another split. A pair
    is chosen only if another pair of the same fact is trained; a corpus of one section keeps it.
    """
    # The pieces of one long section stand or fall together: each tells of what the others do.
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
    """How many of these ids, the lowest hash first, have one below `share`; at least one, and never all."""
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

    Args:
        rows: deduplicated, base rows first in their families.
        chosen: the sections and pairs held out whole.
        share: of a pair's wordings, that is held out (at least one of each pair that can spare one).
        names: terms that tell two questions apart, of the whole corpus.
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
    tested = {form_of(row.instruction) for row in placed if row.split != "train" and row.kind == "paraphrase"} & forms
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
    """The forms no training row will use: of each family of forms the share with the lowest hash."""
    paraphrases = [row for row in rows if row.split == "train" and row.kind == "paraphrase"]
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
    own = [i for i in family if rows[i].kind == "paraphrase"]
    ranked = sorted(own, key=lambda i: digest("wording", rows[i].id))
    new_forms = [i for i in ranked if form_of(rows[i].instruction) in forms]
    others = [i for i in ranked if i not in new_forms]
    for i in [*new_forms, *others[: _count(share, len(own))]]:
        if _spare(rows, family, i):
            rows[i] = replace(rows[i], split="test", level="wording")


def _hold_validation(rows: list[Row], family: list[int]) -> None:
    own = [i for i in family if rows[i].kind == "paraphrase" and rows[i].split == "train"]
    for i in sorted(own, key=lambda i: digest("validation", rows[i].id)):
        if _spare(rows, family, i):
            rows[i] = replace(rows[i], split="validation")
            return


def _spare(rows: Sequence[Row], family: Sequence[int], chosen: int) -> bool:
    """Whether enough of the family stays trained, outside τ of the chosen wording and of those held out before."""
    held = [rows[i].instruction for i in family if rows[i].split != "train" or i == chosen]
    trained = [rows[i].instruction for i in family if rows[i].split == "train" and i != chosen]
    return sum(all(_alike(text, other) < TAU for other in held) for text in trained) >= MIN_TRAINED


@lru_cache(maxsize=1024)
def _grams(question: str) -> frozenset[str]:
    """The 3-grams of a question. They take 4 KiB, and `ngrams` would keep those of all the rows of a big dataset."""
    return ngrams.__wrapped__(question)


def _alike(a: str, b: str) -> float:
    """The `similarity` of two questions."""
    grams_a, grams_b = _grams(a), _grams(b)
    return len(grams_a & grams_b) / (len(grams_a | grams_b) or 1)


def _audit(rows: Sequence[Row], names: frozenset[str]) -> Holdout:
    """Drop every training row within τ of a held-out question of its pair, or with the same key facts; never move one.

    Every held-out question is compared with every training row that has its key facts or is of its pair, so the
    highest similarity that is left is exact.
    """
    train = _Trained(rows, names)
    dropped: dict[int, Dropped] = {}
    left: dict[int, float] = defaultdict(float)
    for held in (row for row in rows if row.split != "train"):
        for i in train.near(held):
            row = rows[i]
            alike = _alike(held.instruction, row.instruction)
            # Cheap first: most pairs are far apart and need no second look.
            if alike <= left[i] or i in dropped:
                continue
            # Quotes are key facts and no part of the normal form: equal normal forms leak whatever they quote.
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


class _Trained:
    """The training rows by what a leak would share with them: questions made from templates are so alike that to
    compare all that share a gram would take the square of their number."""

    def __init__(self, rows: Sequence[Row], names: frozenset[str]) -> None:
        self._names = names
        self._of_pair: defaultdict[str, list[int]] = defaultdict(list)
        self._saying: defaultdict[str, list[int]] = defaultdict(list)
        self._naming: defaultdict[tuple[frozenset[str], str], list[int]] = defaultdict(list)
        """By their numbers and a name that some held-out question marks, wherever it stands in them."""
        self._marking: defaultdict[tuple[frozenset[str], str], list[int]] = defaultdict(list)
        """By their numbers and a name that they mark."""
        self._unmarked: defaultdict[tuple[frozenset[str], str], list[int]] = defaultdict(list)
        """Those that mark no name, by their numbers and a gram."""
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

    def near(self, held: Row) -> set[int]:
        """Places of all rows of its pair, with its normal form, or with its key facts; and of some others."""
        normal, figures = normalise(held.instruction), numbers(held.instruction)
        found = {*self._of_pair[held.pair_id], *self._saying[normal]}
        if own := marked_names(held.instruction, self._names):
            rarest = min(own, key=lambda name: len(self._naming[figures, name]))
            return found.union(self._naming[figures, rarest])
        for gram in _grams(held.instruction):
            found.update(self._unmarked[figures, gram])
        for name in names_in(normal, self._marks):
            found.update(self._marking[figures, name])
        return found
