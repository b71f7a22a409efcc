"""Any JSON object as lines of a table: what another step recorded is shown even where this one knows no word for it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

COLUMNS = ("base", "tuned", "open_book", "difference", "ci95", "p_holm", "verdict")
"""Keys that become columns wherever they stand; all else names the line."""
LINES = 60
"""More lines than this are cut; the file holds them all."""

Table = dict[str, Any]
"""{"columns": the columns in use, "value" first, "lines": [(path of keys, {column: value})], "cut": bool}"""


def as_table(value: dict[str, Any]) -> Table:
    """The leaves of `value` as lines, so that {"hit": {"base": 0.1, "tuned": 0.8}} and {"base": {"hit": 0.1}, …} read
    alike: one line named "hit" with both columns.

    An empty mapping or list has no leaf and gives no line.
    """
    lines: dict[tuple[str, ...], dict[str, Any]] = {}
    found = _leaves(value)
    for path, leaf in islice(found, 4 * LINES):
        column = next((key for key in path if key in COLUMNS), "value")
        name = tuple(key for key in path if key != column)
        lines.setdefault(name, {})[column] = leaf
    used = {column for line in lines.values() for column in line}
    return {
        "columns": [column for column in ("value", *COLUMNS) if column in used],
        "lines": list(lines.items())[:LINES],
        "cut": len(lines) > LINES or next(found, None) is not None,
    }


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(path of keys, scalar or list of scalars) for all that is not a mapping or a list of such."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(value, list) and any(isinstance(inner, (dict, list)) for inner in value):
        for number, inner in enumerate(value, start=1):
            yield from _leaves(inner, (*path, str(number)))
    elif value != []:
        yield path, value
