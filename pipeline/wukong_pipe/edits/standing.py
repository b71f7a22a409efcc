"""Which decisions are in force: of each id the last line that was not taken back, and what was noted since.

{"id": "a", "ok": true}, {"id": "a", "drop": true}, {"id": "a", "undo": true}: the first of these lines stands.
{"id": "b", "drop": true}, {"id": "b", "note": "ask Li"}: b goes, and has that note; `undo` takes back the note alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from wukong_pipe.edits.edit_line import Edit


class Standing:
    """The decisions in force, by id."""

    def __init__(self, lines: Iterable[Edit] = ()) -> None:
        """What stands after these lines, `undo` among them, which are in their order."""
        self._of: dict[str, list[tuple[int, Edit]]] = {}
        """Of each id what stood after each line that was not taken back, behind the number of that line."""
        for line in lines:
            self._take(line)

    def _take(self, line: Edit) -> None:
        of_id = self._of.setdefault(line.id, [])
        if line.undo:
            del of_id[-1:]
        else:
            of_id.append((line.line, of_id[-1][1].noted(line) if of_id and line.is_note else line))

    def of(self, id_: str) -> Edit | None:
        """What stands of a row, pair or reject; its line is the one that decided."""
        of_id = self._of.get(id_)
        return of_id[-1][1] if of_id else None

    def line_of(self, id_: str) -> int:
        """The newest line of that id that stands, be it a note; 0 where none does."""
        of_id = self._of.get(id_)
        return of_id[-1][0] if of_id else 0

    def edits(self) -> list[Edit]:
        """All that stands, in the order of the newest lines."""
        stand = (of_id[-1] for of_id in self._of.values() if of_id)
        return [edit for _, edit in sorted(stand, key=lambda newest: newest[0])]
