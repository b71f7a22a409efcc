"""A pair is checked against its section: one test a reason, in both languages, and what must pass."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.checking import EN, ZH, checked, pair
from tests.support.odd_texts import TEXTS
from wukong_pipe.checks.answer_in_evidence import answer_doubts
from wukong_pipe.checks.answer_wordings import check_answer
from wukong_pipe.checks.candidates import Candidate, read_pair
from wukong_pipe.checks.findings import worst
from wukong_pipe.checks.pairs import check_pair, known_to
from wukong_pipe.checks.question_form import MAX_ANSWER, MAX_QUESTION, too_long
from wukong_pipe.checks.question_wordings import PARAPHRASE_DOUBTS, check_paraphrase
from wukong_pipe.printable import printable
from wukong_pipe.records import Section


@pytest.mark.parametrize(
    ("section", "question", "answer", "evidence"),
    [
        (ZH, "出云棍由谁掉落？", "石敢当", "**出云棍**由石敢当掉落，需要12块陨铁。"),
        (ZH, "铸造出云棍需要几块陨铁？", "12块", "出云棍由石敢当掉落，需要12块陨铁。"),
        (ZH, "飞龙宝杖的来源是什么？", "小黄龙", "| 飞龙宝杖 | 小黄龙 |"),
        (ZH, "《黑神话：悟空》的土地庙能做什么？", "可以休息。", "**土地庙**：可以休息。"),
        (EN, "When did Armstrong land Eagle?", "On 20 July 1969.", "landed Eagle on 20 July 1969"),
        (EN, "Who was the pilot of Eagle?", "Buzz Aldrin", "| Eagle | Buzz Aldrin |"),
    ],
)
def test_a_good_pair_has_no_reason(section: Section, question: str, answer: str, evidence: str) -> None:
    assert checked(section, question, answer, evidence) is None


@pytest.mark.parametrize(
    ("section", "question", "answer", "evidence", "reason"),
    [
        (ZH, "出云棍由谁掉落？", "石敢当", "由广智掉落。", "evidence is not in the section: “由广智掉落。”"),
        (EN, "Who landed Eagle?", "Neil Armstrong", "Collins did.", "evidence is not in the section"),
        (ZH, "出云棍由谁掉落？", "石敢当", "## 武器", "evidence says nothing: “## 武器”"),
        (EN, "Who landed Eagle?", "Neil Armstrong", "## Landing", "evidence says nothing"),
        (
            ZH,
            "需要几块陨铁？",
            "9块陨铁",
            "出云棍由石敢当掉落，需要12块陨铁。",
            "9 is not in the evidence",
        ),
        (EN, "How many flags?", "He left 3 flags", "He left 2 flags there.", "3 is not in the evidence"),
        (
            ZH,
            "出云棍由谁掉落？",
            "由“广智”掉落",
            "出云棍由石敢当掉落，需要12块陨铁。",
            "“广智” is not in the evidence",
        ),
        (
            EN,
            "Who landed Eagle?",
            "It was Michael Collins",
            "He left 2 flags there.",
            "“Michael” is not in the evidence",
        ),
        (
            ZH,
            "土地庙能做什么？",
            "玩家能够恢复全部状态并且保存进度",
            "可以传送。",
            "nothing of the answer is in the evidence",
        ),
        (ZH, "石敢当掉落出云棍吗？谁掉落？", "石敢当", "可以传送。", "the question states its answer"),
        (EN, "Did Buzz Aldrin pilot it?", "Buzz Aldrin", "He left 2 flags there.", "the question states"),
        (
            ZH,
            "问" * MAX_QUESTION + "？",
            "石敢当",
            "可以传送。",
            f"question longer than {MAX_QUESTION} characters",
        ),
        (EN, "Who?" * 100, "石", "He left 2 flags there.", f"question longer than {MAX_QUESTION} characters"),
        (
            ZH,
            "出云棍由谁掉落？",
            "石" * (MAX_ANSWER + 1),
            "可以传送。",
            f"answer longer than {MAX_ANSWER} characters",
        ),
        (
            ZH,
            "出云棍需要几块陨铁？",
            "一" + "亿" * 600,
            "可以传送。",
            "answer holds a numeral of more than 30 characters",
        ),
        (ZH, "出云棍由谁掉落？", " 。 ", "可以传送。", "no answer in it"),
        (ZH, "出云棍是一根棍。", "石敢当", "可以传送。", "not a question: it does not end in a question mark"),
        (EN, "Eagle had a pilot.", "Buzz Aldrin", "He left 2 flags there.", "not a question"),
    ],
)
def test_a_bad_pair_has_its_reason(section: Section, question: str, answer: str, evidence: str, reason: str) -> None:
    assert reason in (checked(section, question, answer, evidence) or "")


MILLIONS = Section("acme.md", ("Acme", "Bricks"), 1, "## Bricks\n\nThe factory makes 210 million bricks.\n", "en")


def test_a_bare_number_is_grounded_where_the_question_says_its_scale() -> None:
    evidence, asked = "The factory makes 210 million bricks.", "The factory makes how many million bricks?"
    assert checked(MILLIONS, asked, "210", evidence) is None
    assert checked(MILLIONS, "How many bricks does the factory make?", "210", evidence) == "210 is not in the evidence"


CODE = Section(
    "http.md",
    ("HTTP",),
    1,
    "## Formats\n\nHTTP/1.1 is a text format, HTTP/2 a binary one. Pass `http2=True` to `Client`; `read` is slow.\n",
    "en",
)
FORMATS = "HTTP/1.1 is a text format, HTTP/2 a binary one."
PASS = "Pass `http2=True` to `Client`; `read` is slow."


@pytest.mark.parametrize(
    ("question", "answer", "evidence", "weights"),
    [
        ("How is HTTP/2 switched on?", "With `Client(http2=True)`.", PASS, []),
        ("How is HTTP/2 switched on?", "With `Client(http3=True)`.", PASS, ["reject"]),
        ("How is HTTP/2 switched on?", "With `client(http2=True)`.", PASS, ["reject"]),
        ("Write the argument that switches HTTP/2 on.", "`http2=True`", PASS, ["doubt"]),
        ("It is switched on how?", "With `http2=True`.", PASS, ["doubt"]),
        ("What does this section switch on?", "HTTP/2", PASS, ["reject"]),
        ("How is HTTP/2 switched on?", "By `http2=True`, in `POST` too.", PASS, ["doubt"]),
        ("What is slow, beside 99 others?", "`read`.", FORMATS, ["doubt", "doubt"]),
        ("Which is binary, HTTP/1.1 or HTTP/2?", "HTTP/2", FORMATS, []),
        ("Is HTTP/2 a text format?", "No, it is a binary one.", FORMATS, []),
        ("How do HTTP/1.1 and HTTP/2 differ in format?", "HTTP/1.1 is text, HTTP/2 is binary.", FORMATS, []),
    ],
)
def test_what_needs_no_meaning_rejects_and_all_else_is_doubt(
    question: str, answer: str, evidence: str, weights: list[str]
) -> None:
    candidate = read_pair({"question": question, "answer": answer, "evidence": [evidence]}, CODE)
    assert isinstance(candidate, Candidate)
    assert [finding.weight for finding in check_pair(candidate, CODE)] == weights


@given(TEXTS, TEXTS, TEXTS, st.sampled_from([1, 90, 600]))
@settings(deadline=None, max_examples=40)
def test_no_pair_and_no_wording_is_too_odd_to_be_checked(question: str, answer: str, said: str, times: int) -> None:
    odd = Section(
        "odd.md", ("Odd",), 1, f"## Odd\n\n{said} {said[-1:] * 9 * times}\n\n| {said} |\n|---|\n| {answer} |\n"
    )
    pair_ = Candidate(f"{question}？", answer + answer[-1:] * times, (odd.text[8:],), ((8, 9 + len(said)),))
    check_pair(pair_, odd)
    known = known_to(pair_, odd)
    if too_long(pair_.answer) is None:
        list(answer_doubts(pair_.answer, known))
    base = replace(pair(odd, f"What is {said} of {question}?", answer), evidence=(said,))
    for check_wording in PARAPHRASE_DOUBTS:
        check_wording(f"{answer} {question}？", base)


@pytest.mark.parametrize("char", "\x00\x07\x08\x1b\x9b\u00ad\u200b\u202e\u2066\ufeff")
def test_what_nobody_sees_is_in_no_question_or_answer(char: str) -> None:
    asked, said = "Who was the pilot of Eagle?", "Buzz Aldrin"
    reason = f"holds an invisible character: {printable(char)}"
    row = "| Eagle | Buzz Aldrin |"
    assert checked(EN, f"Who {char}was the pilot of Eagle?", said, row) == reason
    assert checked(EN, asked, f"Buzz {char}Aldrin", row) == reason
    base = pair(EN, asked, said)
    assert str(worst(check_paraphrase(f"Who {char}flew Eagle as its pilot?", base))) == reason
    assert str(worst(check_answer(f"Buzz {char}Aldrin.", base))) == reason


def test_a_source_may_hold_what_nobody_sees() -> None:
    section = replace(EN, text=EN.text.replace("Buzz Aldrin", "Buzz\u200b Ald\u00adrin"))
    assert checked(section, "Who was the pilot of Eagle?", "Buzz Aldrin", "| Eagle | Buzz Aldrin |") is None


def test_every_number_that_the_evidence_does_not_give_is_told() -> None:
    said = "The factory makes 99 million bricks in 77 hours."
    evidence = "The factory makes 210 million bricks."
    found = check_pair(Candidate("How many bricks does the factory make?", said, (evidence,), ((13, 50),)), MILLIONS)
    told = [str(finding.reason) for finding in found if finding.reason.code == "amount-not-in-evidence"]
    assert told == ["99000000 is not in the evidence", "77 h is not in the evidence"]
