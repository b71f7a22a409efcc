"""Questions of the embedded teacher: a fact that it can ask for, its wordings, and which template made a question.

`questions.toml` holds the templates by language and family, with a word on each family.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import get_args

from wukong_pipe.corpus.units import Unit
from wukong_pipe.records import Lang

GAP = "____"
"""What stands for the part of a sentence that is asked for."""
JOINED: dict[Lang, str] = {"zh": "、", "en": ", "}
"""What stands between the names of a list."""
JOINED_TWO: dict[Lang, str] = {"zh": "、", "en": " and "}
"""What stands between two names."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What one template family can ask of one unit.

    {"family": "attribute", "slots": {"thing": "出云棍", "attribute": "来源"}, "answer": "石敢当", "units": [{…}]}
    """

    family: str
    slots: tuple[tuple[str, str], ...]
    """Names and contents of the templates' slots; a tuple, so that a fact can be a key."""
    answer: str
    units: tuple[Unit, ...]
    """What carries the answer: one unit, but for a list and for rows that are compared."""

    def question(self, lang: Lang, template: int) -> str:
        """The question in the wording of one of the family's templates, 0 for the base question."""
        return templates(lang)[self.family][template].format(**dict(self.slots))


def templates(lang: Lang) -> Mapping[str, Sequence[str]]:
    """The templates of a language by family: {"attribute": ["{thing}的{attribute}是什么？", …], …}."""
    return _table()[lang]


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((files("wukong_pipe.embedded") / "questions.toml").read_text("utf-8"))


@lru_cache(maxsize=4096)
def form_of(question: str) -> str:
    """Name of the template that made a question ("zh/attribute/3"), "" for a question of another teacher.

    Two wordings that differ only in the thing asked about have one form. Where questions come from templates, a
    held-out wording whose form training rows use tests less than one whose form none of them uses.
    """
    return next((name for name, pattern in _forms() if pattern.fullmatch(question)), "")


@cache
def _forms() -> list[tuple[str, re.Pattern[str]]]:
    """(name, pattern) of every template; the one with the most literal characters first, as its match says the most."""
    forms = []
    for lang in get_args(Lang):
        for family, wordings in templates(lang).items():
            for i, template in enumerate(wordings):
                # Literal text and names of slots take turns.
                parts = re.split(r"\{(\w+)\}", template)
                pattern = "".join(f"(?P<{part}>.+?)" if n % 2 else re.escape(part) for n, part in enumerate(parts))
                forms.append((sum(map(len, parts[::2])), f"{lang}/{family}/{i}", re.compile(pattern)))
    forms.sort(key=lambda form: (-form[0], form[1]))
    return [(name, pattern) for _, name, pattern in forms]
