"""Why a candidate, reply or row is not in the dataset: a code, its values, and its sentence in two languages.

A leaf: the build writes reasons, the terminal and the report's page show them. All sentences stand in reasons.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any, Literal

Lang = Literal["zh", "en"]
"""A language of the documents, and of what is shown about them."""
WORDS = "words"
"""The code of a reason in somebody's own words: the judge's, or those of a version that had no codes."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One entry of reasons.toml with the values of its slots; a value may be a reason itself.

    >>> str(Reason.of("number-gone", number="42"))
    'number 42 is gone'
    >>> Reason.of("edit", line=7, reason=Reason.of("number-gone", number="42")).sentence("zh")
    'edits.jsonl 第 7 行：缺少数字 42'
    """

    code: str
    values: tuple[tuple[str, str | int | Reason], ...] = ()

    @staticmethod
    def of(code: str, **values: str | int | Reason) -> Reason:
        """The reason of that code.

        Raises:
            ValueError: reasons.toml has no such code, or its sentence other slots.
        """
        if values.keys() != _slots(code):
            raise ValueError(f"reasons.toml has no “{code}” of {', '.join(values) or 'no values'}")
        return Reason(code, tuple(values.items()))

    def with_value(self, name: str, value: str | int | Reason) -> Reason:
        """The same reason with another value in one slot, where it has that slot."""
        return Reason(self.code, tuple((key, value if key == name else old) for key, old in self.values))

    def sentence(self, lang: Lang) -> str:
        """The reason in words; of a code that this version does not know, the code itself."""
        return self._filled(lang, {name: _worded(value, lang) for name, value in self.values})

    def kind(self, lang: Lang) -> str:
        """The sentence with “…” for each value: what all reasons of this code have in common.

        >>> Reason.of("number-gone", number="42").kind("en")
        'number … is gone'
        """
        if self.code == WORDS:
            return self.sentence(lang)
        kinds = {name: value.kind(lang) if isinstance(value, Reason) else "…" for name, value in self.values}
        return self._filled(lang, kinds)

    def _filled(self, lang: Lang, values: Mapping[str, str]) -> str:
        texts = _table().get(self.code)
        return texts[lang].format_map(_Slots(values)) if texts else self.code

    def __str__(self) -> str:
        return self.sentence("en")

    def to_json(self) -> dict[str, Any]:
        """What rejected.jsonl holds: {"code": "number-gone", "values": {"number": "42"}}."""
        values = {name: value.to_json() if isinstance(value, Reason) else value for name, value in self.values}
        return {"code": self.code, "values": values}

    @staticmethod
    def from_json(found: Mapping[str, Any]) -> Reason:
        """The reason of a line of rejected.jsonl; of a line by an older version, which had no codes, its words."""
        if not isinstance(found.get("code"), str) or not isinstance(found.get("values"), dict):
            return Reason.of(WORDS, words=str(found.get("reason", "")))
        return Reason(
            found["code"],
            tuple(
                (name, Reason.from_json(value) if isinstance(value, dict) else value)
                for name, value in found["values"].items()
            ),
        )


def _worded(value: str | int | Reason, lang: Lang) -> str:
    return value.sentence(lang) if isinstance(value, Reason) else str(value)


class _Slots(dict[str, str]):
    """The values by slot; one that another version did not write is shown as “…”."""

    def __missing__(self, name: str) -> str:
        return "…"


@cache
def _slots(code: str) -> frozenset[str] | None:
    texts = _table().get(code)
    if texts is None:
        return None
    return frozenset(name for _, name, _, _ in Formatter().parse(texts["en"]) if name is not None)


@cache
def _table() -> dict[str, dict[Lang, str]]:
    return tomllib.loads(files("wukong_pipe").joinpath("reasons.toml").read_text("utf-8"))
