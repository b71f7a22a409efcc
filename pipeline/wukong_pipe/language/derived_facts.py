"""The facts of an answer whose facts nobody named: what it adds to its question.

Of the answer to a yes/no question its yes or no is the fact. Of another all counts, item by item, where it is short and
no sentence; else its code, quoted terms, names, amounts and dates. A full stop at the end decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from wukong_pipe.language.chinese import CJK, ideographs
from wukong_pipe.language.dates import DATE, is_month
from wukong_pipe.language.fact_matching import stands
from wukong_pipe.language.identifiers import identifiers
from wukong_pipe.language.key_facts import is_its_own_fact, items_of
from wukong_pipe.language.measure_units import UNIT
from wukong_pipe.language.names import latin_names, quoted
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import NUMBER
from wukong_pipe.language.plain_words import CHINESE_SENTENCE, DECISIVE, FUNCTION, SENTENCE
from wukong_pipe.language.polarity import leading_decision
from wukong_pipe.language.similarity import ngrams

EDGES = " \t\r\n。.！!；;，,、：:"
"""What stands round a fact and is no part of it."""
MOST_DERIVED = 3
"""Of a longer answer: not all of its names and numbers make it right."""
MOST_COMPARED = 30
"""Of a text with more such parts the first ones are compared with each other: with all the time would grow squarely."""
LONGEST_PHRASE = 4
"""Words, or Chinese characters, up to which a text is a phrase, though it may hold words of its question."""
_CODE = re.compile(r"`+([^`\n]+)`+")
_WORD = re.compile(r"[A-Za-z]+")
_LEADING = re.compile(rf"(?:是|在|由|从)(?=[{CJK}《「“ \d]{{2}})|用\s*(?=[A-Za-z])|[A-Za-z][a-z]*\s+(?=\w)")
_AMOUNT = re.compile(rf"{DATE.pattern}|(?:(?<![A-Za-z0-9])[-−+])?(?:{NUMBER.pattern})(?:{UNIT})?", re.IGNORECASE)


def derived_facts(question: str, answer: str) -> list[str]:
    """What an answer adds to its question; [] where no part of it can be looked for.

    >>> derived_facts("How far is it?", "The dome of the old town lies 12 km behind the Elder Gate.")
    ['Elder Gate', '12 km']
    """
    return list(dict.fromkeys(_derived(question, answer)))


def _derived(question: str, answer: str) -> Iterator[str]:
    if decision := leading_decision(answer, question):
        yield decision
        return
    bare = answer.strip(EDGES)
    if not _CODE.search(bare) and not _is_sentence(bare, question):
        short = _without_small_words(bare)
        if is_its_own_fact(short) and not stands(short, question):
            items = (item.strip(EDGES) for item in items_of(short))
            yield from (item for item in items if can_be_looked_for(item, answer))
            return
    parts = [match[1].strip() for match in _CODE.finditer(answer)] + _in_order(quoted(answer), answer)
    parts += _in_order(latin_names(answer), answer) + [match.group() for match in _AMOUNT.finditer(answer)]
    code = identifiers(answer)
    new = (part for part in dict.fromkeys(parts) if can_be_looked_for(part, answer) and not stands(part, question))
    added = list(islice(new, MOST_COMPARED))
    whole = [part for part in added if not any(stands(part, other, code) for other in added if len(other) > len(part))]
    yield from whole[:MOST_DERIVED]


def _without_small_words(text: str) -> str:
    """A short answer without the small words before what it names: “In May 2024” and 在花果山."""
    while match := _LEADING.match(text):
        word = match.group().rstrip()
        if word.isascii() and (word.casefold() not in FUNCTION or word.casefold() in DECISIVE or is_month(word)):
            return text
        text = text[match.end() :]
    return text


def _is_sentence(text: str, question: str) -> bool:
    """Whether a short text is a sentence, by its words: “it is red”, 首领是黑熊精; “a red one”, 黑熊精 are none.

    A longer one that says a word of its question again is one, too, and a Chinese one with a comma.
    """
    words, asked = ([word.casefold() for word in _WORD.findall(each)] for each in (text, question))
    if (len(words) > 1 and SENTENCE & {*words}) or (len(words) > LONGEST_PHRASE and {*words} & {*asked} - FUNCTION):
        return True
    if ideographs(text) > LONGEST_PHRASE:
        again = (pair for pair in ngrams(normalise(text), 2) if not pair.isascii() and pair in question)
        return "，" in text or any(word in text for word in CHINESE_SENTENCE) or any(again)
    return max(len({*_WORD.findall(item)} - FUNCTION) for item in items_of(text) or [""]) > LONGEST_PHRASE


def _in_order(names: Iterable[str], answer: str) -> list[str]:
    """Names as they begin in an answer, the longer of two first, as GitHub before Git: a set has no order."""
    return sorted(names, key=lambda name: (answer.find(name), -len(name), name))


def can_be_looked_for(fact: str, answer: str) -> bool:
    """Whether a fact is no sentence, and stands in its own answer."""
    return is_its_own_fact(fact) and stands(fact, answer, identifiers(answer))
