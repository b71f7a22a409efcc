"""What one server holds: the library, the words of the page and its templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

from wukong_pipe.edits.edits_file import Edit
from wukong_pipe.language.page_words import filled
from wukong_pipe.printable import one_line
from wukong_pipe.reasons import Lang
from wukong_pipe.review.bound import Bound, overall_bound
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.review.queue import Filters, matching
from wukong_pipe.review.stale import Stale
from wukong_pipe.review_page.list_views import entries, progress_view
from wukong_pipe.review_page.pair_views import pair_view
from wukong_pipe.review_page.section_views import section_view
from wukong_pipe.review_page.serving import templates
from wukong_pipe.review_page.words import WORDS

MOST_LISTED = 50
"""Pairs of the list that a search gives."""
NEARBY = 20
"""Pairs of the list beside a pair; it is sent with each pair, and a long one takes the browser its time."""
KEYS = (
    ("a", "key_a"),
    ("d", "key_d"),
    ("e", "key_e"),
    ("j n", "key_j"),
    ("k p", "key_k"),
    ("u", "key_u"),
    ("g", "key_g"),
    ("r", "key_r"),
    ("s", "key_s"),
    ("/", "key_slash"),
    ("f", "key_f"),
    ("Ctrl+Enter", "key_save"),
    ("Esc", "key_escape"),
    ("?", "key_help"),
)
"""The keys of the page, and the text that says what each does."""


@dataclass(frozen=True, slots=True)
class Found:
    """The pairs that the filters let pass, and where the current one stands among them."""

    pairs: list[ReviewPair]
    place: int
    """From 1; 0 where the current pair is not among them."""


class Desk:
    """All that the routes work on."""

    def __init__(self, library: Library, lang: Lang, enough: float) -> None:
        self.library, self.lang, self.enough = library, lang, enough
        self.words = WORDS[lang]
        self._templates = templates(lang)
        self._templates.filters["query"] = query_of
        self._known_version = -1
        self._bound: Bound
        self._read = 0
        self._stale: dict[str, Stale] = {}

    # --- decisions ------------------------------------------------------------------------------------------------

    def record(self, edits: Sequence[Edit]) -> None:
        """Write decisions down.

        Raises:
            WukongError: see `Decisions.record`.
        """
        self.library.decisions.record(edits)
        self.library.refresh()

    def undo(self) -> tuple[str, ...]:
        """Take the newest decision back; the ids that it was of."""
        undone = self.library.decisions.undo()
        self.library.refresh()
        return undone

    # --- what is shown --------------------------------------------------------------------------------------------

    def say(self, key: str, **values: Any) -> str:
        """A text of the page; what it tells of a pair is cut."""
        return filled(self.words[key], **{name: _cut(value) for name, value in values.items()})

    def page(self, template: str, filters: Filters, **values: Any) -> HTMLResponse:
        """A whole page."""
        given = {"name": self.library.run.name, "query": query_of(filters), "filters": filters}
        return self.fragment(template, **given | self._progress() | values)

    def pair_page(self, pair: ReviewPair | None, filters: Filters) -> HTMLResponse:
        """The page with a pair."""
        return self.page(
            "page.html.j2",
            filters,
            key_list=[(keys.split(), word) for keys, word in KEYS],
            filters_open=any(value for name, value in values_of(filters).items() if name != "words"),
            filter_choices=self.filter_choices(filters),
            **self._panes(pair, filters),
        )

    def panes(
        self, pair: ReviewPair | None, filters: Filters, message: str = "", rejects_open: bool = False
    ) -> HTMLResponse:
        """A pair and its section; with them the progress, the list and the message, each for its place."""
        values = self._panes(pair, filters) | self._progress()
        return self.fragment("swap.html.j2", message=message, rejects_open=rejects_open, **values)

    def results(self, current: str, filters: Filters) -> HTMLResponse:
        """The list alone, from its beginning."""
        pairs = matching(self.library, filters)
        return self.fragment("results.html.j2", **self._list(Found(pairs, 0), current, filters))

    def message(self, message: str, **values: Any) -> HTMLResponse:
        """A message and the progress, for their places, and nothing else."""
        return self.fragment("said.html.j2", message=message, **self._progress(), **values)

    def fragment(self, template: str, **values: Any) -> HTMLResponse:
        """A template with its values."""
        return HTMLResponse(self._templates.get_template(template).render(values))

    def filter_choices(self, filters: Filters) -> list[tuple[str, list[tuple[str, str]]]]:
        """The filters that are chosen from a list, each with what the dataset has of it."""
        pairs, words = self.library.pairs, self.words
        sections = {pair.section_id: " › ".join(pair.title) for pair in pairs}
        sources = dict.fromkeys(pair.source for pair in pairs)
        choices = {
            "state": [(name, words[f"state_{name}"]) for name in ("unread", "accepted", "mended", "dropped")],
            "split": [(name, words[f"split_{name}"]) for name in ("train", "validation", "test")],
            "kind": [(name, words.get(f"kind_{name}", name)) for name in dict.fromkeys(pair.kind for pair in pairs)],
            "source": [(name, name) for name in sources] if len(sources) > 1 else [],
            "section": [*sections.items()],
            "tag": [(tag, tag) for tag in self._tags(filters)],
        }
        chosen = values_of(filters)
        # A list of one is no choice, unless it was chosen; a tag is one beside none.
        is_worth = {name: len(some) > (name != "tag") or chosen[name] for name, some in choices.items()}
        return [(name, some) for name, some in choices.items() if is_worth[name]]

    def _tags(self, filters: Filters) -> list[str]:
        """The tags that decisions have; a chosen one stays, be it gone."""
        edits = (self.library.decisions.of(pair.id) for pair in self.library.pairs)
        return sorted({tag for edit in edits if edit for tag in edit.tags} | ({filters.tag} - {""}))

    def _panes(self, pair: ReviewPair | None, filters: Filters) -> dict[str, Any]:
        pairs = matching(self.library, filters)
        place = next((at for at, other in enumerate(pairs, start=1) if pair and other.id == pair.id), 0)
        address = [*query_pairs(filters), *([("pair", pair.id)] if pair else [])]
        found = Found(pairs, place)
        values = {"url": f"/?{urlencode(address)}" if address else "/", "place": place, "of": len(pairs), "pair": None}
        values |= {"tags": self._tags(filters), "chosen_tag": filters.tag}
        values |= self._list(found, pair.id if pair else "", filters)
        if pair:
            self._know()
            values["pair"] = pair_view(self.library, pair, self._stale.get(pair.id), self.words, self.lang)
            values["section"] = section_view(self.library, pair, self.lang)
        return values

    def _list(self, found: Found, current: str, filters: Filters) -> dict[str, Any]:
        begin = max(0, found.place - 3)
        listed = found.pairs[begin : begin + (NEARBY if found.place else MOST_LISTED)]
        return {
            "found": len(found.pairs),
            "entries": entries(self.library, listed, current),
            "query": query_of(filters),
            "behind": len(found.pairs) - begin - len(listed),
        }

    def _progress(self) -> dict[str, Any]:
        self._know()
        return {
            "progress": progress_view(self._read, self._bound, self.enough, self.words),
            "seen": self.library.version,
        }

    def _know(self) -> None:
        """Work out anew, where anything changed, what takes a look at all pairs."""
        if self._known_version != self.library.version:
            self._known_version = self.library.version
            self._bound = overall_bound(self.library, self.enough)
            self._read = sum(self.library.state(pair) != "unread" for pair in self.library.pairs)
            self._stale = {entry.pair.id: entry for entry in self.library.stale if entry.pair}


def language_of(library: Library) -> Lang:
    """The language of the page where none is asked for: the one that most pairs are in."""
    return "zh" if 2 * sum(pair.lang == "zh" for pair in library.pairs) > len(library.pairs) else "en"


def values_of(filters: Filters) -> dict[str, Any]:
    """The filters by name."""
    return {field.name: getattr(filters, field.name) for field in fields(filters)}


def query_pairs(filters: Filters) -> list[tuple[str, str]]:
    """The filters that are set, as an address holds them."""
    return [(name, "1" if value is True else value) for name, value in values_of(filters).items() if value]


def query_of(filters: Filters) -> str:
    return urlencode(query_pairs(filters))


def _cut(value: Any) -> Any:
    words = one_line(value) if isinstance(value, str) else value
    return f"{words[:79]}…" if isinstance(words, str) and len(words) > 80 else words
