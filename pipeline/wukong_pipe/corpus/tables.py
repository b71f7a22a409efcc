"""How a Markdown table is split: each row is a unit with its head and cells, and a long table is cut between rows.

The row “| 出云棍 | 石敢当 |” under the head “| 武器 | 来源 |” has the cells ("出云棍", "石敢当"). It is worth one pair,
for the one cell beside its name. A piece of a long table is read together with the table's head.
"""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it.token import Token

from wukong_pipe.corpus.blocks import plain
from wukong_pipe.corpus.cleaning import clean

HEAD_LINES = 2
"""The head of a Markdown table: the names of its columns, and the line of dashes below."""


def is_head(tokens: Sequence[Token], row: int) -> bool:
    """Whether the row that opens at `tokens[row]` holds the names of the columns."""
    return tokens[row - 1].type == "thead_open"


def is_cut_before(tokens: Sequence[Token], row: int) -> bool:
    """Whether a long table may be cut before the row that opens at `tokens[row]`: its head stays with its first row."""
    return tokens[row - 1].type == "tr_close"


def cells(tokens: Sequence[Token], row: int) -> tuple[str, ...]:
    """The words of each cell of the row that opens at `tokens[row]`."""
    words = []
    while tokens[row].type != "tr_close":
        if tokens[row].type == "inline":
            words.append(clean(plain(tokens[row])).text.strip())
        row += 1
    return tuple(words)


def worth_of_row(cells: Sequence[str]) -> int:
    """How many pairs a row is worth: one for each cell that is not empty, but the first, which names the row.

    A row of one cell is as good as a list item.
    """
    return sum(1 for cell in cells[1:] if cell) if len(cells) > 1 else 1
