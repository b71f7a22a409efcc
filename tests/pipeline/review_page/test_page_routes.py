"""What the page shows: a pair, its section, the list, the progress and the table of bounds."""

from __future__ import annotations

import re

from tests.support.review_browser import Browser
from tests.support.reviewed import BOOK, about
from wukong_pipe.review.queue import Filters, first_unread, matching
from wukong_pipe.review_page.words import WORDS


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
