"""The facts of an answer whose facts nobody named: what it adds to its question.

All of a short answer counts, item by item; of a longer one its code, quoted terms, names, amounts and dates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from wukong_pipe.language.dates import DATE
from wukong_pipe.language.fact_matching import stands
from wukong_pipe.language.identifiers import identifiers
from wukong_pipe.language.key_facts import is_its_own_fact, items_of
from wukong_pipe.language.measure_units import UNIT
from wukong_pipe.language.names import latin_names, quoted
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import NUMBER

EDGES = " \t\r\n。.！!；;，,、：:"
"""What stands round a fact and is no part of it."""
MOST_DERIVED = 3
"""Of a longer answer: not all of its names and numbers make it right."""
LONGEST_NAME = 5
"""Characters in normal form up to which a text that ends like a sentence may be a name: “Yes.”"""
_SENTENCE_ENDS = frozenset("。.！!")
_CODE = re.compile(r"`+([^`\n]+)`+")
_AMOUNT = re.compile(rf"{DATE.pattern}|(?:(?<![A-Za-z0-9])[-−+])?(?:{NUMBER.pattern})(?:{UNIT})?", re.IGNORECASE)


def derived_facts(question: str, answer: str) -> list[str]:
    """What an answer adds to its question; [] where no part of it can be looked for.

    >>> derived_facts("How far is it?", "The dome of the old town lies 12 km behind the Elder Gate.")
    ['Elder Gate', '12 km']
    """
    return list(dict.fromkeys(_derived(question, answer)))


def _derived(question: str, answer: str) -> Iterator[str]:
    bare = answer.strip(EDGES)
    is_sentence = answer.rstrip()[-1:] in _SENTENCE_ENDS and len(normalise(bare)) > LONGEST_NAME
    if is_its_own_fact(bare) and not is_sentence and not stands(bare, question):
        yield from (item.strip(EDGES) for item in items_of(bare))
        return
    parts = [match[1].strip() for match in _CODE.finditer(answer)] + _in_order(quoted(answer), answer)
    parts += _in_order(latin_names(answer), answer) + [match.group() for match in _AMOUNT.finditer(answer)]
    code = identifiers(answer)
    added = [part for part in dict.fromkeys(parts) if can_be_looked_for(part, answer) and not stands(part, question)]
    whole = [part for part in added if not any(stands(part, other, code) for other in added if len(other) > len(part))]
    yield from whole[:MOST_DERIVED]


def _in_order(names: Iterable[str], answer: str) -> list[str]:
    """Names as they begin in an answer, the longer of two first, as GitHub before Git: a set has no order."""
    return sorted(names, key=lambda name: (answer.find(name), -len(name), name))


def can_be_looked_for(fact: str, answer: str) -> bool:
    """Whether a fact is no sentence, and stands in its own answer."""
    return is_its_own_fact(fact) and stands(fact, answer, identifiers(answer))
