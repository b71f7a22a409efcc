"""Facts as they are typed: one a line, its spellings separated by “ | ”; a “|” within a spelling is typed “\\|”."""

from __future__ import annotations

import re

from wukong_pipe.records import Facts

SPELLINGS = " | "
"""What separates the spellings of a fact where it is typed."""
_SEPARATOR = re.compile(r"(?<!\\)\|")


def typed_facts(facts: Facts) -> str:
    """Facts as they are typed.

    >>> print(typed_facts((("str | None",), ("curl", "cURL"))))
    str \\| None
    curl | cURL
    """
    return "\n".join(SPELLINGS.join(one.replace("|", r"\|") for one in spellings) for spellings in facts)


def facts_typed(text: str) -> Facts:
    """The facts that somebody typed.

    >>> facts_typed("curl | cURL\\n\\n8080")
    (('curl', 'cURL'), ('8080',))
    """
    lines = ([one.replace(r"\|", "|").strip() for one in _SEPARATOR.split(line)] for line in text.splitlines())
    facts = (tuple(dict.fromkeys(filter(None, spellings))) for spellings in lines)
    return tuple(filter(None, facts))
