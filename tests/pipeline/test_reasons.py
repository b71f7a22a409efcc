"""A reason is a code with values; its sentences in both languages come from one table."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wukong_pipe
from tests.support.odd_texts import TEXTS
from wukong_pipe.reasons import Lang, Reason

PACKAGE = Path(wukong_pipe.__file__).parent
TABLE: dict[str, dict[Lang, str]] = tomllib.loads((PACKAGE / "reasons.toml").read_text("utf-8"))
SCHEMA = Reason.of("schema", reason=Reason.of("wrong-type", subject=Reason.of("field", field="a[0]"), type="string"))
HELD = Reason.of("held-question", similarity="0.71", level=Reason.of("wording"), question="谁？")


def slots(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("code", TABLE)
def test_both_sentences_of_a_code_hold_the_same_values(code: str) -> None:
    assert TABLE[code].keys() == {"en", "zh"}
    assert slots(TABLE[code]["en"]) == slots(TABLE[code]["zh"])


@pytest.mark.parametrize("code", [code for code in TABLE if code not in ("words", "field")])
def test_every_code_has_chinese_words(code: str) -> None:
    assert re.search(r"[\u4e00-\u9fff]", TABLE[code]["zh"])


@pytest.mark.parametrize("code", TABLE)
def test_every_code_is_given_somewhere(code: str) -> None:
    texts = [file.read_text("utf-8") for file in PACKAGE.rglob("*.py")]
    # The level of a held-out question is a code of its own.
    assert code in {"wording", "question", "section", "validation"} or any(f'"{code}"' in text for text in texts)


@pytest.mark.parametrize(
    ("reason", "english", "chinese"),
    [
        (Reason.of("number-gone", number="12"), "number 12 is gone", "缺少数字 12"),
        (Reason.of("given-away"), "the question states its answer", "问题里已经说出答案"),
        (SCHEMA, "schema: “a[0]” is not of type string", "格式不符：“a[0]”的类型不是 string"),
        (HELD, "0.71 alike to a held-out question (wording): “谁？”", "与留出问题（新问法）的相似度为 0.71：“谁？”"),
        (
            Reason.of("edit", line=3, reason=Reason.of("words-new", words="广智")),
            "edits.jsonl, line 3: “广智” is new",
            "edits.jsonl 第 3 行：多出“广智”",
        ),
    ],
)
def test_a_reason_is_a_sentence_in_either_language(reason: Reason, english: str, chinese: str) -> None:
    assert (str(reason), reason.sentence("zh")) == (english, chinese)


def test_reasons_of_one_kind_differ_in_their_values_alone() -> None:
    other = Reason.of("held-question", similarity="0.90", level=Reason.of("section"), question="{who}?")
    assert HELD.kind("en") == "… alike to a held-out question (wording): “…”"
    assert other.kind("zh") == "与留出问题（未训练章节）的相似度为 …：“…”"
    assert SCHEMA.kind("en") == "schema: “…” is not of type …"


def test_what_a_text_was_compared_with_can_be_put_in_later() -> None:
    reason = Reason.of("denies", words="not", source=Reason.of("evidence"))
    other = reason.with_value("source", Reason.of("base-answer"))
    assert str(other) == "“not” denies what the base answer says"
    assert Reason.of("given-away").with_value("source", "x") == Reason.of("given-away")


@pytest.mark.parametrize(
    ("code", "values"), [("number-lost", {"number": "1"}), ("number-gone", {}), ("given-away", {"words": "no"})]
)
def test_a_code_or_value_that_the_table_lacks_is_a_mistake_of_ours(code: str, values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=code):
        Reason.of(code, **values)


@given(TEXTS, st.integers())
def test_a_reason_comes_back_from_its_json_whatever_its_values_hold(text: str, number: int) -> None:
    reason = Reason.of("edit", line=number, reason=Reason.of("words-new", words=text))
    again = Reason.from_json(json.loads(json.dumps(reason.to_json())))
    assert again == reason
    assert text in again.sentence("zh")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ({"reason": "number 12 is gone"}, "number 12 is gone"),
        ({"code": "of-tomorrow", "values": {"words": "x"}}, "of-tomorrow"),
        ({"code": "number-gone", "values": {"figure": 3}}, "number … is gone"),
        ({}, ""),
    ],
)
def test_a_line_of_another_version_is_shown_as_far_as_it_is_known(found: dict[str, object], sentence: str) -> None:
    assert str(Reason.from_json(found)) == sentence
