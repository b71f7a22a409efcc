"""What a person's grades say: how many answers are right, and how far judge and score agree with the person.

They are worked out of eval/answers.jsonl and eval/grades.jsonl whenever somebody asks: the report shows the newest
grades without another evaluation, and an evaluation can lose none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wukong_trainer.evaluation.answers_to_read import AnswerToRead
from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.evaluation.person_grades import PersonGrade
from wukong_trainer.evaluation.records import SIDES, Side
from wukong_trainer.scoring.agreement import cohens_kappa, kappa_interval
from wukong_trainer.scoring.intervals import estimate, wilson


@dataclass(frozen=True, slots=True)
class Kappa:
    """How far another rater agrees with the person on right or not: Cohen's kappa, and its 95 % interval.

    Kappa(n=38, value=0.84, low=0.63, high=0.95)
    """

    n: int
    value: float | None
    """None where one says one and the same of all answers, or there are none."""
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Share:
    """`found` of `of` answers, and the 95 % interval of that share."""

    found: int
    of: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PersonRates:
    """Some answers by a person's grades."""

    right: int
    partly: int
    wrong: int
    share_right: Share
    judge: Kappa
    """Of the judge, on the answers that it graded, too."""
    score: Kappa
    """Of the primary score, on the answers that it is about; the next two are of these as well."""
    sensitivity: Share
    """Right answers that hit."""
    specificity: Share
    """Others that do not."""


@dataclass(frozen=True, slots=True)
class RightMore:
    """How much more often the tuned model is right than the base, by a person's grades of both answers.

    RightMore(n=18, sections=11, difference=0.72, low=0.41, high=0.88, verdict="better")
    """

    n: int
    sections: int
    difference: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True, slots=True)
class PersonGrades:
    """All that a person's grades say of an evaluation; answers that both models gave count on both sides."""

    graded: int
    """Answers of this evaluation that have a grade, of `answers`: an answer of both models is one."""
    answers: int
    all: PersonRates
    levels: Mapping[str, Mapping[Side, PersonRates]]
    """Of each level with grades, by the side that was graded; sides without grades are left out."""
    right_more: RightMore | None
    """Of the primary level; None where no question of it has both answers graded."""


def person_grades(answers: Sequence[AnswerToRead], grades: Mapping[str, PersonGrade]) -> PersonGrades | None:
    """What the grades say of an evaluation's answers; None where none is of these."""
    given = [(answer, grades[answer.hash]) for answer in answers if answer.hash in grades]
    if not given:
        return None
    return PersonGrades(
        graded=len(given),
        answers=len(answers),
        all=_rates(given),
        levels={level: by_side for level in LEVELS if (by_side := _by_side(given, level))},
        right_more=_right_more([pair for pair in given if pair[0].level == LEVELS[0]]),
    )


_Graded = tuple[AnswerToRead, PersonGrade]


def _by_side(given: Iterable[_Graded], level: str) -> dict[Side, PersonRates]:
    of_level = [pair for pair in given if pair[0].level == level]
    by_side = {side: [pair for pair in of_level if side in pair[0].sides] for side in SIDES}
    return {side: _rates(pairs) for side, pairs in by_side.items() if pairs}


def _rates(given: Sequence[_Graded]) -> PersonRates:
    counts = {name: sum(grade == name for _, grade in given) for name in ("right", "partly", "wrong")}
    judged = [(grade == "right", answer.judged == "right") for answer, grade in given if answer.judged]
    scored = [(grade == "right", answer.hit) for answer, grade in given if answer.hit is not None]
    return PersonRates(
        **counts,
        share_right=_share([grade == "right" for _, grade in given]),
        judge=_kappa(judged),
        score=_kappa(scored),
        sensitivity=_share([hit for is_right, hit in scored if is_right]),
        specificity=_share([not hit for is_right, hit in scored if not is_right]),
    )


def _kappa(pairs: Sequence[tuple[bool, bool]]) -> Kappa:
    person, other = [first for first, _ in pairs], [second for _, second in pairs]
    return Kappa(len(pairs), cohens_kappa(person, other), *(kappa_interval(person, other) or (-1.0, 1.0)))


def _share(found: Sequence[bool]) -> Share:
    return Share(sum(found), len(found), *wilson(sum(found), len(found)))


def _right_more(given: Sequence[_Graded]) -> RightMore | None:
    by_side: dict[Side, dict[tuple[str, str], float]] = {side: {} for side in SIDES}
    sections: dict[tuple[str, str], str] = {}
    for answer, grade in given:
        question = (answer.question_id, answer.question)
        sections[question] = answer.cluster
        for side in answer.sides:
            by_side[side][question] = float(grade == "right")
    both = [question for question in by_side["base"] if question in by_side["tuned"]]
    if not both:
        return None
    differences = [by_side["tuned"][question] - by_side["base"][question] for question in both]
    found = estimate(differences, [sections[question] for question in both])
    return RightMore(len(both), found.sections, found.difference, found.low, found.high, found.verdict)
