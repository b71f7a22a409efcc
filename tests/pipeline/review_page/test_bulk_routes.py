"""Many at once: what the preview shows is done and nothing else, and one undo takes it back."""

from __future__ import annotations

from tests.support.review_browser import Browser
from tests.support.reviewed import about
from wukong_pipe.review import bulk
from wukong_pipe.review.checking import check
from wukong_pipe.review.queue import Filters, matching
from wukong_pipe.review_page.words import WORDS


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
