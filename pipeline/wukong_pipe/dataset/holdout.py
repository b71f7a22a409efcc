"""Hold-out: which wordings of trained pairs are for testing and validation; what must not be trained because of them.

The row {"instruction": "怎么才能拿到出云棍？", "split": "train", "level": ""} becomes {…, "split": "test",
"level": "wording"}.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wukong_pipe.dataset.holdout_plan import Plan
from wukong_pipe.dataset.leak_audit import Dropped, audit, likeness
from wukong_pipe.language.hashing import fraction
from wukong_pipe.language.similarity import TAU
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Row

MIN_TRAINED = 3
"""A pair gives a wording away only if it keeps this many trained rows whose similarity to that wording is below τ."""
MIN_FORM_USES = 5
"""A question form is held out as a whole only where at least this many pairs use it."""
VALIDATED = 1 / 4
"""The share of trained pairs that give one wording to validation."""


@dataclass(frozen=True, slots=True)
class Holdout:
    """The rows with their splits, what was dropped and why, and the highest similarity between train and the rest."""

    rows: list[Row]
    dropped: list[Dropped]
    """Dropped by the audit: too close to a held-out question."""
    highest_similarity: float
    of_held_forms: list[Dropped] = field(default_factory=list)
    """Dropped because their template is held out as a whole."""
    untrained: list[Row] = field(default_factory=list)
    """Other wordings, held out, of pairs of which nothing is trained: the level `wording` does not ask about these."""


def hold_out(
    rows: Sequence[Row],
    chosen: Plan,
    share: float,
    names: frozenset[str],
    form_of: Callable[[str], str],
    settled: Collection[str] = frozenset(),
) -> Holdout:
    """Give every row its split and level, and drop training rows that are too close to a held-out question.

    A row comes in as `split="train", level=""`; a wording that is held out goes out as `split="test",
    level="wording"`. What was written for test or validation comes in as that, and stays so.

    Args:
        rows: deduplicated; of the rows of a pair, the base row first.
        chosen: the sections and pairs held out whole.
        share: the share of wordings that is held out: each whose own hash lies under it, and at least one of each
            pair that can spare one; 0 where wordings were written for the test.
        names: terms of the whole corpus that make two questions different.
        form_of: the template a question was made with, "" where it was written freely. Forms are held out whole:
            a wording whose pattern is trained with other facts is an easier test than one of a new pattern.
        settled: ids of rows that no wording is drawn from, so that they change no other row's split.
    """
    placed = [_whole(row, chosen) for row in rows]
    forms = _held_forms((row for row in placed if row.id not in settled), share, form_of)
    families: defaultdict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(placed):
        if row.split == "train" and row.id not in settled:
            families[row.pair_id].append(i)
    if share:
        for family in families.values():
            _hold_wordings(placed, family, share, forms, form_of)
        _hold_validation(placed, families)
    # A pair that could not spare its wording of a held-out form must not train it either.
    tested = {form_of(row.instruction) for row in placed if row.split != "train" and row.is_paraphrase} & forms
    spared, unspared = list[Row](), list[Row]()
    for row in placed:
        (unspared if row.split == "train" and form_of(row.instruction) in tested else spared).append(row)
    audited = audit(spared, names)
    trained = {row.pair_id for row in audited.rows if row.split == "train"}
    untrained = [row for row in spared if _is_wording(row) and row.pair_id not in trained]
    if untrained:
        # What was dropped for their sake is trained: again, so that nothing is lost for a question that nobody asks.
        gone = {row.id for row in untrained}
        audited = audit([row for row in spared if row.id not in gone], names)
    of_held_forms = [Dropped(row, "", 0.0, Reason.of("held-form")) for row in unspared]
    return Holdout(audited.rows, audited.dropped, audited.highest_similarity, of_held_forms, untrained)


def _is_wording(row: Row) -> bool:
    """Whether it is held out of a pair that is trained."""
    return row.split == "validation" or row.level == "wording"


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
    paraphrases = [row for row in rows if row.split == "train" and row.is_paraphrase]
    uses = Counter(form_of(row.instruction) for row in paraphrases)
    by_family: defaultdict[str, list[str]] = defaultdict(list)
    for form, count in uses.items():
        if form and count >= MIN_FORM_USES:
            by_family[form.rpartition("/")[0]].append(form)
    if not share:
        return frozenset()
    return frozenset(
        form
        for family in by_family.values()
        for form in sorted(family, key=lambda form: fraction("form", form))[: max(1, round(share * len(family)))]
    )


def _hold_wordings(
    rows: list[Row], family: Sequence[int], share: float, forms: frozenset[str], form_of: Callable[[str], str]
) -> None:
    """Move the wordings of a pair to the test split that are of a held-out form or whose hash lies under the share;
    where the pair can spare none of these, the one with the lowest hash that it can spare."""

    def rank(i: int) -> tuple[bool, float]:
        return form_of(rows[i].instruction) not in forms, fraction("wording", rows[i].id)

    held = False
    for i in sorted((i for i in family if rows[i].is_paraphrase), key=rank):
        if held and rank(i) >= (True, share):
            break
        if _spare(rows, family, i):
            rows[i] = replace(rows[i], split="test", level="wording")
            held = True


def _hold_validation(rows: list[Row], families: Mapping[str, Sequence[int]]) -> None:
    """Move one wording of each pair whose hash lies under `VALIDATED` to the validation split; where none of these can
    spare one, that of the pair with the lowest hash that can."""
    held = False
    for pair_id in sorted(families, key=lambda pair_id: fraction("validation", pair_id)):
        if held and fraction("validation", pair_id) >= VALIDATED:
            break
        own = [i for i in families[pair_id] if rows[i].is_paraphrase and rows[i].split == "train"]
        for i in sorted(own, key=lambda i: fraction("validation", rows[i].id)):
            if _spare(rows, families[pair_id], i):
                rows[i] = replace(rows[i], split="validation")
                held = True
                break


def _spare(rows: Sequence[Row], family: Sequence[int], chosen: int) -> bool:
    """Whether enough rows of the family stay trained whose similarity to all its held-out wordings is below τ."""
    held = [rows[i].instruction for i in family if rows[i].split != "train" or i == chosen]
    trained = [rows[i].instruction for i in family if rows[i].split == "train" and i != chosen]
    return sum(all(likeness(text, other) < TAU for other in held) for text in trained) >= MIN_TRAINED
