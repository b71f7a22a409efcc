"""The pages of a converted document that a row's evidence stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from wukong_pipe.conversion.pages import Pages
from wukong_pipe.corpus.blocks import line_starts
from wukong_pipe.corpus.sources import Source
from wukong_pipe.records import Row

PAGINATED = (".pdf", ".pptx")


def with_pages(rows: Iterable[Row], sources: Sequence[Source]) -> Iterator[Row]:
    """The rows with their pages, [] of sources that have none; as they are where no source has any."""
    paginated = [each for each in sources if each.markdown and each.path.suffix.lower() in PAGINATED]
    if not paginated:
        yield from rows
        return
    finders = {source.name: _finder(source.text) for source in paginated}
    for row in rows:
        yield replace(row, pages=finders[row.source](row) if row.source in finders else ())


def _finder(text: str) -> Callable[[Row], tuple[int, ...]]:
    """What finds a row's pages in its source."""
    pages, starts = Pages.of(text), line_starts(text)

    def found(row: Row) -> tuple[int, ...]:
        numbers = set[int]()
        for words in row.evidence:
            at = text.find(words, starts[row.lines[0] - 1])
            if at >= 0:
                numbers.update(range(pages.at(at), pages.at(at + len(words) - 1) + 1))
        return tuple(sorted(numbers))

    return found
