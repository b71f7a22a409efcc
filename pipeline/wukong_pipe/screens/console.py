"""`PrintableConsole`: a terminal that nobody's words command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from wukong_pipe.printable import printable


class PrintableConsole(Console):
    """A console through which nobody's words command the terminal: whatever is printed, a bar's note too, is spelt out
    where it would."""

    def render_str(self, text: str, **options: Any) -> Text:
        # Before rich, which drops some control characters without a word.
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)
