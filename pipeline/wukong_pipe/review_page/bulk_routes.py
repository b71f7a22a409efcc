"""The routes of the same change for all alike: its page, its preview, and the change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from starlette.responses import Response

from wukong_pipe.edits.edits_file import Edit
from wukong_pipe.review import bulk, queue
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.review_page.bulk_views import change_view
from wukong_pipe.review_page.desk import MOST_LISTED, Desk, query_pairs
from wukong_pipe.review_page.requests import Asked, refused


def bulk_page(desk: Desk, asked: Asked) -> Response:
    return desk.page("bulk.html.j2", asked.filters, filter_choices=desk.filter_choices(asked.filters))


def bulk_change(desk: Desk, asked: Asked) -> Response:
    """Show what a change of many would do, or do it where that was shown."""
    action = asked.get("action")
    if action not in ("replace", *_OF_ALL):
        return refused(desk, "unknown_action")
    pairs = queue.matching(desk.library, asked.filters)
    find, by = asked.values.get("find", ""), asked.values.get("by", "")
    if not asked.get("apply"):
        return _preview(desk, asked, pairs, find, by)
    if asked.get("version") != str(desk.library.version):
        return refused(desk, "bulk_changed")
    of_all = _OF_ALL.get(action)
    edits = of_all(desk.library, pairs) if of_all else bulk.replacements(desk.library, find, by, pairs)
    desk.record(edits)
    return desk.message(desk.say("bulk_done", n=len(edits)), is_oob=True)


_OF_ALL: Mapping[str, Callable[[Library, Sequence[ReviewPair]], list[Edit]]] = {
    "accept": bulk.accept_all,
    "drop": bulk.drop_all,
}
"""The changes that need nothing typed."""


def _preview(desk: Desk, asked: Asked, pairs: Sequence[ReviewPair], find: str, by: str) -> Response:
    library, action = desk.library, asked.get("action")
    of_all = _OF_ALL.get(action)
    decided = [library.by_id[edit.id] for edit in of_all(library, pairs)] if of_all else []
    changes = [] if of_all else bulk.replace(library, find, by, pairs)
    count = len(changes) + len(decided)
    return desk.fragment(
        "preview.html.j2",
        count=count,
        sentence=desk.say(f"bulk_{action}_count", n=count, pairs=len({change.pair_id for change in changes})),
        action=action,
        makes=count - sum(change.problem is not None for change in changes),
        fields=[*query_pairs(asked.filters), ("action", action), ("find", find), ("by", by)],
        changes=[change_view(library, change, find, by) for change in changes[:MOST_LISTED]],
        questions=[library.shown(pair).now.question for pair in decided[:MOST_LISTED]],
        unshown=count - min(count, MOST_LISTED),
        seen=library.version,
    )
