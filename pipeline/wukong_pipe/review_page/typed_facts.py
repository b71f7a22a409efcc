"""Facts as they are typed: one a line, its spellings separated by “ | ”."""

from __future__ import annotations

from wukong_pipe.records import Facts

SPELLINGS = " | "
"""What separates the spellings of a fact where it is typed."""


def typed_facts(facts: Facts) -> str:
    """Facts as they are typed: one a line, its spellings separated by “ | ”."""
    return "\n".join(SPELLINGS.join(spellings) for spellings in facts)


def facts_typed(text: str) -> Facts:
    """The facts that somebody typed.

    >>> facts_typed("curl | cURL\\n\\n8080")
    (('curl', 'cURL'), ('8080',))
    """
    lines = ([spelling.strip() for spelling in line.split("|")] for line in text.splitlines())
    facts = (tuple(dict.fromkeys(filter(None, spellings))) for spellings in lines)
    return tuple(filter(None, facts))
