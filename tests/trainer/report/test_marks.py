"""What an answer says otherwise, leaves out and makes up is marked, in Chinese and English, in bounded time."""

from __future__ import annotations

import time

import pytest

from wukong_trainer.report.marks import SHOWN, mark, mark_reference

ENGLISH = "All in all there were 108 large moon rocks aboard Apollo 11 on its way home."
CHINESE = "这一回里一共出现了一百零八个大小妖怪，它们的首领名叫「黑熊精」。"


@pytest.mark.parametrize(
    ("answer", "reference", "pieces", "missing"),
    [
        (ENGLISH, ENGLISH, [("", ENGLISH)], []),
        (
            "All in all there were 99 large moon rocks aboard Vostok 1 on its way home.",
            ENGLISH,
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
            "这一回里一共出现了108个大小妖怪，它们的首领名叫「黄风怪」。",
            CHINESE,
            [
                ("", "这一回里一共出现了"),
                ("extra", "108"),
                ("", "个大小妖怪，它们的首领名叫「"),
                ("strange", "黄风怪"),
                ("", "」。"),
            ],
            ["黑熊精"],
        ),
        ("", CHINESE, [], ["108", "黑熊精"]),
        ("黑熊精", "白衣秀士、黑熊精", [("", "黑熊精")], ["白衣秀士"]),
    ],
)
def test_an_answer_is_marked_against_its_reference(
    answer: str, reference: str, pieces: list[tuple[str, str]], missing: list[str]
) -> None:
    found = mark(answer, reference, "")
    assert found.pieces == pieces
    assert found.missing == missing


def test_what_the_question_names_is_not_made_up() -> None:
    assert ("strange", "Vostok 1") in mark("It was Vostok 1 that flew.", "A rocket flew.", "").pieces
    assert "strange" not in dict(mark("It was Vostok 1 that flew.", "A rocket flew.", "Did Vostok 1 fly?").pieces)


def test_what_the_evaluation_found_made_up_is_marked_wherever_it_stands() -> None:
    pieces = mark("首领是红孩儿，也叫红孩儿。", "首领是黑熊精。", "", ["红孩儿", 7]).pieces
    assert pieces.count(("strange", "红孩儿")) == 2


def test_the_key_facts_of_a_reference_are_marked() -> None:
    assert [text for kind, text in mark_reference(ENGLISH) if kind == "fact"] == ["108", "Apollo 11"]
    assert [text for kind, text in mark_reference(CHINESE) if kind == "fact"] == ["一百零八", "黑熊精"]
    assert mark_reference("") == []


def test_thoughts_stand_apart_and_are_not_compared() -> None:
    found = mark("<think>Seven?</think>\n\nEight.", "Eight.", "")
    assert (found.thought, "".join(text for _, text in found.pieces)) == ("Seven?", "Eight.")


@pytest.mark.parametrize(
    ("answer", "reference"), [("友因" * 700, "因友" * 700), ("a " * 700, "a b " * 350), ("《" * 1500, "》" * 1500)]
)
def test_a_student_that_repeats_itself_costs_no_time(answer: str, reference: str) -> None:
    started = time.process_time()
    found = mark(answer, reference, "")
    assert time.process_time() - started < 1, "comparing all of it takes a minute"
    assert "".join(text for _, text in found.pieces) == answer


def test_a_long_answer_is_cut_and_counted() -> None:
    found = mark("<think>" + "t" * (SHOWN + 5) + "</think>" + "x" * (SHOWN + 2), "reference", "")
    assert (len(found.thought), sum(len(text) for _, text in found.pieces), found.cut) == (SHOWN, SHOWN, 7)
