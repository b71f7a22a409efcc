"""What a wording of a question is checked for before it is kept: the lists of checks, and those of its sense.

`question_facts` holds the checks of numbers and names, `question_scope` those of conditions, times and things.
`answer_wordings` does the same for the wordings of an answer.
"""

from __future__ import annotations

from collections.abc import Callable

from wukong_pipe.checks.base_question import base_question
from wukong_pipe.checks.comparing import content
from wukong_pipe.checks.contradictions import is_negative, opposite_said
from wukong_pipe.checks.findings import Finding, findings
from wukong_pipe.checks.question_facts import same_amounts, same_names
from wukong_pipe.checks.question_form import MAX_QUESTION, check_question, unseen
from wukong_pipe.checks.question_scope import same_conditions, same_scope, same_things, same_time
from wukong_pipe.language.key_facts import key_facts
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.quantities import amounts
from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair

LEAK = 0.4
"""Share of what an answer says beyond its question above which a wording tells it."""
LEAK_OF_TWO = 0.5
"""The same where it tells only two words or pairs of characters."""
LEAK_OF_YES = 0.8
"""The same where the question asks for a yes or no, and so names what the answer is about."""


def same_sense(question: str, pair: QAPair) -> Reason | None:
    """Nothing is denied that was asked for, nor the other way round, and no word becomes its opposite."""
    base = base_question(pair)
    if is_negative(question):
        if not base.denies:
            return Reason.of("negation-added")
    elif is_negative(pair.question) and not is_negative(question, or_exclusive=True):
        return Reason.of("negation-dropped")
    if reason := opposite_said(question, base.known):
        return reason.with_value("source", Reason.of("base-question"))
    return None


def answer_hidden(question: str, pair: QAPair) -> Reason | None:
    """A wording does not tell the answer, nor most of what the answer adds to the question."""
    base = base_question(pair)
    told, facts = base.own & content(question), key_facts(pair.answer)
    figures = base.own_amounts and base.own_amounts <= amounts(question).values
    limit = LEAK_OF_YES if base.wants_yes else LEAK if len(told) > 2 else LEAK_OF_TWO
    stated = (base.is_one_fact or 3 * len(told) > len(base.own)) and base.has_own_facts and facts.found_in(question)
    if stated or figures or len(told) > max(1, limit * len(base.own)):
        return Reason.of("given-away")
    return None


def check_paraphrase(question: str, pair: QAPair) -> tuple[Finding, ...]:
    """Why a wording does not ask what its base question asks: the first reject, or all doubts."""
    return findings(
        (check(question, pair) for check in PARAPHRASE_REJECTS), (check(question, pair) for check in PARAPHRASE_DOUBTS)
    )


def _wording_asks(question: str, _: QAPair) -> Reason | None:
    if len(question) > MAX_QUESTION:
        return Reason.of("question-too-long", most=MAX_QUESTION)
    return unseen(question) or check_question(question)


def _another_wording(question: str, pair: QAPair) -> Reason | None:
    return Reason.of("repeats-question") if normalise(question) == normalise(pair.question) else None


PARAPHRASE_REJECTS: tuple[Callable[[str, QAPair], Reason | None], ...] = (_wording_asks, _another_wording)
PARAPHRASE_DOUBTS: tuple[Callable[[str, QAPair], Reason | None], ...] = (
    same_amounts,
    same_names,
    same_sense,
    same_conditions,
    same_scope,
    same_time,
    same_things,
    answer_hidden,
)
