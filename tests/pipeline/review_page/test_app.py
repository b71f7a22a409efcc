"""The routes of the page: what they show, what they write down, and what they say when something is wrong."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.answered import HOSTILE
from tests.support.building import run_in
from tests.support.reviewed import BOOK, about, build, library_of
from wukong_pipe.files import jsonl, read_jsonl, write_json, write_text
from wukong_pipe.reasons import Reason
from wukong_pipe.review import bulk
from wukong_pipe.review.checking import check
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.review.queue import Filters, first_unread, matching, next_after
from wukong_pipe.review_page.app import application
from wukong_pipe.review_page.desk import Desk, language_of
from wukong_pipe.review_page.security import HEADERS, Access
from wukong_pipe.review_page.words import WORDS

HERE = "http://127.0.0.1"


class Browser:
    """The page of a run, as a browser that was let in uses it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.library = library_of(folder)
        self.desk = Desk(self.library, language_of(self.library), 0.05)
        access = Access()
        self._client = TestClient(
            application(self.desk, access), base_url=HERE, headers={"Origin": HERE}, raise_server_exceptions=False
        )
        assert self._client.get(f"/?token={access.token}").status_code == 200

    def get(self, path: str, **values: Any) -> str:
        """The text of an answer, entities read."""
        return html.unescape(self.raw(path, **values))

    def raw(self, path: str, **values: Any) -> str:
        return self._client.get(path, params=values or None).text

    def post(self, path: str, **values: Any) -> str:
        return html.unescape(self._client.post(path, data=values).text)

    def status(self, path: str) -> int:
        return int(self._client.get(path).status_code)

    def headers(self, path: str) -> Mapping[str, str]:
        return self._client.get(path).headers

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The decisions on the disk."""
        path = run_in(self.folder).edits
        return read_jsonl(path) if path.exists() else []

    def current(self, answer: str) -> ReviewPair:
        """The pair that an answer shows."""
        found = re.search(r'id="current" name="pair" value="(\w+)"', answer)
        assert found, answer
        return self.library.by_id[found[1]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build(folder)
    return folder


@pytest.fixture
def browser(built: Path, tmp_path: Path) -> Browser:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    write_json(run_in(tmp_path).folder / "build.json", {"sources": {"book.md": str(tmp_path / "book.md")}})
    return Browser(tmp_path)


# --- reading ------------------------------------------------------------------------------------------------------


def test_the_page_begins_with_the_first_pair_to_be_read(browser: Browser) -> None:
    shown = browser.get("/")
    first = first_unread(browser.library, Filters())
    assert first is not None
    assert browser.current(shown) == first
    assert WORDS["zh"]["bound_none"] in shown


def test_the_page_is_in_the_language_of_the_documents(browser: Browser) -> None:
    assert '<html lang="zh-CN">' in browser.get("/")
    assert WORDS["zh"]["accept"] in browser.get("/")


def test_a_pair_stands_beside_its_section_with_evidence_and_facts_marked(browser: Browser) -> None:
    pair = about(browser.library, "乙2刀")
    shown = browser.get("/", pair=pair.id)
    assert '<mark class="fact">乙2刀</mark>' in shown
    assert "<mark>甲2的兵器是</mark>" in shown
    assert f">{pair.lines[0]}</span>" in shown


def test_where_the_source_has_changed_the_evidence_stands_in_its_place(browser: Browser) -> None:
    (browser.folder / "book.md").write_text(BOOK.replace("丁2山", "丁2岭"), "utf-8")
    changed = Browser(browser.folder)
    pair = about(changed.library, "乙2刀")
    shown = changed.get("/", pair=pair.id)
    assert WORDS["zh"]["text_gone"] in shown
    assert f"<mark>{pair.evidence[0]}</mark>" in shown


def test_next_and_back_go_through_what_matches(browser: Browser) -> None:
    pairs = matching(browser.library, Filters(words="兵器"))
    assert 1 < len(pairs) < len(browser.library.pairs)
    shown = browser.get(f"/pair/{pairs[0].id}", to="next", words="兵器")
    assert browser.current(shown) == pairs[1]
    assert browser.current(browser.get(f"/pair/{pairs[1].id}", to="previous", words="兵器")) == pairs[0]
    last = browser.get(f"/pair/{pairs[-1].id}", to="next", words="兵器")
    assert browser.current(last) == pairs[-1]
    assert WORDS["zh"]["no_next"] in last


def test_the_address_of_a_pair_leads_back_to_it_with_its_filters(browser: Browser) -> None:
    pairs = matching(browser.library, Filters(words="兵器"))
    shown = browser.get(f"/pair/{pairs[0].id}", to="next", words="兵器")
    address = re.search(r'data-url="([^"]+)"', shown)
    assert address
    again = browser.get(address[1])
    assert browser.current(again) == pairs[1]
    assert 'value="兵器"' in again


def test_the_list_counts_what_it_does_not_hold(browser: Browser) -> None:
    assert "没有符合条件的问答" in browser.get("/search", words="nowhere")
    found = browser.get("/search", words="兵器")
    assert found.count("<li>") == len(matching(browser.library, Filters(words="兵器")))


def test_a_pair_that_is_gone_is_said_to_be_gone(browser: Browser) -> None:
    assert "已没有问答 0123" in browser.get("/pair/0123")
    assert "已没有问答 0123" in browser.post("/pair/0123", action="drop")
    # The fields with what was typed stay on the page.
    assert browser.post("/pair/0123", action="mend", answer="……") == WORDS["zh"]["gone"].format(id="0123")
    assert browser.lines == []


def test_the_table_tells_the_bound_by_kind_and_section(browser: Browser) -> None:
    shown = browser.get("/table")
    for pair in browser.library.pairs:
        assert f'href="/?section={pair.section_id}"' in shown
    sections = list(dict.fromkeys(pair.section_id for pair in browser.library.pairs))
    assert re.findall(r'href="/\?section=(\w+)"', shown) == sections, "in the order of the document"


def test_the_progress_tells_the_sample_from_what_was_read_beside_it(browser: Browser) -> None:
    first, *_, last = browser.library.sample
    assert "其中随机抽样 0 对" in browser.post(f"/pair/{last.id}", action="accept")
    assert "已读 2 /" in (shown := browser.post(f"/pair/{first.id}", action="accept"))
    assert "其中随机抽样 1 对" in shown
    assert WORDS["zh"]["sample_alone"] in shown


def test_a_section_of_which_all_is_wrong_is_not_said_to_be_good_enough(browser: Browser) -> None:
    for pair in browser.library.pairs:
        browser.post(f"/pair/{pair.id}", action="drop")
    shown = browser.get("/table")
    assert WORDS["zh"]["col_too_many"] in shown
    assert f">{WORDS['zh']['col_enough']}<" not in shown


# --- deciding -----------------------------------------------------------------------------------------------------


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


# --- what was rejected ----------------------------------------------------------------------------------------------


def with_reject(browser: Browser, stage: str, candidate: Mapping[str, Any]) -> Browser:
    """The page where that was rejected, as 5c1e, in the section of 乙2刀."""
    pair, path = about(browser.library, "乙2刀"), run_in(browser.folder).dataset / "rejected.jsonl"
    line = {
        "id": "5c1e",
        "stage": stage,
        **Reason.of("asks-broader", words="更宽").to_json(),
        "reason": "",
        "doubt": "",
    }
    line |= {"candidate": candidate, "reply": "{…}", "lines": [1, 2], "section_id": pair.section_id}
    write_text(path, jsonl([*read_jsonl(path), line | {"source": pair.source, "heading_path": []}]))
    return Browser(browser.folder)


def test_the_checks_run_on_a_reject_that_is_mended(browser: Browser) -> None:
    pair = about(browser.library, "乙2刀")
    browser = with_reject(browser, "verify", {"question": "甲2呢？", "answer": "乙2刀。", "evidence": [*pair.evidence]})
    assert WORDS["zh"]["goes_pair"] in browser.get("/", pair=pair.id)
    asked = {"question": pair.question, "answer": pair.answer}
    assert WORDS["zh"]["check_fine"] in browser.post("/reject/5c1e/check", **asked)
    refused = browser.post("/reject/5c1e/check", **asked | {"answer": "见 `no_such_flag`。"})
    assert '<p class="reject">' in refused
    assert browser.lines == []


def test_a_rejected_wording_says_whether_it_goes_into_the_test(browser: Browser) -> None:
    pair = about(browser.library, "乙2刀")
    candidate = {"base": pair.question, "question": "第二章那人用什么？"}
    trained = with_reject(browser, "paraphrase", candidate)
    assert WORDS["zh"]["goes_wording"].format(text=pair.question) in trained.get("/", pair=pair.id)


def test_a_test_wording_that_gives_its_pair_away_is_refused_while_it_is_typed(browser: Browser) -> None:
    pair = about(browser.library, "乙2刀")
    browser = with_reject(browser, "heldout_wordings", {"base": pair.question, "question": "第二章那人用什么？"})
    assert WORDS["zh"]["goes_test"].format(text=pair.question) in browser.get("/", pair=pair.id)
    leak = Reason.of("rescue-leak").sentence("zh")
    assert leak not in browser.post("/reject/5c1e/check", question="第二章那人用什么？")
    assert leak in browser.post("/reject/5c1e/check", question=pair.question)


# --- many at once -------------------------------------------------------------------------------------------------


def test_a_replacement_is_shown_before_it_is_made(browser: Browser) -> None:
    asked = {"action": "replace", "find": "兵器", "by": "武器"}
    changes = bulk.replace(browser.library, "兵器", "武器", browser.library.pairs)
    preview = browser.post("/bulk", **asked)
    assert all(f'<a href="/?pair={change.pair_id}">' in preview for change in changes)
    assert all(change.after.replace("武器", "<mark>武器</mark>") in preview for change in changes)
    assert f"修改 {sum(not change.problem for change in changes)} 处</button>" in preview
    assert browser.lines == []
    done = browser.post("/bulk", **asked, apply="1", version=browser.library.version)
    made = [change for change in changes if not change.problem]
    assert f"已写入 {len(browser.lines)} 条判定" in done
    assert {line["id"] for line in browser.lines} == {change.row_id or change.pair_id for change in made}


def test_a_replacement_shows_the_facts_that_change_and_what_the_checks_say(browser: Browser) -> None:
    pair = about(browser.library, "乙2刀")
    preview = browser.post("/bulk", action="replace", find="乙2刀", by="99把刀")
    assert f"<small>{pair.question}</small>" in preview
    assert "要点: <mark>乙2刀</mark>" in preview
    assert "要点: <mark>99把刀</mark>" in preview
    doubts = check(browser.library, pair, pair.question, pair.answer.replace("乙2刀", "99把刀"), (("99把刀",),))
    assert {finding.weight for finding in doubts} == {"doubt"}
    told = [WORDS["zh"]["check_doubt"].format(sentence=doubt.reason.sentence("zh")) for doubt in doubts]
    assert all(sentence in preview for sentence in told)


def test_what_was_previewed_is_what_is_done(browser: Browser) -> None:
    seen = browser.library.version
    browser.post(f"/pair/{browser.library.pairs[0].id}", action="accept")
    refused = browser.post("/bulk", action="drop", apply="1", version=seen)
    assert WORDS["zh"]["bulk_changed"] in refused
    assert len(browser.lines) == 1


def test_all_that_match_are_accepted_or_dropped(browser: Browser) -> None:
    pairs = matching(browser.library, Filters(words="兵器"))
    assert f"删除 {len(pairs)} 对</button>" in browser.post("/bulk", action="drop", words="兵器")
    browser.post("/bulk", action="drop", words="兵器", apply="1", version=browser.library.version)
    assert {line["id"] for line in browser.lines} == {pair.id for pair in pairs}
    browser.post("/bulk", action="accept", apply="1", version=browser.library.version)
    assert {browser.library.state(pair) for pair in browser.library.pairs} == {"dropped", "accepted"}


def test_undo_of_many_says_how_many_and_shows_the_pair_that_was_shown(browser: Browser) -> None:
    pairs = browser.library.pairs
    browser.post("/bulk", action="accept", apply="1", version=browser.library.version)
    assert browser.library.decisions.since_the_start() == (len(pairs), 0)
    shown = browser.post("/undo", pair=pairs[2].id)
    assert browser.current(shown) == pairs[2]
    assert WORDS["zh"]["said_many_undone"].replace("{n:,}", str(len(pairs))) in shown
    assert browser.library.decisions.since_the_start() == (0, 0)


def test_each_pair_of_a_replacement_can_be_taken_back_by_itself(browser: Browser) -> None:
    seen = browser.library.version
    browser.post("/bulk", action="replace", find="兵器", by="武器", apply="1", version=seen)
    ids = {line["id"] for line in browser.lines}
    changed = [pair for pair in browser.library.pairs if ids & {pair.id, *(row.id for row in pair.rows)}]
    assert len(changed) > 1
    take_back = f'hx-post="/pair/{changed[0].id}" hx-vals=\'{{"action": "undo"}}\''
    assert take_back in browser.get("/", pair=changed[0].id)
    shown = browser.post(f"/pair/{changed[0].id}", action="undo")
    assert "武器" not in "".join(wording.question for wording in browser.library.shown(changed[0]).wordings)
    assert "武器" in "".join(wording.question for wording in browser.library.shown(changed[1]).wordings)
    assert take_back not in shown


def test_a_replacement_of_nothing_changes_nothing(browser: Browser) -> None:
    assert WORDS["zh"]["bulk_none"] in browser.post("/bulk", action="replace", find="", by="x")


# --- what is wrong ------------------------------------------------------------------------------------------------


def test_a_broken_line_is_a_sentence_that_names_it(browser: Browser) -> None:
    run_in(browser.folder).edits.write_text('{"id": 1}\n', "utf-8")
    assert "edits.jsonl, line 1" in browser.get("/")
    assert browser.status("/") == 409


def test_what_cannot_be_written_is_said_and_nothing_pretends_otherwise(browser: Browser) -> None:
    run_in(browser.folder).edits.mkdir()
    said = browser.post(f"/pair/{browser.library.pairs[0].id}", action="accept")
    assert "edits.jsonl cannot be" in said
    assert browser.library.decisions.since_the_start() == (0, 0)


def test_an_error_of_our_own_is_a_sentence_without_a_trace(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser.library, "refresh", lambda: 1 / 0)
    said = browser.get("/")
    assert browser.headers("/")["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]
    assert said == WORDS["zh"]["broken"].format(kind="ZeroDivisionError")


class Elements(HTMLParser):
    """The elements of a page, each with the names of its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, frozenset[str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, frozenset(name for name, _ in attrs)))


def test_what_somebody_wrote_is_text_wherever_it_stands(tmp_path: Path) -> None:
    hostile = HOSTILE.replace("\ud800", "") + "![x](javascript:alert(1)) [y](javascript:alert(2)) <svg onload=alert(3)>"
    build(tmp_path, f"{BOOK}\n## {hostile}\n\n{hostile}\n\n| {hostile} |\n|---|\n| {hostile} |\n\n戊的兵器是己刀。\n")
    browser = Browser(tmp_path)
    pair = about(browser.library, "己刀")
    browser.post(
        f"/pair/{pair.id}",
        action="mend",
        **{f"question-{row.id}": f"{hostile}{at}" for at, row in enumerate(pair.rows)},
        **dict.fromkeys(("answer", "facts", "note", "tags"), hostile),
    )
    for path in ("/", "/bulk", "/table"):
        raw = browser.raw(path, pair=pair.id, words=hostile)
        assert "<script>alert" not in raw
        assert "\u202e" not in raw
        found = Elements(raw).found
        assert not {tag for tag, _ in found} & {"img", "svg", "style", "iframe", "object", "base"}
        assert sum(tag == "script" for tag, _ in found) == 2
        named = frozenset[str]().union(*(names for _, names in found))
        assert not [name for name in named if name.startswith(("on", "style", "hx-on"))]


def test_assets_are_served_and_nothing_beside_them(browser: Browser) -> None:
    assert browser.status("/assets/htmx.min.js") == 200
    assert browser.status("/assets/../app.py") == 404
    assert browser.status("/assets/%2e%2e/app.py") == 404
