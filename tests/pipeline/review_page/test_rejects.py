"""What was rejected, on the page: the checks run on it while it is mended, and it says where it would go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.building import run_in
from tests.support.review_browser import Browser
from tests.support.reviewed import about
from wukong_pipe.files import jsonl, read_jsonl, write_text
from wukong_pipe.reasons import Reason
from wukong_pipe.review_page.section_views import section_view
from wukong_pipe.review_page.words import WORDS


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


def test_a_spelling_stands_apart_from_what_can_be_rescued(browser: Browser) -> None:
    pair = about(browser.library, "乙2刀")
    browser = with_reject(browser, "spellings", {"question": pair.question, "fact": "乙", "spelling": "一"})
    section = section_view(browser.library, browser.library.by_id[pair.id], "zh")
    assert [(view.fact, view.spelling) for view in section.spellings] == [("乙", "一")]
    assert "5c1e" not in {view.id for view in section.rejects}


def test_a_rejected_wording_stands_beside_the_pair_that_it_words(browser: Browser) -> None:
    pair = about(browser.library, "乙2刀")
    browser = with_reject(browser, "verify", {"base": pair.question, "question": "谁呢？"})
    first, *_ = section_view(browser.library, browser.library.by_id[pair.id], "zh").rejects
    assert (first.pair_question, first.pair_answer) == (pair.question, pair.answer)
