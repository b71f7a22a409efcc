"""The facts of a pair: the shortest parts of its answer without which it would be wrong.

A teacher names them; of what it names only that counts which can be looked for in another answer. The pair “出云棍由谁
掉落？” – “由石敢当掉落。” has the facts (("石敢当",),).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from wukong_pipe.language.identifiers import identifiers, stands_whole
from wukong_pipe.language.key_facts import is_its_own_fact, items_of
from wukong_pipe.language.names import latin_names, quoted
from wukong_pipe.language.normal_form import normalise, stands_in
from wukong_pipe.language.numerals import NUMBER
from wukong_pipe.records import Facts

MOST_FACTS = 8
"""Nobody reads an answer for more."""
MOST_DERIVED = 3
"""Of a longer answer: not all of its names and numbers make it right."""
LONGEST_NAME = 5
"""Characters in normal form up to which a text that ends like a sentence may be a name: “Yes.”"""
_SENTENCE_ENDS = frozenset("。.！!")
_CODE = re.compile(r"`+([^`\n]+)`+")
_CODE_MARKS = re.compile(r"[()=<>{}\[\]`\"/\\]")
_SIGNS = "-−+"
_SIGN = rf"(?<![A-Za-z0-9])[{_SIGNS}]"
_SIGNED = re.compile(f"(?:{_SIGN})?(?:{NUMBER.pattern})", NUMBER.flags)
_MARKED = re.compile(rf"[{_SIGNS}]?\d[\d.,]*(?![A-Za-z0-9])|[A-Z]\Z")
"""A number at the beginning, which a sign or a point makes another, or a single letter."""
_CHOICE = re.compile(r"\bor\b|还是|或者?", re.IGNORECASE)
EDGES = " \t\r\n。.！!；;，,、：:"


def facts_of(named: Iterable[str], question: str, answer: str) -> Facts:
    """The facts of a pair: those that a teacher named and that can be used; where none is left, what the answer adds.

    A fact stands in the answer and is no sentence. It stands in the question only where that offers choices. Weak
    models name the question's subject or copy the evidence instead.
    """
    parts = (part.strip(EDGES) for text in named for part in _items(text.strip(EDGES)))
    usable = list(dict.fromkeys(fact for fact in parts if fact and _counts(fact, answer)))
    if not offers_choices(question):
        usable = [fact for fact in usable if not stands(fact, question)]
    if not usable:
        usable = list(dict.fromkeys(_derived(question, answer)))
    return tuple((fact,) for fact in usable[:MOST_FACTS])


def _items(fact: str) -> list[str]:
    """The items of a fact that is a list: a right answer may name them in another order. Commas in code part none."""
    return [fact] if _CODE_MARKS.search(fact) else items_of(fact)


def _counts(fact: str, answer: str) -> bool:
    return is_its_own_fact(fact) and stands(fact, answer) and _is_whole(fact, answer)


def _is_whole(fact: str, answer: str) -> bool:
    """Whether an answer holds a fact as it is spelt, where its marks or its case make it what it is: `trust_env` is no
    Trust-Env, -5 no 5 and C++ no C."""
    code = fact.strip("`") or fact
    if match := _MARKED.match(code):
        before = r"(?<![A-Za-z0-9_])(?<!\d\.)" + ("" if code[0] in _SIGNS else f"(?<!{_SIGN})")
        return (
            re.search(rf"{before}{re.escape(match.group())}(?![A-Za-z0-9_+#]|\.\d|,\d{{3}}(?!\d))", answer) is not None
        )
    return stands_whole(code, answer) if is_identifier(fact, answer) else True


def is_identifier(fact: str, answer: str) -> bool:
    """Whether a fact is an identifier as a whole, by its own form or by the marks that an answer gives it."""
    code = fact.strip("`") or fact
    return code in identifiers(fact) or normalise(code) in {normalise(term) for term in identifiers(answer)}


def offers_choices(question: str) -> bool:
    """Whether a question names what may be answered, as “a text or a binary format?” does."""
    return _CHOICE.search(question) is not None


def stands(fact: str, text: str) -> bool:
    """Whether a text holds a fact, in normal form and as whole words."""
    normal = normalise(fact)
    return stands_in(normal, normalise(text)) if normal else fact in text


def _derived(question: str, answer: str) -> Iterator[str]:
    """What an answer adds to its question: all of a short one; of a longer one code, quoted terms, names, numbers."""
    bare = answer.strip(EDGES)
    is_sentence = answer.rstrip()[-1:] in _SENTENCE_ENDS and len(normalise(bare)) > LONGEST_NAME
    if is_its_own_fact(bare) and not is_sentence and not stands(bare, question):
        yield from (item.strip(EDGES) for item in items_of(bare))
        return
    parts = [match[1].strip() for match in _CODE.finditer(answer)] + sorted(quoted(answer), key=answer.find)
    parts += sorted(latin_names(answer), key=answer.find) + [match.group() for match in _SIGNED.finditer(answer)]
    added = [part for part in parts if _counts(part, answer) and not stands(part, question)]
    yield from [part for i, part in enumerate(added) if not any(stands(part, other) for other in added[:i])][
        :MOST_DERIVED
    ]
