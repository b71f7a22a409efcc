"""What is decided on the page is a line on the disk, can be taken back, and is seen in other windows."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.support.building import run_in
from tests.support.review_browser import Browser
from tests.support.reviewed import TESTED, about, build, trained_and_tested
from wukong_pipe.files import jsonl, read_jsonl, write_text
from wukong_pipe.reasons import Reason
from wukong_pipe.review.queue import Filters, first_unread, matching, next_after
from wukong_pipe.review_page.words import WORDS


def test_accepting_writes_a_line_and_shows_the_next_unread_pair(browser: Browser) -> None:
    first = first_unread(browser.library, Filters())
    assert first is not None
    following = next_after(browser.library, first.id, Filters(), unread=True)
    shown = browser.post(f"/pair/{first.id}", action="accept")
    assert [(line["id"], line["ok"]) for line in browser.lines] == [(first.id, True)]
    assert browser.current(shown) == following
    assert "已读 1 /" in shown
    assert browser.library.decisions.since_the_start() == (1, 0)


def test_dropping_writes_a_line_and_undo_takes_it_back(browser: Browser) -> None:
    pair = browser.library.pairs[0]
    browser.post(f"/pair/{pair.id}", action="drop")
    assert browser.library.state(pair) == "dropped"
    shown = browser.post("/undo", pair=browser.library.pairs[1].id)
    assert browser.lines[-1] == {"id": pair.id, "undo": True}
    assert browser.current(shown) == pair
    assert browser.library.state(pair) == "unread"
    assert WORDS["zh"]["nothing_to_undo"] in browser.post("/undo")


def test_what_was_decided_of_a_pair_is_taken_back_though_it_is_not_the_newest(browser: Browser) -> None:
    first, second = browser.library.pairs[:2]
    browser.post(f"/pair/{first.id}", action="drop")
    browser.post(f"/pair/{second.id}", action="accept")
    shown = browser.post(f"/pair/{first.id}", action="undo")
    assert browser.current(shown) == first
    assert (browser.library.state(first), browser.library.state(second)) == ("unread", "accepted")


def test_a_mended_question_is_taken_back_with_its_pair(browser: Browser) -> None:
    pair, other = browser.library.pairs[:2]
    asked = {f"question-{row.id}": f"另{place}？" for place, row in enumerate(pair.rows)}
    browser.post(f"/pair/{pair.id}", action="mend", **asked, answer=pair.answer, facts="")
    browser.post(f"/pair/{other.id}", action="accept")
    shown = browser.post(f"/pair/{pair.id}", action="undo")
    assert f"已撤销：“{pair.question}”" in shown
    assert [wording.question for wording in browser.library.shown(pair).wordings] == [row.question for row in pair.rows]
    assert (browser.library.state(pair), browser.library.state(other)) == ("unread", "accepted")


def test_mending_writes_answer_facts_wordings_note_and_tags(browser: Browser) -> None:
    pair = next(pair for pair in browser.library.pairs if len(pair.rows) > 1)
    wording = pair.rows[1]
    browser.post(
        f"/pair/{pair.id}",
        action="mend",
        **{f"question-{row.id}": row.question for row in pair.rows} | {f"question-{wording.id}": "换个问法？"},
        answer=f"{pair.answer}对。",
        facts="乙1刀 | 乙一刀\n\n丁1山",
        note="问过",
        tags="难， 查,难",
    )
    of_row, of_pair = sorted(browser.lines, key=lambda line: line["id"] == pair.id)
    assert (of_row["id"], of_row["instruction"]) == (wording.id, "换个问法？")
    assert of_pair["output"] == f"{pair.answer}对。"
    assert of_pair["facts"] == [["乙1刀", "乙一刀"], ["丁1山"]]
    assert (of_pair["note"], of_pair["tags"]) == ("问过", ["难", "查"])
    shown = browser.get("/", pair=pair.id)
    assert "换个问法？" in shown
    assert "乙1刀 | 乙一刀" in shown
    assert f"修改前：{pair.answer}" in shown
    assert f"修改前：{pair.facts[0][0]}" in shown


def test_a_mended_pair_has_changed_since_it_was_verified_and_is_found_by_its_doubts(browser: Browser) -> None:
    rows = run_in(browser.folder).dataset / "train.jsonl"
    write_text(rows, jsonl([line | {"verified": "yes"} for line in read_jsonl(rows)]))
    browser = Browser(browser.folder)
    library, pair = browser.library, about(browser.library, "乙2刀")
    verified = WORDS["zh"]["verified_changed"]
    assert verified not in browser.get("/", pair=pair.id)
    browser.post(f"/pair/{pair.id}", action="mend", answer="是99斤重的刀。", facts="")
    assert verified in browser.get("/", pair=pair.id)
    assert matching(library, Filters(doubtful=True, state="mended")) == [pair]
    assert WORDS["zh"]["doubts"] in browser.get("/", pair=pair.id)
    browser.post(f"/pair/{pair.id}", action="undo")
    assert not library.is_doubtful(pair)


def test_a_tag_is_found_and_can_be_filtered_by_without_a_reload(browser: Browser) -> None:
    pair = browser.library.pairs[0]
    assert '<label id="tag-filter" hidden>' in browser.get("/")
    shown = browser.post(f"/pair/{pair.id}", action="mend", answer=pair.answer, tags="Ask Li")
    assert '<label id="tag-filter" hx-swap-oob=true>' in shown
    assert '<option value="Ask Li">' in shown
    assert matching(browser.library, Filters(words="ask li")) == [pair]
    assert matching(browser.library, Filters(tag="Ask Li")) == [pair]


def test_saving_what_was_not_changed_accepts(browser: Browser) -> None:
    pair = browser.library.pairs[0]
    shown = browser.library.shown(pair)
    facts = "\n".join(" | ".join(fact) for fact in shown.now.facts)
    browser.post(f"/pair/{pair.id}", action="mend", answer=pair.answer, facts=facts, note="gut")
    assert browser.library.state(pair) == "accepted"
    assert browser.lines[0]["note"] == "gut"


def test_an_empty_answer_is_refused(browser: Browser) -> None:
    pair = browser.library.pairs[0]
    assert WORDS["zh"]["empty_text"] in browser.post(f"/pair/{pair.id}", action="mend", answer=" ", facts="")
    assert browser.lines == []


def test_saving_what_a_build_would_refuse_says_so(browser: Browser) -> None:
    pair = about(browser.library, "乙2刀")
    said = browser.post(f"/pair/{pair.id}", action="mend", answer=pair.answer, facts="月亮")
    assert "下次构建会剔除" in said


def test_a_wording_is_dropped_and_brought_back_without_reading_its_pair(browser: Browser) -> None:
    pair = next(pair for pair in browser.library.pairs if len(pair.rows) > 1)
    row = pair.rows[1]
    shown = browser.post(f"/row/{row.id}", action="drop")
    assert browser.lines[-1]["id"] == row.id
    assert browser.lines[-1]["drop"] is True
    assert browser.current(shown) == pair
    assert browser.library.state(pair) == "unread"
    browser.post(f"/row/{row.id}", action="undo")
    assert not browser.library.shown(pair).wordings[1].dropped


def test_the_check_says_what_a_build_would_refuse_and_writes_nothing(browser: Browser) -> None:
    pair = about(browser.library, "乙2刀")
    typed = {f"question-{pair.rows[0].id}": pair.question, "facts": "乙2刀"}
    assert WORDS["zh"]["check_fine"] in browser.post(f"/check/{pair.id}", answer=pair.answer, **typed)
    refused = browser.post(f"/check/{pair.id}", answer=pair.answer, **typed | {"facts": "月亮"})
    assert '<p class="reject">' in refused
    assert browser.lines == []


def test_the_check_says_that_a_test_question_asks_the_same(tmp_path: Path) -> None:
    build(tmp_path, settings=TESTED)
    browser = Browser(tmp_path)
    pair, tested = trained_and_tested(browser.library)
    own = f"question-{pair.rows[0].id}"
    level = Reason.of(tested.level)
    sentence = Reason.of("repeats-held-question", question=tested.question, level=level).sentence("zh")
    assert sentence in browser.post(f"/check/{pair.id}", answer=pair.answer, **{own: tested.question})
    assert sentence not in browser.post(f"/check/{pair.id}", answer=pair.answer, **{own: pair.question})
    asked = {"action": "replace", "find": pair.question, "by": tested.question}
    assert sentence in browser.post("/bulk", **asked), "the preview of a replacement says it as well"


def test_another_window_learns_of_a_decision(browser: Browser) -> None:
    pair, seen = browser.library.pairs[0], browser.library.version
    known = {"pair": pair.id, "known": "unread"}
    assert browser.get("/state", seen=seen, **known) == ""
    browser.post(f"/pair/{pair.id}", action="drop")
    told = browser.get("/state", seen=seen, **known)
    assert WORDS["zh"]["elsewhere"].format(state="已删除") in told
    assert "已读 1 /" in told
    assert f'id="state-{pair.id}"' in told, "no other pair's state is set anew"
    assert "已在另一窗口" not in browser.get("/state", seen=seen, pair=pair.id, known="dropped")


def test_what_another_window_mended_is_not_written_over_unseen(browser: Browser) -> None:
    pair = about(browser.library, "乙1刀")
    stood = re.findall(r'name="stood" value="(\d+)"', browser.raw(f"/pair/{pair.id}"))
    browser.post(f"/pair/{pair.id}", action="mend", stood=stood, answer="是乙1刀。", facts="乙1刀")
    said = browser.post(f"/pair/{pair.id}", action="mend", stood=stood, answer=pair.answer, note="好")
    assert said == WORDS["zh"]["decided_elsewhere"]
    assert browser.library.shown(pair).now.answer == "是乙1刀。"


def test_a_line_that_somebody_else_wrote_is_seen(browser: Browser) -> None:
    pair = browser.library.pairs[0]
    path = run_in(browser.folder).edits
    path.write_text(json.dumps({"id": pair.id, "drop": True}) + "\n", "utf-8")
    assert 'class="state dropped">已删除' in browser.get("/", pair=pair.id)
