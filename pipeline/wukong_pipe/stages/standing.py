"""Which decisions are in force: of each id the last line that was not taken back.

{"id": "a", "ok": true}, {"id": "a", "drop": true}, {"id": "a", "undo": true}: the first of these lines stands.
"""

from __future__ import annotations

from collections.abc import Iterable

from wukong_pipe.stages.edit_line import Edit


class Standing:
    """The decisions in force, by id."""

    def __init__(self, lines: Iterable[Edit] = ()) -> None:
        """What stands after these lines, `undo` among them, which are in their order."""
        self._of: dict[str, list[Edit]] = {}
        for line in lines:
            self._take(line)

    def _take(self, line: Edit) -> None:
        of_id = self._of.setdefault(line.id, [])
        if not line.undo:
            of_id.append(line)
        elif of_id:
            of_id.pop()

    def of(self, id_: str) -> Edit | None:
        """What stands of a row, pair or reject."""
        of_id = self._of.get(id_)
        return of_id[-1] if of_id else None

    def edits(self) -> list[Edit]:
        """All that stands, in the order of the lines."""
        return sorted((of_id[-1] for of_id in self._of.values() if of_id), key=lambda edit: edit.line)
