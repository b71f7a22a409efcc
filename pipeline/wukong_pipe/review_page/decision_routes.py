"""The routes that decide: each writes what was decided, and answers with what comes next."""

from __future__ import annotations

from starlette.responses import Response

from wukong_pipe.edits.edits_file import Edit
from wukong_pipe.review import decision_lines, queue
from wukong_pipe.review.checking import check, check_reject, problem
from wukong_pipe.review.pairs import ReviewPair, ReviewReject
from wukong_pipe.review_page.desk import Desk
from wukong_pipe.review_page.page_routes import first_of
from wukong_pipe.review_page.requests import Asked, refused
from wukong_pipe.review_page.section_views import reject_view
from wukong_pipe.review_page.typed_facts import facts_typed


def decide(desk: Desk, asked: Asked) -> Response:
    """Write down that a pair is right, mended or to be dropped, and show the next that nobody decided on."""
    pair, filters, action = desk.library.by_id.get(asked.id), asked.filters, asked.get("action")
    if not pair and action == "mend":
        # What was typed is nowhere else than on the page.
        return refused(desk, "gone", id=asked.id)
    if not pair:
        return desk.panes(first_of(desk, filters), filters, desk.say("gone", id=asked.id))
    if action == "undo":
        desk.record(decision_lines.take_back(desk.library.decisions, pair))
        return desk.panes(pair, filters, desk.say("said_undone", text=desk.library.shown(pair).now.question))
    edits, question = _lines(desk, pair, asked), desk.library.shown(pair).now.question
    if isinstance(edits, str):
        return refused(desk, edits)
    # Before the decision, which may move the pair in the queue.
    following = queue.next_after(desk.library, pair.id, filters, unread=True)
    following = following or queue.next_after(desk.library, pair.id, filters)
    desk.record(edits)
    said = desk.say(f"said_{desk.library.state(pair)}", text=question)
    return desk.panes(following or pair, filters, f"{said} {_refusal(desk, pair)}" if action == "mend" else said)


def _refusal(desk: Desk, pair: ReviewPair) -> str:
    """That the next build would leave a pair out as it stands; "" where it would not."""
    now = desk.library.shown(pair).now
    reason = problem(desk.library, pair, now.question, now.answer, now.facts)
    return desk.words["check_refuse"].format(sentence=reason.sentence(desk.lang)) if reason else ""


def _lines(desk: Desk, pair: ReviewPair, asked: Asked) -> list[Edit] | str:
    """The lines of a decision on a pair, or the key of the text that refuses it."""
    action, decisions = asked.get("action"), desk.library.decisions
    if action == "accept":
        return decision_lines.accept(decisions, pair)
    if action == "drop":
        return decision_lines.drop(decisions, pair)
    if action != "mend":
        return "unknown_action"
    if asked.get("stood") not in ("", str(decisions.newest_of(pair))):
        return "decided_elsewhere"
    texts = {name: asked.get(name) for name in ("answer", *(f"question-{row.id}" for row in pair.rows))}
    if any(name in asked.values and not text for name, text in texts.items()):
        return "empty_text"
    return decision_lines.mend(
        decisions,
        pair,
        {row.id: text for row in pair.rows if (text := texts[f"question-{row.id}"])},
        texts["answer"] or desk.library.shown(pair).now.answer,
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
        return desk.panes(first_of(desk, filters), filters, desk.say("gone", id=asked.id))
    question = next((row.question for row in pair.rows if row.id == asked.id), "")
    if asked.get("action") == "undo":
        desk.record([Edit(id=asked.id, undo=True)])
        return desk.panes(pair, filters, desk.say("said_undone", text=question))
    desk.record(decision_lines.drop_row(desk.library.decisions, pair, asked.id))
    return desk.panes(pair, filters, desk.say("said_wording_dropped", text=question))


def rescue(desk: Desk, asked: Asked) -> Response:
    """Write down that a reject is to come in."""
    reject = desk.library.reject(asked.id)
    if not reject:
        return refused(desk, "gone", id=asked.id)
    if not reject.not_rescuable:
        desk.record(decision_lines.rescue(reject, *_typed(reject, asked)))
    said = desk.say("said_rescued", text=reject.question or reject.answer)
    return desk.message(said, is_oob=True, reject=reject_view(desk.library, reject, desk.lang))


def check_rescue(desk: Desk, asked: Asked) -> Response:
    """What the next build would say of a reject as it is being mended."""
    reject = desk.library.reject(asked.id)
    if not reject:
        return refused(desk, "gone", id=asked.id)
    return desk.fragment("findings.html.j2", findings=check_reject(desk.library, reject, *_typed(reject, asked)))


def _typed(reject: ReviewReject, asked: Asked) -> tuple[str, str]:
    """Question and answer of a reject, as they are typed, else as they were."""
    return asked.get("question") or reject.question, asked.get("answer") or reject.answer


def undo(desk: Desk, asked: Asked) -> Response:
    """Take the newest decision back, and show what it was about; of many pairs none, but what is shown stays."""
    current, filters = desk.library.by_id.get(asked.get("pair")), asked.filters
    undone = desk.undo()
    if not undone:
        return desk.panes(current or first_of(desk, filters), filters, desk.say("nothing_to_undo"))
    if len({pair.id for id_ in undone if (pair := desk.library.pair_of(id_))}) > 1:
        return desk.panes(current or first_of(desk, filters), filters, desk.say("said_many_undone", n=len(undone)))
    reject = desk.library.reject(undone[-1])
    pair = desk.library.pair_of(undone[-1]) or current
    text = reject.question if reject else desk.library.shown(pair).now.question if pair else undone[-1]
    return desk.panes(pair, filters, desk.say("said_undone", text=text), rejects_open=reject is not None)


def check_typed(desk: Desk, asked: Asked) -> Response:
    """What the next build would say of the text that is being typed."""
    pair = desk.library.by_id.get(asked.id)
    if not pair:
        return refused(desk, "gone", id=asked.id)
    facts = facts_typed(asked.get("facts")) or None
    shown = {wording.row.id: wording.question for wording in desk.library.shown(pair).wordings}
    typed = {row.id: asked.get(f"question-{row.id}") for row in pair.rows}
    anew = {id_ for id_, text in typed.items() if text and text != shown[id_]}
    found = [
        finding
        for id_, text in typed.items()
        if id_ in anew or id_ == pair.rows[0].id
        for finding in check(desk.library, pair, text, asked.get("answer"), facts, id_ if id_ in anew else None)
    ]
    return desk.fragment("findings.html.j2", findings=dict.fromkeys(found))
