"""What a wording of a question is checked for before it is kept: is it a question, and does it bring in what is new?

What a wording leaves out, denies or turns round is a matter of meaning that no word list decides
(`benchmarks/grounding.md`); a verifier reads it. `answer_wordings` does the same for the wordings of an answer.
"""

from __future__ import annotations

from functools import lru_cache

from wukong_pipe.checks.answer_in_evidence import another_term, new_name
from wukong_pipe.checks.comparing import Known
from wukong_pipe.checks.findings import Finding, findings
from wukong_pipe.checks.pairs import section_terms
from wukong_pipe.checks.question_form import MAX_QUESTION, leans, may_lean, no_question, unseen
from wukong_pipe.corpus.blocks import unmarked
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.corpus.units import units
from wukong_pipe.language.identifiers import missing_identifiers
from wukong_pipe.language.key_facts import is_its_own_fact, key_facts
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import numbers
from wukong_pipe.language.quantities import Quantity, amounts
from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair


def check_paraphrase(question: str, pair: QAPair) -> tuple[Finding, ...]:
    """Why a wording does not ask what its base question asks: the first reject, or all doubts."""
    return findings(
        (check(question, pair) for check in (_stands_alone, _repeats)),
        (check(question, pair) for check in PARAPHRASE_DOUBTS),
    )


def _stands_alone(question: str, _: QAPair) -> Reason | None:
    if len(question) > MAX_QUESTION:
        return Reason.of("question-too-long", most=MAX_QUESTION)
    return unseen(question) or leans(question)


def _repeats(question: str, pair: QAPair) -> Reason | None:
    return Reason.of("repeats-question") if normalise(question) == normalise(pair.question) else None


def _asks(question: str, _: QAPair) -> Reason | None:
    """A wording without a question mark may be an order that no list holds: its meaning decides."""
    return no_question(question)


def _may_lean(question: str, _: QAPair) -> Reason | None:
    return may_lean(question)


@lru_cache(maxsize=64)  # The wordings of a pair come together.
def known_of(pair: QAPair) -> Known:
    """What a wording may speak of: its base question, and what places it."""
    evidence = (unmarked(clean(text).text) for text in pair.evidence)
    heads = {head for unit in units(pair.section) for head in unit.header}
    around = " ; ".join((*pair.section.heading_path, pair.answer, *evidence, *sorted(heads)))
    section, verbatim = clean(pair.section.text).text, " ; ".join(pair.evidence)
    return Known((pair.question,), around, section, section_terms(pair.section), verbatim)


def new_number(question: str, pair: QAPair) -> Reason | None:
    """A number comes in that neither the base question nor its source gives, in any spelling; a small count may tell
    how many things the answer lists."""
    known, said = known_of(pair), amounts(question)
    telling = {number.value for number in said.quantities if len(number.value) > 1 or _tells_apart(number)}
    telling |= said.date_parts
    new = telling and telling - known.amounts.values - numbers(known.text)
    return Reason.of("number-new", number=min(new)) if new else None


def _tells_apart(number: Quantity) -> bool:
    """Whether it is a part of a name, or an ordinal: Apollo 8, 第八回."""
    return number.unit.startswith(("#", "nth"))


def new_identifier(question: str, pair: QAPair) -> Reason | None:
    """No identifier comes in, in either case of letters, that neither the base question nor its source holds."""
    known = known_of(pair)
    source = f"{known.text} ; {known.verbatim}".casefold()
    strange = next(missing_identifiers(question.casefold(), source), None)
    return Reason.of("words-new", words=strange) if strange else None


def new_thing(question: str, pair: QAPair) -> Reason | None:
    """No name, term or cell of the section comes in that neither the base question nor its source holds."""
    known = known_of(pair)
    reason = another_term(question, known) or new_name(question, known)
    return Reason.of("words-new", **dict(reason.values)) if reason else None


def answer_hidden(question: str, pair: QAPair) -> Reason | None:
    """A wording does not tell an answer that is nothing but its fact, unless the base question or the headings do."""
    facts = key_facts(pair.answer)
    asked = " ; ".join((pair.question, *pair.section.heading_path))
    told = is_its_own_fact(pair.answer) and facts.found_in(question) and not facts.found_in(asked)
    return Reason.of("given-away") if told else None


PARAPHRASE_DOUBTS = (_asks, _may_lean, new_number, new_identifier, new_thing, answer_hidden)
