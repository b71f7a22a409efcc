"""One decision of a user on a row, a pair or a reject: a line of edits.jsonl.

{"id": "3f2a…", "ok": true}                                         a pair that was read and is right
{"id": "3f2a…", "ok": true, "output": "……", "facts": [["石敢当"]]}   the same, with another answer in all its rows
{"id": "9b1c…", "instruction": "……"}                                a row whose question is worded anew
{"id": "9b1c…", "drop": true}                                       a row, or a pair, that goes
{"id": "5c1e…", "rescue": true}                                     a reject that comes in after all
{"id": "3f2a…", "note": "ask Li", "tags": ["names"]}                what stands of this id stands, and has these, too
{"id": "3f2a…", "undo": true}                                       what stood last of this id is taken back
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from wukong_pipe.errors import DataError
from wukong_pipe.printable import one_line, unseen_in
from wukong_pipe.records import Facts

TEXTS = ("instruction", "output")
"""What a user may write anew besides the facts; all else follows from the source."""
DECISIONS = ("ok", "drop", "rescue", "undo")
"""Of these a line has one at most."""
KEYS = ("id", *DECISIONS, *TEXTS, "facts", "note", "tags", "section_id", "old")
LONGEST_SPELLING = 200
"""Characters of one spelling of a fact: an answer that is looked for whole is no fact of it."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What a row said when it was decided on."""

    instruction: str = ""
    output: str = ""
    facts: Facts | None = None
    """None where the line tells none: it changes none, or a version before this one wrote it."""

    def to_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {key: getattr(self, key) for key in TEXTS}
        return said if self.facts is None else said | {"facts": [[*spellings] for spellings in self.facts]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One line of edits.jsonl; see the top of this module."""

    id: str
    """Of a row, a pair or a reject."""
    line: int = 0
    """Its number in the file, from 1; 0 where it is not written yet."""
    ok: bool = False
    drop: bool = False
    rescue: bool = False
    undo: bool = False
    instruction: str | None = None
    output: str | None = None
    facts: Facts | None = None
    note: str = ""
    tags: tuple[str, ...] = ()
    section_id: str = ""
    old: Texts | None = None

    @property
    def changes(self) -> bool:
        """Whether it asks for other rows than the teacher's."""
        return self.drop or self.rescue or self.mends

    @property
    def mends(self) -> bool:
        """Whether it words a question, an answer or facts anew."""
        return self.instruction is not None or self.changes_facts

    @property
    def changes_facts(self) -> bool:
        """Whether a score looks for something else then: what facts are not given follow from the answer."""
        return (self.output, self.facts) != (None, None)

    @property
    def is_note(self) -> bool:
        """Whether it decides nothing: a note and tags alone are added to what stands."""
        return not (self.ok or self.undo or self.changes)

    def noted(self, line: Edit) -> Edit:
        """The same decision with the note of such a line, where it has one, and its tags besides its own."""
        return replace(self, note=line.note or self.note, tags=tuple(dict.fromkeys((*self.tags, *line.tags))))

    def to_json(self) -> dict[str, Any]:
        """What its line holds: the keys that say something."""
        values = {key: getattr(self, key) for key in KEYS} | {"tags": [*self.tags]}
        values["old"] = self.old.to_json() if self.old else None
        said = {key: value for key, value in values.items() if value or (key in TEXTS and value is not None)}
        # No facts at all are something to say.
        return said | ({"facts": [[*spellings] for spellings in self.facts]} if self.facts is not None else {})


def read_line(line: Mapping[str, Any], number: int, where: str) -> Edit:
    """The decision on a line.

    Raises:
        DataError: it is none.
    """
    if not isinstance(line.get("id"), str) or not line["id"].strip():
        raise DataError(f"{where} has no “id”: copy it from a row of the dataset (its id, or its pair_id).")
    for key in line:
        if key not in KEYS:
            raise DataError(f"{where}: “{key}” cannot be edited so; a line holds {', '.join(KEYS)}.")
    for key in DECISIONS:
        if line.get(key, True) is not True:
            raise DataError(f"{where}: “{key}” must be true, or not be there.")
    edit = Edit(
        id=line["id"].strip(),
        line=number,
        ok="ok" in line,
        drop="drop" in line,
        rescue="rescue" in line,
        undo="undo" in line,
        instruction=_text(line["instruction"], "instruction", where) if "instruction" in line else None,
        output=_text(line["output"], "output", where) if "output" in line else None,
        facts=_facts(line["facts"], where) if "facts" in line else None,
        note=_note(line.get("note", ""), "note", where),
        tags=_tags(line.get("tags", []), where),
        section_id=_note(line.get("section_id", ""), "section_id", where),
        old=_old(line["old"], where) if "old" in line else None,
    )
    _fits(edit, where)
    return edit


def _fits(edit: Edit, where: str) -> None:
    """Raise where the parts of a decision do not belong together."""
    decided = [key for key in DECISIONS if getattr(edit, key)]
    if len(decided) > 1 or (edit.mends and (edit.drop or edit.undo)):
        raise DataError(
            f"{where} must hold one decision: new fields ({', '.join(TEXTS)}, facts), with “ok” or “rescue” where it "
            "is meant; or “drop”, or “undo”, alone. Write others on lines of their own: the last one of an id counts."
        )
    if not decided and not edit.mends and not edit.note and not edit.tags:
        raise DataError(
            f"{where} must hold either new fields ({', '.join(TEXTS)}, facts) or “ok”, “drop”, “rescue” or "
            "“undo”: true, or a note."
        )


def _text(value: Any, key: str, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: “{key}” cannot be edited so; give {' or '.join(TEXTS)} as a text.")
    return value.strip()


def _note(value: Any, key: str, where: str) -> str:
    if not isinstance(value, str):
        raise DataError(f"{where}: “{key}” must be a text.")
    return value.strip()


def _tags(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(tag, str) and tag.strip() for tag in value):
        raise DataError(f'{where}: “tags” must be a list of texts, such as ["unclear", "ask Li"].')
    return tuple(dict.fromkeys(tag.strip() for tag in value))


def _old(value: Any, where: str) -> Texts:
    told: dict[str, Any] = value if isinstance(value, dict) else {"": None}
    if not all(isinstance(text, str) for key, text in told.items() if key != "facts"):
        raise DataError(f"{where}: “old” must hold the texts {' and '.join(TEXTS)}, and facts; it may be left out.")
    # The teacher's own facts are within no bounds of ours.
    facts = tuple(map(tuple, _spellings(told["facts"], where))) if "facts" in told else None
    return Texts(told.get("instruction", ""), told.get("output", ""), facts)


def _spellings(value: Any, where: str) -> list[list[str]]:
    """A list of facts, each a list of its spellings."""
    facts = value if isinstance(value, list) else [value]
    for fact in facts:
        if not isinstance(fact, list) or not fact or not all(isinstance(text, str) and text.strip() for text in fact):
            raise DataError(
                f"{where}: “facts” must be a list that holds for each fact the list of its spellings, each a text, "
                'such as [["curl", "cURL"], ["8080"]].'
            )
    return facts


def _facts(value: Any, where: str) -> Facts:
    """The facts that a user wrote."""
    facts = _spellings(value, where)
    for text in (text for fact in facts for text in fact):
        if unseen := unseen_in(text) or next((repr(char)[1:-1] for char in "\n\r\t" if char in text.strip()), ""):
            raise DataError(f"{where}: “facts” holds an invisible character ({unseen}): write the fact without it.")
        if len(text) > LONGEST_SPELLING:
            raise DataError(
                f"{where}: “{one_line(text)[:40]}…” in “facts” is longer than {LONGEST_SPELLING} characters: a fact is "
                "the shortest part of the answer without which it is wrong."
            )
    return tuple(tuple(dict.fromkeys(text.strip() for text in fact)) for fact in facts)
