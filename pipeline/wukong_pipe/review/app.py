"""The routes of the page: each answers with a page, or with the part of one that htmx puts in its place.

All of them run on the server's one thread: a decision is written before the next request is looked at.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wukong_pipe.checks.findings import rejected
from wukong_pipe.review import bulk, queue
from wukong_pipe.review.bound import bounds
from wukong_pipe.review.checking import check
from wukong_pipe.review.desk import MOST_LISTED, Desk, query_pairs
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.review.queue import Filters
from wukong_pipe.review.security import Access
from wukong_pipe.review.serving import served
from wukong_pipe.review.views import facts_typed, reject_view
from wukong_pipe.stages.edits_file import Edit


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the routes read it."""

    id: str
    """What the address names: a pair, a row, a reject; else ""."""
    values: Mapping[str, str]
    """Of the address and of the form together."""

    def get(self, name: str) -> str:
        return self.values.get(name, "").replace("\r\n", "\n").strip()

    @property
    def filters(self) -> Filters:
        texts = ("split", "kind", "state", "source", "section", "tag", "words")
        return Filters(doubtful=bool(self.get("doubtful")), **{name: self.get(name) for name in texts})


Handler = Callable[[Desk, Asked], Response]


def application(desk: Desk, access: Access) -> Starlette:
    """The page of a desk, for those whom `access` lets in."""
    routes = [
        _route(desk, "/", show_page),
        _route(desk, "/pair/{id}", show_pair),
        _route(desk, "/pair/{id}", decide, "POST"),
        _route(desk, "/row/{id}", decide_row, "POST"),
        _route(desk, "/reject/{id}", rescue, "POST"),
        _route(desk, "/undo", undo, "POST"),
        _route(desk, "/check/{id}", check_typed, "POST"),
        _route(desk, "/search", search),
        _route(desk, "/state", state),
        _route(desk, "/table", table),
        _route(desk, "/bulk", bulk_page),
        _route(desk, "/bulk", bulk_change, "POST"),
    ]
    return served(routes, access, desk.say)


def _route(desk: Desk, path: str, handler: Handler, method: str = "GET") -> Route:
    async def answer(request: Request) -> Response:
        # Not request.form(): what a browser sends without files needs no library to read.
        form = parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
        desk.library.refresh()
        values = dict(request.query_params) | dict(form)
        return handler(desk, Asked(request.path_params.get("id", ""), values))

    endpoint: Callable[[Request], Awaitable[Response]] = answer
    return Route(path, endpoint, methods=[method])


# --- reading ------------------------------------------------------------------------------------------------------


def show_page(desk: Desk, asked: Asked) -> Response:
    """The page: with the pair that the address names, else with the first that is to be read."""
    pair = desk.library.pair_of(asked.get("pair")) if asked.get("pair") else _first(desk, asked.filters)
    return desk.pair_page(pair or _first(desk, asked.filters), asked.filters)


def _first(desk: Desk, filters: Filters) -> ReviewPair | None:
    return queue.first_unread(desk.library, filters) or next(iter(queue.matching(desk.library, filters)), None)


def show_pair(desk: Desk, asked: Asked) -> Response:
    """A pair, the one before or after it, the first that is unread, or the first of all that match."""
    pair, filters, to = desk.library.by_id.get(asked.id), asked.filters, asked.get("to")
    if to == "first":
        return desk.panes(next(iter(queue.matching(desk.library, filters)), None), filters)
    if to == "unread":
        found = queue.first_unread(desk.library, filters)
        return desk.panes(found or pair, filters, "" if found else desk.say("none_unread"))
    if not pair:
        return desk.panes(_first(desk, filters), filters, desk.say("gone", id=asked.id))
    if to not in {"next", "previous"}:
        return desk.panes(pair, filters)
    step = queue.next_after if to == "next" else queue.previous
    found = step(desk.library, pair.id, filters)
    return desk.panes(found or pair, filters, "" if found else desk.say(f"no_{to}"))


def search(desk: Desk, asked: Asked) -> Response:
    return desk.results(asked.get("pair"), asked.filters)


def state(desk: Desk, asked: Asked) -> Response:
    """The progress, where anything changed since a window saw it; that another one decided on its pair."""
    if asked.get("seen") == str(desk.library.version):
        return Response(status_code=204)
    pair = desk.library.by_id.get(asked.get("pair"))
    now = desk.library.state(pair) if pair else asked.get("known")
    if now == asked.get("known"):
        return desk.message("", is_oob=False)
    return desk.message(desk.say("elsewhere", state=desk.words[f"state_{now}"]), state=now, is_oob=False)


def table(desk: Desk, asked: Asked) -> Response:
    """The bound by kind and section."""
    found = bounds(desk.library, desk.enough)
    titles = {pair.section_id: " › ".join(pair.title) for pair in desk.library.pairs}
    kinds = [(desk.words[f"kind_{name}"], Filters(kind=name), bound) for name, bound in found.by_kind.items()]
    sections = [(titles.get(name, name), Filters(section=name), bound) for name, bound in found.by_section.items()]
    return desk.page(
        "table.html.j2",
        asked.filters,
        kinds=[(desk.words["overall"], Filters(), found.overall), *kinds],
        sections=sections,
    )


# --- deciding -----------------------------------------------------------------------------------------------------


def decide(desk: Desk, asked: Asked) -> Response:
    """Write down that a pair is right, mended or to be dropped, and show the next that nobody decided on."""
    pair, filters, action = desk.library.by_id.get(asked.id), asked.filters, asked.get("action")
    if not pair:
        return desk.panes(_first(desk, filters), filters, desk.say("gone", id=asked.id))
    decisions = desk.library.decisions
    if action == "accept":
        edits = decisions.accept(pair)
    elif action == "drop":
        edits = decisions.drop(pair)
    elif action == "mend":
        edits = _mended(desk, pair, asked)
    else:
        return desk.message(desk.say("unknown_action"), is_oob=True)
    question = desk.library.shown(pair).now.question
    # Before the decision, which may move the pair in the queue.
    following = queue.next_after(desk.library, pair.id, filters, unread=True)
    following = following or queue.next_after(desk.library, pair.id, filters)
    desk.record(edits)
    said = desk.say(f"said_{desk.library.state(pair)}", text=question)
    return desk.panes(following or pair, filters, f"{said} {_refusal(desk, pair)}" if action == "mend" else said)


def _refusal(desk: Desk, pair: ReviewPair) -> str:
    """That the next build would leave a pair out as it stands; "" where it would not."""
    now = desk.library.shown(pair).now
    reason = rejected(check(desk.library, pair, now.question, now.answer, now.facts))
    return desk.words["check_refuse"].format(sentence=reason.sentence(desk.lang)) if reason else ""


def _mended(desk: Desk, pair: ReviewPair, asked: Asked) -> list[Edit]:
    questions = {row.id: text for row in pair.rows if (text := asked.get(f"question-{row.id}"))}
    return desk.library.decisions.mend(
        pair,
        questions,
        asked.get("answer") or desk.library.shown(pair).now.answer,
        facts_typed(asked.get("facts")) or None,
        note=asked.get("note"),
        tags=_tags(asked.get("tags")),
    )


def _tags(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (tag.strip() for tag in text.replace("，", ",").split(",")))))


def decide_row(desk: Desk, asked: Asked) -> Response:
    """Drop one wording of a pair, or take that back."""
    pair, filters = desk.library.pair_of(asked.id), asked.filters
    if not pair:
        return desk.panes(_first(desk, filters), filters, desk.say("gone", id=asked.id))
    question = next((row.question for row in pair.rows if row.id == asked.id), "")
    if asked.get("action") == "undo":
        desk.record([Edit(id=asked.id, undo=True)])
        return desk.panes(pair, filters, desk.say("said_undone", text=question))
    desk.record(desk.library.decisions.drop_row(pair, asked.id))
    return desk.panes(pair, filters, desk.say("said_wording_dropped", text=question))


def rescue(desk: Desk, asked: Asked) -> Response:
    """Write down that a reject is to come in."""
    reject = desk.library.reject(asked.id)
    if not reject:
        return desk.message(desk.say("gone", id=asked.id), is_oob=True)
    if not reject.not_rescuable:
        question, answer = (asked.get(name) or getattr(reject, name) for name in ("question", "answer"))
        desk.record(desk.library.decisions.rescue(reject, question, answer))
    said = desk.say("said_rescued", text=reject.question or reject.answer)
    return desk.message(said, is_oob=True, reject=reject_view(desk.library, reject, desk.lang))


def undo(desk: Desk, asked: Asked) -> Response:
    """Take the newest decision back, and show what it was about."""
    current, filters = desk.library.by_id.get(asked.get("pair")), asked.filters
    undone = desk.undo()
    if undone is None:
        return desk.panes(current or _first(desk, filters), filters, desk.say("nothing_to_undo"))
    reject = desk.library.reject(undone)
    pair = desk.library.pair_of(undone) or current
    text = reject.question if reject else desk.library.shown(pair).now.question if pair else undone
    return desk.panes(pair, filters, desk.say("said_undone", text=text), rejects_open=reject is not None)


def check_typed(desk: Desk, asked: Asked) -> Response:
    """What the next build would say of the text that is being typed."""
    pair = desk.library.by_id.get(asked.id)
    if not pair:
        return desk.message(desk.say("gone", id=asked.id), is_oob=True)
    facts = facts_typed(asked.get("facts")) or None
    shown = {wording.row.id: wording.question for wording in desk.library.shown(pair).wordings}
    typed = {row.id: asked.get(f"question-{row.id}") for row in pair.rows}
    changed = [text for id_, text in typed.items() if id_ == pair.rows[0].id or (text and text != shown[id_])]
    found = [each for question in changed for each in check(desk.library, pair, question, asked.get("answer"), facts)]
    return desk.fragment("findings.html.j2", findings=dict.fromkeys(found))


# --- many at once -------------------------------------------------------------------------------------------------


def bulk_page(desk: Desk, asked: Asked) -> Response:
    return desk.page("bulk.html.j2", asked.filters, filter_choices=desk.filter_choices(asked.filters))


def bulk_change(desk: Desk, asked: Asked) -> Response:
    """Show what a change of many would do, or do it where that was shown."""
    library, action = desk.library, asked.get("action")
    pairs = queue.matching(library, asked.filters)
    find, by = asked.values.get("find", ""), asked.values.get("by", "")
    if action == "accept":
        edits = bulk.accept_all(library, pairs)
    elif action == "drop":
        edits = bulk.drop_all(library, pairs)
    else:
        edits = bulk.replacements(library, find, by, pairs) if find else []
    if asked.get("apply"):
        if asked.get("version") != str(library.version):
            return desk.message(desk.say("bulk_changed"), is_oob=True)
        desk.record(edits)
        return desk.message(desk.say("bulk_done", n=len(edits)), is_oob=True)
    changes = bulk.replace(library, find, by, pairs) if action == "replace" and find else []
    questions = [library.shown(pair).now.question for edit in edits if (pair := library.by_id.get(edit.id))]
    shown = max(len(changes), 0 if changes else len(questions))
    counts = {"n": len(changes) or len(edits), "pairs": len({change.pair_id for change in changes})}
    return desk.fragment(
        "preview.html.j2",
        count=len(changes) or len(edits),
        sentence=desk.say(f"bulk_{action}_count", **counts),
        action=action,
        fields=[*query_pairs(asked.filters), ("action", action), ("find", find), ("by", by)],
        changes=changes[:MOST_LISTED],
        questions=[] if changes else questions[:MOST_LISTED],
        unshown=max(0, shown - MOST_LISTED),
        seen=library.version,
    )
