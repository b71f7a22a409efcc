"""The routes of the same change for all alike: its page, its preview, and the change."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response

from wukong_pipe.review import bulk, queue
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.review_page.bulk_views import change_view
from wukong_pipe.review_page.desk import MOST_LISTED, Desk, query_pairs
from wukong_pipe.review_page.requests import Asked, refused
from wukong_pipe.stages.edits_file import Edit


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
    elif action != "replace":
        return refused(desk, "unknown_action")
    elif asked.get("apply"):
        edits = bulk.replacements(library, find, by, pairs)
    else:
        # The checks of many texts take their time: once is enough.
        edits = []
    if asked.get("apply"):
        if asked.get("version") != str(library.version):
            return refused(desk, "bulk_changed")
        desk.record(edits)
        return desk.message(desk.say("bulk_done", n=len(edits)), is_oob=True)
    changes = bulk.replace(library, find, by, pairs) if action == "replace" and find else []
    questions = [] if changes else [library.shown(pair).now.question for pair in pairs_of(library, edits)]
    count = len(changes) or len(questions)
    return desk.fragment(
        "preview.html.j2",
        count=count,
        sentence=desk.say(f"bulk_{action}_count", n=count, pairs=len({change.pair_id for change in changes})),
        action=action,
        makes=sum(not change.problem for change in changes) if changes else count,
        fields=[*query_pairs(asked.filters), ("action", action), ("find", find), ("by", by)],
        changes=[change_view(library, change, find, by) for change in changes[:MOST_LISTED]],
        questions=questions[:MOST_LISTED],
        unshown=count - min(count, MOST_LISTED),
        seen=library.version,
    )


def pairs_of(library: Library, edits: Iterable[Edit]) -> list[ReviewPair]:
    """The pairs that decisions are about."""
    return [pair for edit in edits if (pair := library.by_id.get(edit.id))]
