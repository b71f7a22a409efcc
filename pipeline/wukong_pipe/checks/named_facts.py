"""The facts of a pair: the shortest parts of its answer without which it would be wrong.

A teacher names them; of what it names only that counts which can be looked for in another answer. The pair “出云棍由谁
掉落？” – “由石敢当掉落。” has the facts (("石敢当",),).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from wukong_pipe.language.derived_facts import EDGES, can_be_looked_for, derived_facts
from wukong_pipe.language.fact_matching import Facts, stands
from wukong_pipe.language.key_facts import items_of

MOST_FACTS = 8
"""Nobody reads an answer for more."""
_CODE_MARKS = re.compile(r"[()=<>{}\[\]`\"/\\]")
_CHOICE = re.compile(r"\bor\b|还是|或者?", re.IGNORECASE)


def facts_of(named: Iterable[str], question: str, answer: str) -> Facts:
    """The facts of a pair: those that a teacher named and that can be used; where none is left, what the answer adds.

    A fact stands in the answer and is no sentence. It stands in the question only where that offers choices. Weak
    models name the question's subject or copy the evidence instead.
    """
    parts = (part.strip(EDGES) for text in named for part in _items(text.strip(EDGES)))
    usable = list(dict.fromkeys(fact for fact in parts if fact and can_be_looked_for(fact, answer)))
    if not offers_choices(question):
        usable = [fact for fact in usable if not stands(fact, question)]
    return tuple((fact,) for fact in (usable or derived_facts(question, answer))[:MOST_FACTS])


def _items(fact: str) -> list[str]:
    """The items of a fact that is a list: a right answer may name them in another order. Commas in code part none."""
    return [fact] if _CODE_MARKS.search(fact) else items_of(fact)


def offers_choices(question: str) -> bool:
    """Whether a question names what may be answered, as “a text or a binary format?” does."""
    return _CHOICE.search(question) is not None
