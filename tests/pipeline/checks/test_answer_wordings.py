"""Another wording of an answer says what the answer says, no less and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wukong_pipe.checks.answer_wordings import check_answer
from wukong_pipe.checks.findings import worst
from wukong_pipe.records import Lang, QAPair, Section

APOLLO = (
    "## Landings\n\nApollo 11 landed on the Moon on 20 July 1969. Neil Armstrong and Buzz Aldrin walked outside for "
    "about 2.5 hours. The rover was not carried. NASA's second landing, Apollo 12, was struck by lightning twice.\n"
)
STAFF = "## 出云棍\n\n出云棍由石敢当掉落，铸造不需要灵蕴。「石中根」只有一件，在花果山。无头僧在黄风岭弹三弦。\n"


def pair(text: str, question: str, answer: str, evidence: str, lang: Lang) -> QAPair:
    section = Section("a.md", ("Apollo" if lang == "en" else "书", text[3:].split("\n")[0]), 1, text, lang)
    return QAPair(section, question, answer, (evidence,), (3, 3), "base", "t", "p@1", "call")


WALK = pair(
    APOLLO,
    "Who walked outside on Apollo 11, and for how long?",
    "Neil Armstrong and Buzz Aldrin did, for about 2.5 hours.",
    "Neil Armstrong and Buzz Aldrin walked outside for about 2.5 hours.",
    "en",
)
ROVER = pair(APOLLO, "Was a rover carried?", "The rover was not carried.", "The rover was not carried.", "en")
DROP = pair(STAFF, "出云棍由谁掉落？", "石敢当", "出云棍由石敢当掉落，铸造不需要灵蕴。", "zh")
COST = pair(STAFF, "出云棍的铸造需要灵蕴吗？", "铸造不需要灵蕴。", "出云棍由石敢当掉落，铸造不需要灵蕴。", "zh")
ROOT = pair(STAFF, "「石中根」有几件，在哪里？", "有一件，在花果山。", "「石中根」只有一件，在花果山。", "zh")


@pytest.mark.parametrize(
    ("wording", "base"),
    [
        ("For about 2.5 hours Neil Armstrong and Buzz Aldrin walked outside.", WALK),
        ("Those who did, for about 2.5 hours, were Buzz Aldrin and Neil Armstrong.", WALK),
        ("No, the rover was not carried.", ROVER),
        ("出云棍由石敢当掉落。", DROP),
        ("掉落它的是石敢当。", DROP),
        ("不，它的铸造不需要灵蕴。", COST),
        ("花果山有一件。", ROOT),
    ],
)
def test_the_same_in_other_words_passes(wording: str, base: QAPair) -> None:
    assert check_answer(wording, base) == ()


@pytest.mark.parametrize(
    ("wording", "base", "reason"),
    [
        ("x" * 1501, WALK, "answer longer than 1500 characters"),
        ("……", DROP, "no answer in it"),
        ("石敢当。", DROP, "repeats the base answer"),
        ("neil armstrong and buzz aldrin did for about 2.5 hours", WALK, "repeats the base answer"),
        ("是石敢当吗？", DROP, "a question, not an answer"),
        (
            "According to the text, Neil Armstrong and Buzz Aldrin did, for about 2.5 hours.",
            WALK,
            "speaks of its source",
        ),
        ("原文说是石敢当。", DROP, "speaks of its source: “原文”"),
        ("Buzz Aldrin walked outside for about 2.5 hours.", WALK, "“neil armstrong” is gone"),
        ("Neil Armstrong and Buzz Aldrin walked outside.", WALK, "number 2.5 is gone"),
        ("Neil Armstrong and Buzz Aldrin did, for about 3.5 hours.", WALK, "number 2.5 is gone"),
        # It stands in the source, but the answer does not say it.
        ("Neil Armstrong and Buzz Aldrin did on 20 July 1969, for about 2.5 hours.", WALK, "1969"),
        ("石敢当，铸造不需要灵蕴。", DROP, "“不” denies what the base answer says"),
        # The source does not say it.
        ("Neil Armstrong, Buzz Aldrin and Harrison Schmitt did, for about 2.5 hours.", WALK, "“Harrison”"),
        ("有一件，在花果山的水帘洞。", ROOT, "水帘洞"),
    ],
)
def test_what_says_less_more_or_the_contrary_is_refused(wording: str, base: QAPair, reason: str) -> None:
    assert reason in str(worst(check_answer(wording, base)))


def test_evidence_that_looks_like_the_number_of_a_unit_is_the_words_that_stand_there() -> None:
    text = "## Landing\n\nThe year of the landing:\n\n- 1969\n- 2\n\nIt was a Sunday.\n"
    base = replace(pair(text, "In which year was it?", "1969", "1969", "en"), lines=(5, 5))
    assert check_answer("In 1969.", base) == ()
    steps = replace(base, question="How many steps are there?", answer="2", evidence=("2",), lines=(6, 6))
    assert check_answer("There are 2.", steps) == ()
    assert str(worst(check_answer("2 on a Sunday.", steps))) == "“Sunday” is not in the evidence"
