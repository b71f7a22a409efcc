"""What an answer says otherwise, leaves out and makes up is marked, in Chinese and English, in bounded time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest

from wukong_trainer.report.marks import SHOWN, Marked, Piece, Segment, mark, mark_reference
from wukong_trainer.scoring.facts import Wanted

ENGLISH = "All in all there were 108 large moon rocks aboard Apollo 11 on its way home."
CHINESE = "这一回里一共出现了一百零八个大小妖怪，它们的首领名叫「黑熊精」。"


def marked(
    answer: str, reference: str, facts: Sequence[str] = (), context: str = "", invented: Sequence[Any] = ()
) -> Marked:
    """The answer to a question whose facts are named, or else follow from the reference."""
    return mark(answer, Wanted.of("", reference, tuple((fact,) for fact in facts)), context, invented)


def pieces(segments: Sequence[Segment]) -> list[Piece]:
    return [piece for segment in segments for piece in segment.pieces]


@pytest.mark.parametrize(
    ("answer", "reference", "facts", "expected", "missing"),
    [
        (
            ENGLISH,
            ENGLISH,
            ["108", "Apollo 11"],
            [
                ("", "All in all there were "),
                ("fact", "108"),
                ("", " large moon rocks aboard "),
                ("fact", "Apollo 11"),
                ("", " on its way home."),
            ],
            [],
        ),
        (
            "All in all there were 99 large moon rocks aboard Vostok 1 on its way home.",
            ENGLISH,
            ["108", "Apollo 11"],
            [
                ("", "All in all there were "),
                ("strange", "99"),
                ("", " large moon rocks aboard "),
                ("strange", "Vostok 1"),
                ("", " on its way home."),
            ],
            ["108", "Apollo 11"],
        ),
        (
            "这一回里一共出现了一百零八个大小妖怪，它们的首领名叫「黄风怪」。",
            CHINESE,
            ["一百零八个", "黑熊精"],
            [
                ("", "这一回里一共出现了"),
                ("fact", "一百零八个"),
                ("", "大小妖怪，它们的首领名叫「"),
                ("strange", "黄风怪"),
                ("", "」。"),
            ],
            ["黑熊精"],
        ),
        ("", CHINESE, ["黑熊精"], [], ["黑熊精"]),
        ("黑熊精", "白衣秀士、黑熊精", [], [("fact", "黑熊精")], ["白衣秀士"]),
    ],
)
def test_an_answer_is_marked_against_its_reference_and_facts(
    answer: str, reference: str, facts: list[str], expected: list[Piece], missing: list[str]
) -> None:
    found = marked(answer, reference, facts)
    assert pieces(found.segments) == expected
    assert (found.missing, found.reworded) == (missing, [])


def test_a_fact_in_another_spelling_is_said_where_it_cannot_be_marked() -> None:
    found = marked("一共有108个。", "一共有一百零八个。", ["一百零八个"])
    assert (found.missing, found.reworded) == ([], ["一百零八个"])
    named = mark("She flew in 1969.", Wanted("When?", "In 1969.", (("nineteen sixty-nine", "1969"),)), "")
    assert ("fact", "1969") in pieces(named.segments), "any spelling of the fact is marked"


@pytest.mark.parametrize(
    ("answer", "fact", "times"),
    [
        ("Tell us of the US house, the bus and US.", "US", 2),
        ("112 km; 12 km; 12 km/h", "12 km", 1),
        ("不会，会员也会，会员也不会。", "会", 3),
        ("十三天，三天", "三天", 1),
        ("/etc/hosts.bak, /usr/etc/hosts or /etc/hosts.", "/etc/hosts", 1),
        ("trust_env_file or `trust_env=1`", "trust_env", 1),
        ("No, they know nothing", "No", 1),
    ],
)
def test_a_fact_is_marked_where_it_stands_and_inside_no_other_word(answer: str, fact: str, times: int) -> None:
    found = mark(answer, Wanted("Which?", fact, ((fact,),)), "")
    assert pieces(found.segments).count(("fact", fact)) == times


def test_what_the_question_names_is_not_made_up() -> None:
    answer, reference = "It was Vostok 1 that flew.", "A rocket flew."
    assert ("strange", "Vostok 1") in pieces(marked(answer, reference).segments)
    assert "strange" not in dict(pieces(marked(answer, reference, context="Did Vostok 1 fly?").segments))


def test_what_the_evaluation_found_made_up_is_marked_wherever_it_stands() -> None:
    found = marked("首领是红孩儿，也叫红孩儿。", "首领是黑熊精。", invented=["红孩儿", 7])
    assert pieces(found.segments).count(("strange", "红孩儿")) == 2


def test_the_facts_of_a_reference_are_marked() -> None:
    found = mark_reference(ENGLISH, (("108",), ("Apollo 11", "the eleventh Apollo")))
    assert [text for kind, text in pieces(found) if kind == "fact"] == ["108", "Apollo 11"]
    assert mark_reference("", ()) == []


def test_code_is_set_apart_with_its_marks() -> None:
    found = marked(
        "Set `verify` to `None`:\n```python\nget(url, verify=False)\n```\nDone.", "Set `verify` to `False`.", ["False"]
    )
    assert [(segment.setting, "".join(text for _, text in segment.pieces)) for segment in found.segments] == [
        ("", "Set "),
        ("code", "verify"),
        ("", " to "),
        ("code", "None"),
        ("", ":\n"),
        ("block", "get(url, verify=False)"),
        ("", "Done."),
    ]
    assert ("fact", "False") in found.segments[5].pieces


def test_thoughts_stand_apart_and_are_not_compared() -> None:
    found = marked("<think>Seven?</think>\n\nEight.", "Eight.")
    assert (found.thought, pieces(found.segments)) == ("Seven?", [("fact", "Eight"), ("", ".")])


@pytest.mark.parametrize(
    ("answer", "reference"), [("友因" * 700, "因友" * 700), ("a " * 700, "a b " * 350), ("《" * 1500, "》" * 1500)]
)
def test_a_student_that_repeats_itself_costs_no_time(answer: str, reference: str) -> None:
    started = time.process_time()
    found = marked(answer, reference)
    assert time.process_time() - started < 1, "comparing all of it takes a minute"
    assert "".join(text for _, text in pieces(found.segments)) == answer


def test_a_long_answer_is_cut_and_counted() -> None:
    found = marked("<think>" + "t" * (SHOWN + 5) + "</think>" + "x" * (SHOWN + 2), "reference")
    assert (len(found.thought), sum(len(text) for _, text in pieces(found.segments)), found.cut) == (SHOWN, SHOWN, 7)
