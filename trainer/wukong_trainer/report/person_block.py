"""A person's grades on the page: what was graded right, and how far judge and score agree with the person."""

from __future__ import annotations

from collections.abc import Iterator

from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.evaluation.person_agreement import Kappa, PersonGrades, PersonRates, RightMore, Share
from wukong_trainer.report.blocks import Block
from wukong_trainer.report.tables import NOTHING, Table
from wukong_trainer.report.words import Words, filled, percent
from wukong_trainer.scoring.figures import interval, points

_COLUMNS = ("person_counts", "person_right", "kappa_judge", "kappa_score", "right_missed", "others_hit")


def person_block(person: PersonGrades, words: Words) -> Block:
    """A line for all answers, then one for each level and side; each share and kappa with its interval."""
    sentences = _about(person, words)
    if person.right_more:
        sentences.append(_right_more(person.right_more, words))
    return Block("person", sentences, Table([words[column] for column in _COLUMNS], list(_lines(person, words))))


def blind_block(person: PersonGrades, words: Words) -> Block:
    """The line for all answers alone, for who goes on grading: a line of a side tells whose the last answer was."""
    columns = [words[column] for column in _COLUMNS[2:]]
    return Block(
        "person", _about(person, words), Table(columns, [(_all(person, words), _agreement(person.all, words))])
    )


def _about(person: PersonGrades, words: Words) -> list[str]:
    """What was graded, and of how many the score says nothing: else its columns would not add up."""
    sentences = [filled(words["person_about"], graded=person.graded, answers=person.answers)]
    if unscored := person.graded - person.all.sensitivity.of - person.all.specificity.of:
        sentences.append(filled(words["person_unscored"], n=unscored))
    return sentences


def _all(person: PersonGrades, words: Words) -> str:
    return words["of_n"].format(what=words["total"], n=person.graded)


def kappa_text(kappa: Kappa, words: Words) -> str:
    """Kappa with its interval: "0.84 (0.63 … 0.95)"."""
    if kappa.value is None:
        return words["kappa_none"] if kappa.n else NOTHING
    value, low, high = (f"{number:.2f}".replace("-", "−") for number in (kappa.value, kappa.low, kappa.high))
    return words["kappa_of"].format(value=value, low=low, high=high)


def _right_more(more: RightMore, words: Words) -> str:
    return filled(
        words["person_more"],
        level=words[LEVELS[0]],
        n=more.n,
        sections=more.sections,
        difference=points(more.difference),
        interval=interval((more.low, more.high)),
        verdict=words[f"verdict_{more.verdict}"],
    )


def _lines(person: PersonGrades, words: Words) -> Iterator[tuple[str, list[str]]]:
    # Right answers of the base and of the tuned model together say nothing.
    yield _all(person, words), [NOTHING, NOTHING, *_agreement(person.all, words)]
    for level, by_side in person.levels.items():
        for side, rates in by_side.items():
            name = words["person_line"].format(level=words[level], side=words[side])
            yield words["of_n"].format(what=name, n=rates.share_right.of), _rates(rates, words)


def _rates(rates: PersonRates, words: Words) -> list[str]:
    counts, share = (rates.right, rates.partly, rates.wrong), rates.share_right
    right = percent(share.found / share.of, words) + _ends(share, words)
    return [" / ".join(map(str, counts)), right, *_agreement(rates, words)]


def _agreement(rates: PersonRates, words: Words) -> list[str]:
    kappas = [kappa_text(kappa, words) for kappa in (rates.judge, rates.score)]
    return [*kappas, *(_missed(share, words) for share in (rates.sensitivity, rates.specificity))]


def _missed(share: Share, words: Words) -> str:
    """What the score did not find, with the interval of that share: "2 of 16 (4–36 %)"."""
    if not share.of:
        return NOTHING
    missed = Share(share.of - share.found, share.of, 1 - share.high, 1 - share.low)
    return words["missed"].format(n=missed.found, of=missed.of) + _ends(missed, words)


def _ends(share: Share, words: Words) -> str:
    return words["ends"].format(low=100 * share.low, high=100 * share.high)
