"""From body bytes to a JSON object, or to a problem: one case for each departure seen in the field."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.provider import completion
from wukong_pipe.schema import check_item
from wukong_pipe.teacher.replies import read_completion, read_object

ITEM = {
    "type": "object",
    "required": ["question", "evidence"],
    "properties": {"question": {"type": "string", "minLength": 2}, "evidence": {"type": "array"}},
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["pairs"],
    "properties": {"pairs": {"type": "array", "items": ITEM}},
    "additionalProperties": False,
}
GOOD = '{"pairs": [{"question": "谁？", "evidence": ["石敢当"]}]}'


# --- the HTTP body ------------------------------------------------------------------------------------------


def test_a_good_completion_gives_content_and_tokens() -> None:
    read = read_completion(completion(GOOD, usage=(7, 3)).body)
    assert (read.content, read.finish_reason, read.tokens_in, read.tokens_out, read.problem) == (
        GOOD,
        "stop",
        7,
        3,
        None,
    )


def test_blank_lines_before_the_body_are_passed_over() -> None:
    assert read_completion(b"\n\n\n" + completion(GOOD).body).content == GOOD


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "the body is not JSON"),
        (b"<html>502</html>", "the body is not JSON"),
        (b"\xff\xfe\xff", "the body is not JSON"),
        (b"[" * 100_000, "nested more than 64 levels deep"),
        (b"[]", "the body is not a JSON object"),
        (b"{}", "the reply has no choices"),
        (b'{"choices": null}', "the reply has no choices"),
        (b'{"choices": []}', "the reply has no choices"),
        (b'{"choices": [null]}', "the reply has no choices"),
        (b'{"error": {"message": "upstream"}}', "the body holds an error, not a reply"),
        (b'{"choices": [{"message": null}]}', "the content is empty"),
        (b'{"choices": [{"message": {"content": [1]}}]}', "the content is not text"),
        (completion(None).body, "the content is empty"),
        (completion("").body, "the content is empty"),
        (completion(GOOD, "length").body, "cut off at max_tokens (finish_reason length)"),
        (
            completion('{"pairs":' + " \n" * 400, "length").body,
            "cut off at max_tokens in a run of white space (finish_reason length)",
        ),
        (
            completion(GOOD, "content_filter").body,
            "stopped by the provider's content filter (finish_reason content_filter)",
        ),
        (completion(None, refusal="I\ncannot").body, "the teacher refused: I cannot"),
    ],
)
def test_a_body_without_a_usable_reply_is_named_for_what_it_is(body: bytes, problem: str) -> None:
    assert str(read_completion(body).problem) == problem


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_never_taken_for_the_answer(name: str) -> None:
    read = read_completion(completion(None, usage=None, **{name: GOOD}).body)
    assert read.content == ""
    assert name in str(read.problem)


@pytest.mark.parametrize("usage", [b'"many"', b"[]", b'{"prompt_tokens": -1}', b'{"prompt_tokens": true}', b"null"])
def test_usage_that_is_no_count_is_unknown(usage: bytes) -> None:
    read = read_completion(b'{"choices": [{"message": {"content": "x"}}], "usage": ' + usage + b"}")
    assert (read.tokens_in, read.tokens_out) == (None, None)


# --- the object in the content ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        f"\ufeff{GOOD}",
        f"```json\n{GOOD}\n```",
        f"Here you are, in {{the}} form asked for:\n{GOOD}\nAnything else?",
        f"<think>maybe {{}}</think>\n\n{GOOD}",
        f'<think reason="x">a<think>b</think>c {{"pairs": []}}</think>{GOOD}',
        f"<think></think>{GOOD}",
        f'the template opened the block: {{"pairs": []}} </think>{GOOD}',
        f'For example {{"pairs": []}}. Now the answer: {GOOD}',
        f"[Note] {GOOD}",
    ],
)
def test_the_object_is_found_whatever_stands_around_it(content: str) -> None:
    assert read_object(content, SCHEMA) == (json.loads(GOOD), None)


def test_think_tags_inside_the_answer_are_its_own_words() -> None:
    content = '{"pairs": [{"question": "What is <think>?", "evidence": ["</think>"]}]}'
    assert read_object(content, SCHEMA) == (json.loads(content), None)


def test_whole_numbers_with_a_point_are_integers_and_others_are_not() -> None:
    value, _ = read_object('{"pairs": [1.0, -2e0, 1.5, "1.0"]}', SCHEMA)
    assert value is not None
    assert [(number, type(number)) for number in value["pairs"]] == [(1, int), (-2, int), (1.5, float), ("1.0", str)]


def test_raw_line_breaks_inside_strings_are_read() -> None:
    value, problem = read_object('{"pairs": ["a\nb"]}', SCHEMA)
    assert (value, problem) == ({"pairs": ["a\nb"]}, None)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "the content is empty"),
        ("I cannot do that.", "no JSON object in the reply"),
        (f"<think>I might say {GOOD}", "only thinking, no answer"),
        ("<think>done</think>", "only thinking, no answer"),
        ("[1, 2]", "a JSON array, not an object"),
        ("{}", "“pairs” is missing"),
        (f'{{"result": {GOOD}}}', "“pairs” is missing"),
        ('{"pairs": {}}', "“pairs” is not of type array"),
        ('{"pairs": [], "pairs": []}', "duplicate key “pairs”"),
        ('{"pairs": [{"a": 1, "a": 2}]}', "duplicate key “a”"),
        ('{"pairs": ["\\ud83d"]}', "a lone surrogate: text that is not valid Unicode"),
        ('{"pairs": ["\ud83d"]}', "a lone surrogate: text that is not valid Unicode"),
        ('{"pairs": [NaN]}', "a number that is not valid JSON"),
        ('{"pairs": [' + "9" * 5000 + "]}", "a number that is not valid JSON"),
        ('{"pairs": [1e999]}', "a number that is not valid JSON"),
        ('{"pairs": ' + "[" * 100_000, "nested more than 32 levels deep"),
        *(
            (f'{{"pairs": [{"[" * levels}{"]" * levels}]}}', "nested more than 32 levels deep")
            for levels in (31, 600, 700, 900, 5_000)
        ),
        ('{"pairs": [' + "0," * 1000 + "0]}", "more than 1000 entries in one list"),
        ('{"pairs": [{"evidence": [' + '"",' * 1000 + '""]}]}', "more than 1000 entries in one list"),
        ('{"pairs": [{"question": "谁', "broken JSON at character 24: unterminated string"),
    ],
)
def test_a_reply_without_the_object_says_why(content: str, problem: str) -> None:
    value, reason = read_object(content, SCHEMA)
    assert (value, str(reason)) == (None, problem)


def test_a_reply_of_30_levels_and_1000_entries_is_read() -> None:
    value, problem = read_object(f'{{"pairs": [{"[" * 30}{"]" * 30}, {"0," * 998}0]}}', SCHEMA)
    assert problem is None
    assert value is not None
    assert len(value["pairs"]) == 1000


def test_an_object_inside_a_truncated_one_is_never_taken_for_the_answer() -> None:
    value, problem = read_object(f'{{"note": "x", "inner": {GOOD}, "more": ', SCHEMA)
    assert value is None
    assert str(problem).startswith("broken JSON")


def test_bad_items_do_not_spoil_the_good_ones() -> None:
    value, _ = read_object('{"pairs": [3, {"question": "谁？", "evidence": []}]}', SCHEMA)
    assert value is not None
    assert [str(check_item(item, ITEM)) for item in value["pairs"]] == ["the item is not of type object", "None"]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"question": "谁？"}, "“evidence” is missing"),
        ({"question": 3, "evidence": []}, "“question” is not of type string"),
        ({"question": "?", "evidence": []}, "“question” breaks minLength 2"),
        ({"question": "谁？", "evidence": [], "x": 1}, "the item has a property that was not asked for"),
    ],
)
def test_an_item_that_does_not_fit_is_told_in_a_few_words(item: Any, reason: str) -> None:
    assert str(check_item(item, ITEM)) == reason


# --- whatever comes -----------------------------------------------------------------------------------------

FRAGMENTS = st.lists(
    st.sampled_from(
        [
            "{",
            "}",
            "[",
            '"',
            "\\",
            ":",
            ",",
            "<think>",
            "</think>",
            "```",
            "\ud800",
            "1",
            " ",
            '{"pairs":[',
            GOOD,
        ]
    )
).map("".join)


@given(st.binary() | st.text().map(lambda text: json.dumps(text).encode()))
@settings(max_examples=150, deadline=None)
def test_no_bytes_make_the_reader_raise(body: bytes) -> None:
    read = read_completion(body)
    read_object(read.content, SCHEMA)


@given(FRAGMENTS)
@settings(max_examples=200, deadline=None)
def test_no_content_makes_the_reader_raise_and_a_value_always_fits(content: str) -> None:
    value, problem = read_object(content, SCHEMA)
    assert (value is None) == bool(problem)
    assert value is None or isinstance(value["pairs"], list)


@pytest.mark.parametrize(
    "piece",
    [
        "{",
        '{"',
        '{"a":',
        "<think>",
        "</think>",
        "<think ",
        '{ "a" <think>',
        '{"pairs":[',
        "\\",
        '{"pairs":[]} ',
        '{"\\"',
    ],
)
def test_five_megabytes_of_the_worst_are_read_in_linear_time(piece: str) -> None:
    content = "x" + piece * (5_000_000 // len(piece))
    start = time.process_time()
    read_object(content, SCHEMA)
    assert time.process_time() - start < 8
