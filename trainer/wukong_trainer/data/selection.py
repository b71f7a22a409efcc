"""Which of the rows that were read are trained and which are watched; every row left out is listed with its reason."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from wukong_pipe.errors import DataError
from wukong_pipe.language.normal_form import normalise
from wukong_trainer.data.examples import Example, TrainingData, digest_of
from wukong_trainer.data.files import read_training_data
from wukong_trainer.recipe import Recipe

_WORD = re.compile(r"[^\W_]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# U+FFFD stands where bytes were lost; these three are its own UTF-8 bytes read as GBK.
_LOST = re.compile("\ufffd|锟斤拷")
_STUCK = re.compile(r"([^\W\d_])\1{19}")


OWN = "own"
"""In the place of a file of general rows: those that the student makes of itself."""


@dataclass(frozen=True, slots=True)
class Mix:
    """General rows against forgetting."""

    path: Path
    share: float
    """Of all training rows, the general ones among them; between 0 and 1."""
    is_own: bool = False
    """The student makes them itself, once it is there; `path` is nothing then."""

    def rows_beside(self, others: int) -> int:
        """How many make up the share beside so many others."""
        return round(others * self.share / (1 - self.share))


def parse_mix(text: str) -> Mix:
    """`--mix FILE:SHARE` or `own:SHARE` as what it means.

    Raises:
        DataError: it is not written so, or the share is not between 0 and 1.
    """
    file, colon, number = text.rpartition(":")
    try:
        share = float(number)
    except ValueError:
        share = 0.0
    if not colon or not file or not 0 < share < 1:
        raise DataError(
            f"--mix is FILE:SHARE or own:SHARE with a share between 0 and 1, such as general.jsonl:0.1, not “{text}”."
        )
    return Mix(Path(file), share, is_own=file == OWN)


def selected(
    data: TrainingData, recipe: Recipe, mix: Mix | None = None, tested: Iterable[Example] = ()
) -> TrainingData:
    """The rows that a recipe trains and watches: cleaned, sampled, split and mixed, in this order. A student's own rows
    are mixed in later, when it is there.

    Args:
        tested: the run's test rows, which are not mixed in.

    Raises:
        DataError: nothing is left to train on, or the file to mix in cannot be read.
    """
    if recipe.clean:
        data = cleaned(data)
    if recipe.sample < 1:
        data = sampled(data, recipe.sample, recipe.split_seed)
    if recipe.validation > 0:
        data = split_off(data, recipe.validation, recipe.split_seed)
    if mix and not mix.is_own:
        data = mixed(data, mix, recipe.split_seed, tested)
    reasoned = sum(bool(example.think) for example in data.train)
    if reasoned and not recipe.thinking:
        fact = f"{reasoned} rows have some, which is not trained: the recipe says thinking = false"
        data = replace(data, facts=data.facts | {"reasoning": fact})
    if not data.train:
        raise DataError("None of the rows is left to train on: see the recipe's clean, sample and validation.")
    return data


def cleaned(data: TrainingData) -> TrainingData:
    """The data without exact duplicates and garbage among its training rows."""
    kept: list[Example] = []
    left_out: list[dict[str, str]] = []
    reasons: Counter[str] = Counter()
    first: dict[Example, Example] = {}
    for row in data.train:
        if reason := garbage(row):
            reasons["garbage"] += 1
            left_out.append({"row": row.where, "reason": f"garbage: {reason}"})
        elif row in first:
            reasons["exact duplicates"] += 1
            left_out.append({"row": row.where, "reason": f"duplicate of {first[row].where}"})
        else:
            first[row] = row
            kept.append(row)
    counts = ", ".join(f"{reasons[reason]} {reason}" for reason in ("exact duplicates", "garbage"))
    return _without(data, kept, left_out, {"cleaned": f"{len(left_out)} of {len(data.train)} rows left out: {counts}"})


def garbage(row: Example) -> str:
    """Why a row can teach nothing, or an empty text.

    Narrow on purpose: broken encoding, control characters, no word at all, one letter over and over. A rule that
    took advertisements for garbage would take good rows, too.
    """
    texts = [row.question, row.output, row.think, *(text for turn in row.history for text in turn)]
    if any(_LOST.search(text) or _misread(text) for text in texts):
        return "characters lost to a wrong encoding"
    if any(_CONTROL.search(text) for text in texts):
        return "control characters"
    if not _WORD.search(row.question) or not _WORD.search(row.output):
        return "no letter or digit in question or answer"
    if any(_STUCK.search(text) for text in texts):
        return "one letter twenty times in a row"
    return ""


def _misread(text: str) -> bool:
    """Whether the text is UTF-8 read as Latin-1: “ä½\xa0å¥½” for 你好."""
    if text.isascii():
        return False
    for encoding in ("latin-1", "cp1252"):
        try:
            text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        return True
    return False


def sampled(data: TrainingData, share: float, seed: int) -> TrainingData:
    """The data with a seeded share of its training rows, at least one, in their order."""
    count = max(1, round(len(data.train) * share))
    chosen = set(random.Random(seed).sample(range(len(data.train)), count))
    kept = [row for i, row in enumerate(data.train) if i in chosen]
    left_out = [
        {"row": row.where, "reason": f"sample = {share}"} for i, row in enumerate(data.train) if i not in chosen
    ]
    fact = f"{count} of {len(data.train)} rows, drawn with seed {seed}"
    return _without(data, kept, left_out, {"sample": fact})


def split_off(data: TrainingData, share: float, seed: int) -> TrainingData:
    """The data with a share of its rows to watch, where it has none of its own.

    Rows of one conversation, and rows that ask the same, go together: else a watched question would be trained. The
    others are split as the tutorials split theirs: shuffled with the seed, the first of them to train on.
    """
    if data.validation:
        return _with_facts(data, {"validation": f"{len(data.validation)} rows of its own, none split off"})
    groups: dict[str, list[int]] = {}
    for i, row in enumerate(data.train):
        opening = row.history[0][0] if row.history else row.question
        groups.setdefault(normalise(opening) or opening, []).append(i)
    if len(groups) < 2:
        return _with_facts(data, {"validation": "none: all rows ask the same, so none can be split off"})
    order = list(groups.values())
    random.Random(seed).shuffle(order)
    # At least one question on either side.
    cut = min(max(int(len(order) * (1 - share)), 1), len(order) - 1)
    watched = {i for group in order[cut:] for i in group}
    rows = list(enumerate(data.train))
    fact = f"{len(watched)} of {len(rows)} rows, split off with seed {seed}"
    return replace(
        _with_facts(data, {"validation": fact}),
        train=[row for i, row in rows if i not in watched],
        validation=[row for i, row in rows if i in watched],
    )


def mixed(data: TrainingData, mix: Mix, seed: int, tested: Iterable[Example] = ()) -> TrainingData:
    """The data with so many rows of another file that they are `mix.share` of the training rows.

    Questions that are watched or tested stay out of it; of too few rows all are taken.
    """
    questions = {normalise(row.asked) for row in [*data.validation, *tested]}
    general = read_training_data(mix.path)
    usable = [row for row in general.train if normalise(row.asked) not in questions]
    left_out = [
        {"row": row.where, "reason": "its question is watched or tested"}
        for row in general.train
        if normalise(row.asked) in questions
    ]
    count = mix.rows_beside(len(data.train))
    rows = random.Random(seed).sample(usable, count) if count < len(usable) else usable
    share = len(rows) / max(1, len(rows) + len(data.train))
    fact = f"{len(rows)} of the {len(general.train)} rows of {mix.path}, {share:.1%} of the training rows"
    if len(rows) < count:
        fact += f" (all there are; {mix.share:.0%} would take {count})"
    data = _without(data, [*data.train, *rows], left_out, {"mixed in": fact, "its columns": general.facts["columns"]})
    # Questions of these rows were not held out by anyone, so the dataset is no longer the one that was audited.
    return replace(data, hash=digest_of(rows, data.hash))


def _without(
    data: TrainingData, kept: list[Example], left_out: Iterable[dict[str, str]], facts: dict[str, str]
) -> TrainingData:
    return replace(_with_facts(data, facts), train=kept, left_out=[*data.left_out, *left_out])


def _with_facts(data: TrainingData, facts: dict[str, str]) -> TrainingData:
    return replace(data, facts=data.facts | facts)
