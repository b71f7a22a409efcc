"""The checks on what a teacher wrote: one test a reason, in both languages, and what must pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.odd_texts import TEXTS
from wukong_pipe.checks.answer_wordings import check_answer
from wukong_pipe.checks.pairs import (
    MAX_ANSWER,
    MAX_QUESTION,
    PAIR_CHECKS,
    PARAPHRASE_CHECKS,
    Candidate,
    check_pair,
    check_paraphrase,
    check_question,
    covered_units,
    find_evidence,
    read_pair,
    too_long,
)
from wukong_pipe.printable import printable
from wukong_pipe.records import QAPair, Section

ZH = Section(
    "game.md",
    ("黑神话：悟空", "武器"),
    10,
    "## 武器\n\n**出云棍**由石敢当掉落，需要12块陨铁。打败石敢当之后可以铸造它！它没有特效。\n\n"
    "- **土地庙**：可以休息。\n- 可以传送。\n\n"
    "| 武器 | 来源 |\n|---|---|\n| 木棍 | 初始武器 |\n| 飞龙宝杖 | 小黄龙 |\n",
)
EN = Section(
    "moon.md",
    ("Apollo", "Landing"),
    1,
    "## Landing\n\nNeil Armstrong landed *Eagle* on 20 July 1969. He left 2 flags there. It was not easy.\n\n"
    "| Craft | Pilot |\n|---|---|\n| Eagle | Buzz Aldrin |\n",
    "en",
)


def checked(section: Section, question: str, answer: str, *evidence: str) -> str | None:
    candidate = read_pair({"question": question, "answer": answer, "evidence": list(evidence)}, section)
    return candidate if isinstance(candidate, str) else check_pair(candidate, section)


def pair(section: Section, question: str, answer: str) -> QAPair:
    return QAPair(section, question, answer, ("e",), (1, 1), "base", "t", "p", "c")


# --- pairs --------------------------------------------------------------------------------------------------


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
            "出云棍由谁掉落？",
            "石敢当",
            ZH.text.split("\n")[2],
            "evidence is longer than two sentences, one row or one item",
        ),
        (
            ZH,
            "木棍的来源是什么？",
            "初始武器",
            "| 木棍 | 初始武器 |\n| 飞龙宝杖 | 小黄龙 |",
            "evidence is longer",
        ),
        (ZH, "土地庙能做什么？", "可以休息", "**土地庙**：可以休息。\n- 可以传送。", "evidence is longer"),
        (EN, "Who landed Eagle?", "Neil Armstrong", EN.text.split("\n")[2], "evidence is longer"),
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
        (
            EN,
            "Who landed Eagle?",
            "some quiet gentleman who enjoyed flying",
            "He left 2 flags there.",
            "“quiet” is not in the evidence",
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
        (ZH, "出云棍是一根棍。", "石敢当", "可以传送。", "not a question: it does not end in a question mark"),
        (EN, "Eagle had a pilot.", "Buzz Aldrin", "He left 2 flags there.", "not a question"),
    ],
)
def test_a_bad_pair_has_its_reason(section: Section, question: str, answer: str, evidence: str, reason: str) -> None:
    assert reason in (checked(section, question, answer, evidence) or "")


MILLIONS = Section("acme.md", ("Acme", "Bricks"), 1, "## Bricks\n\nThe factory makes 210 million bricks.\n", "en")


def test_a_bare_number_is_grounded_where_the_question_says_its_scale_and_a_wording_must_say_it_too() -> None:
    evidence, asked = "The factory makes 210 million bricks.", "The factory makes how many million bricks?"
    assert checked(MILLIONS, asked, "210", evidence) is None
    assert checked(MILLIONS, "How many bricks does the factory make?", "210", evidence) == "210 is not in the evidence"
    asking = replace(pair(MILLIONS, asked, "210"), evidence=(evidence,))
    assert check_paraphrase("How many million bricks does the factory make?", asking) is None
    reason = "the scale of “210 million” is gone"
    assert check_paraphrase("How many bricks does the factory make?", asking) == reason


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("上文提到的武器是什么？", "上文"),
        ("根据本节，谁掉落出云棍？", "本节"),
        ("它由谁掉落？", "它"),
        ("该武器由谁掉落？", "该"),
        ("Who is named in the text above?", "the text"),
        ("What does this section say of Eagle?", "this section"),
        ("As mentioned above, who landed Eagle?", "mentioned above"),
        ("When did he land Eagle and it took off?", ""),
        ("It landed when?", "It"),
        ("When did Eagle land, according to the passage?", "the passage"),
    ],
)
def test_a_question_that_leans_on_its_text_does_not_stand_alone(question: str, words: str) -> None:
    expected = f"does not stand alone: “{words}”" if words else None
    assert check_question(question) == expected


@pytest.mark.parametrize("question", ["？", "?!?", "“”？"])
def test_marks_alone_are_no_question(question: str) -> None:
    assert check_question(question)


@pytest.mark.parametrize("question", ["石敢当说“谁？”", "Who said 'Houston?'", "谁？ "])
def test_a_question_mark_may_stand_inside_closing_quotes(question: str) -> None:
    assert "not a question" not in (check_question(question) or "")


@pytest.mark.parametrize(
    "question",
    [
        "Name the pilot of Eagle.",
        "Please list the craft",
        "List 2 craft.",
        "List Apollo missions.",
        "state whether Eagle landed",
        "Define orbital flight.",
        "Tell me who flew.",
        "请列出两种武器。",
        "介绍出云棍",
        "解释出云棍的用法。",
        "说明出云棍的来源",
    ],
)
def test_an_order_that_asks_for_an_answer_is_a_question(question: str) -> None:
    assert check_question(question) is None


@pytest.mark.parametrize(
    "question",
    [
        "Naming is hard.",
        "Drop a hammer.",
        "List price is 60 dollars.",
        "State capitals are large.",
        "Name ancient craft and it flies.",
        "请坐。",
        "出云棍的介绍",
        "解释权归游戏科学所有。",
        "说明书里写着答案。",
        "介绍信在土地庙。",
        "比较难打的是石敢当。",
        "概括来说是武器。",
    ],
)
def test_another_order_or_statement_is_none(question: str) -> None:
    assert "not a question" in (check_question(question) or "")


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({"question": "谁？", "answer": "谁"}, "“evidence” is missing"),
        ({"question": "谁？", "answer": "", "evidence": ["x"]}, "“answer” breaks minLength 1"),
        ({"question": 3, "answer": "x", "evidence": ["x"]}, "“question” is not of type string"),
        ({"question": "谁？", "answer": "x", "evidence": []}, "“evidence” breaks minItems 1"),
        ("谁？", "the item is not of type object"),
    ],
)
def test_an_item_of_another_form_is_told_in_a_few_words(item: Any, problem: str) -> None:
    assert read_pair(item, ZH) == f"schema: {problem}"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (
            {"question": "谁" * 10**6, "answer": "x", "evidence": ["y"]},
            f"question longer than {MAX_QUESTION} characters",
        ),
        ({"question": "谁？", "answer": "x" * 10**6, "evidence": ["y"]}, f"answer longer than {MAX_ANSWER} characters"),
        ({"question": "谁？", "answer": "x", "evidence": ["石敢当"] * 101}, "more than 100 pieces of evidence"),
        (
            {"question": "谁？", "answer": "x", "evidence": ['[a](b "' * 10**5]},
            "evidence is not in the section: “" + ('[a](b "' * 10)[:60] + "”",
        ),
    ],
)
def test_an_item_of_any_size_is_rejected_before_it_is_looked_at(item: Any, reason: str) -> None:
    assert read_pair(item, ZH) == reason


def test_white_space_and_markup_may_make_evidence_longer_than_its_section() -> None:
    section = Section("a.md", ("A",), 1, "The Kelmar weighs 417 kilograms.\n", "en")
    candidate = read_pair(
        {"question": "谁？", "answer": "x", "evidence": ["**The Kelmar\n  weighs 417 kilograms.**"]}, section
    )
    assert isinstance(candidate, Candidate)
    assert candidate.evidence == ("The Kelmar weighs 417 kilograms.",)


def test_a_pair_is_not_lost_over_its_kind_or_a_field_too_many() -> None:
    item = {"question": " 谁？ ", "answer": " 石敢当\n", "evidence": ["可以传送。"], "level": 3}
    candidate = read_pair(item, ZH)
    assert isinstance(candidate, Candidate)
    assert (candidate.question, candidate.answer, candidate.kind) == ("谁？", "石敢当", "base")


@given(TEXTS, TEXTS, TEXTS, st.sampled_from([1, 90, 600]))
@settings(deadline=None, max_examples=40)
def test_no_pair_and_no_wording_is_too_odd_to_be_checked(question: str, answer: str, said: str, times: int) -> None:
    odd = Section(
        "odd.md", ("Odd",), 1, f"## Odd\n\n{said} {said[-1:] * 9 * times}\n\n| {said} |\n|---|\n| {answer} |\n"
    )
    pair_ = Candidate(f"{question}？", answer + answer[-1:] * times, (odd.text[8:],), ((8, 9 + len(said)),))
    check_pair(pair_, odd)
    for check in PAIR_CHECKS[2:] if too_long(pair_.answer) is None else ():
        check(pair_, odd)
    base = replace(pair(odd, f"What is {said} of {question}?", answer), evidence=(said,))
    for check_wording in PARAPHRASE_CHECKS:
        check_wording(f"{answer} {question}？", base)


# --- evidence -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "said", "verbatim"),
    [
        (ZH, "出云棍由石敢当掉落，需要12块陨铁。", "出云棍**由石敢当掉落，需要12块陨铁。"),
        (ZH, "| 木棍 |初始武器|", "木棍 | 初始武器"),
        (ZH, " 可以传送。\n", "可以传送。"),
        (EN, "landed Eagle on\n20 July 1969.", "landed *Eagle* on 20 July 1969."),
    ],
)
def test_evidence_is_written_back_as_the_source_has_it(section: Section, said: str, verbatim: str) -> None:
    candidate = read_pair({"question": "谁？", "answer": "x", "evidence": [said]}, section)
    assert isinstance(candidate, Candidate)
    assert candidate.evidence == (verbatim,)
    (span,) = candidate.spans
    assert span is not None
    assert section.text[slice(*span)] == verbatim


@given(st.integers(0, len(ZH.text)), st.integers(1, 40))
def test_every_slice_of_the_source_is_found_in_it(start: int, length: int) -> None:
    said = ZH.text[start : start + length]
    span = find_evidence(said, ZH)
    if said.strip():
        assert span is not None
        assert ZH.text[slice(*span)] == said.strip()
    else:
        assert span is None


@pytest.mark.parametrize("piece", ['[a](b "', "<!-- a ", "**", " ", "``a`", "the crew. "])
def test_evidence_much_longer_than_its_section_is_not_in_it(piece: str) -> None:
    assert find_evidence(piece * (10_000_000 // len(piece)), EN) is None


@pytest.mark.parametrize("char", "\x00\x07\x08\x1b\x9b\u00ad\u200b\u202e\u2066\ufeff")
def test_what_nobody_sees_is_in_no_question_or_answer(char: str) -> None:
    asked, said = "Who was the pilot of Eagle?", "Buzz Aldrin"
    reason = f"holds an invisible character: {printable(char)}"
    row = "| Eagle | Buzz Aldrin |"
    assert checked(EN, f"Who {char}was the pilot of Eagle?", said, row) == reason
    assert checked(EN, asked, f"Buzz {char}Aldrin", row) == reason
    base = pair(EN, asked, said)
    assert check_paraphrase(f"Who {char}flew Eagle as its pilot?", base) == reason
    assert check_answer(f"Buzz {char}Aldrin.", base) == reason


def test_a_source_may_hold_what_nobody_sees() -> None:
    section = replace(EN, text=EN.text.replace("Buzz Aldrin", "Buzz\u200b Ald\u00adrin"))
    assert checked(section, "Who was the pilot of Eagle?", "Buzz Aldrin", "| Eagle | Buzz Aldrin |") is None


def test_a_span_covers_the_units_it_touches() -> None:
    span = find_evidence("木棍 | 初始武器", ZH)
    assert [unit.cells for unit in covered_units([span, None], ZH)] == [("木棍", "初始武器")]


# --- paraphrases --------------------------------------------------------------------------------------------

DROPS = pair(ZH, "打败石敢当之后，出云棍需要12块什么？", "陨铁")
LANDED = pair(EN, "Who landed Eagle on 20 July 1969?", "Neil Armstrong")


@pytest.mark.parametrize(
    ("base", "question"),
    [
        (DROPS, "要铸造石敢当的出云棍，得有十二块哪种材料？"),
        (DROPS, "石敢当倒下后，12块什么能换来出云棍？"),
        (LANDED, "By whom was Eagle brought down on 20 July 1969?"),
        (LANDED, "If someone asks who landed Eagle on 20 July 1969, what is the answer?"),
        (pair(EN, "Role Neil Armstrong had at the landing of Eagle?", "pilot"), "What did Neil Armstrong do in Eagle?"),
        (LANDED, "On July 20, 1969, which pilot set Eagle down?"),
        (DROPS, "打败石敢当之后，出云棍少不了12块什么？"),
    ],
)
def test_a_wording_that_keeps_numbers_names_and_sense_has_no_reason(base: QAPair, question: str) -> None:
    assert check_paraphrase(question, base) is None


@pytest.mark.parametrize(
    ("base", "question", "reason"),
    [
        (DROPS, "打败石敢当之后出云棍需要12块什么?", "repeats the base question"),
        (DROPS, "打败石敢当之后，出云棍需要哪种材料？", "number 12 is gone"),
        (DROPS, "打败石敢当之后，出云棍需要9块什么？", "number 12 is gone"),
        (DROPS, "打败石敢当2次之后，出云棍需要12块哪种材料？", "number 2 次 is new"),
        (DROPS, "打败石敢当之后，这根棍需要12块什么？", "“出云棍” is gone"),
        (DROPS, "打败石敢当之后，出云棍和飞龙宝杖需要12块什么？", "“飞龙宝杖” is new"),
        (DROPS, "没有打败石敢当，出云棍需要12块什么？", "negation added"),
        (DROPS, "打败石敢当之后，出云棍需要12块陨铁吗？", "the question states its answer"),
        (DROPS, "打败石敢当之后，出云棍需要12块材料。", "not a question"),
        (DROPS, "上文的石敢当之后，出云棍需要12块什么？", "does not stand alone: “上文”"),
        (DROPS, "出云棍" * 101 + "12？", f"question longer than {MAX_QUESTION}"),
        (LANDED, "who landed eagle on 20 July 1969", "not a question"),
        (LANDED, "Who LANDED Eagle, on 20 July 1969?", "repeats the base question"),
        (LANDED, "Who landed Eagle in July 1969?", "number 1969-7-20 is gone"),
        (LANDED, "Who landed the craft on 20 July 1969?", "“Eagle” is gone"),
        (LANDED, "Who landed Eagle and Columbia on 20 July 1969?", "“Columbia” is new"),
        (LANDED, "Who did not land Eagle on 20 July 1969?", "negation added"),
        (LANDED, "If the engine stopped, who landed Eagle on 20 July 1969?", "condition “If the engine stopped” is"),
        (LANDED, "Who landed Eagle before 20 July 1969 on every flight?", "scope “every” is new"),
        (DROPS, "打败石敢当之前，出云棍需要12块什么？", "“之前” is the opposite"),
        (LANDED, "By neil armstrong, who landed Eagle on 20 July 1969?", "states its answer"),
    ],
)
def test_a_wording_that_asks_something_else_has_its_reason(base: QAPair, question: str, reason: str) -> None:
    assert reason in (check_paraphrase(question, base) or "")


YEAR = pair(
    Section(
        "a.md", ("奖", "所获奖项"), 1, "## 所获奖项\n\nTGA的典礼于2024年12月12日举行，金摇杆奖在2024年11月21日。\n"
    ),
    "2024年TGA的典礼在几号举行？",
    "12月12日",
)
FILM = pair(
    Section(
        "f.md",
        ("Apollo", "Apollo 8"),
        1,
        "## Apollo 8\n\nApollo 8 flew in 1968. William Anders took Earthrise.\n",
        "en",
    ),
    "Who of the Apollo 8 crew took the picture?",
    "William Anders",
)


@pytest.mark.parametrize(
    ("base", "question"),
    [
        (YEAR, "TGA的典礼是几号办的？"),
        (replace(FILM, evidence=("William Anders took Earthrise.",)), "By whom was Earthrise taken?"),
        (pair(ZH, "PC版的出云棍由谁掉落？", "石敢当"), "在电脑上运行时，出云棍由谁掉落？"),
        (pair(ZH, "PC版的出云棍只由谁掉落？", "石敢当"), "在电脑上，出云棍不由别人而由谁掉落？"),
        (
            pair(EN, "Did Neil Armstrong land Eagle without a crew?", "yes"),
            "Did Neil Armstrong land Eagle with nobody else?",
        ),
    ],
)
def test_what_the_section_makes_plain_may_go_or_be_said_otherwise(base: QAPair, question: str) -> None:
    assert check_paraphrase(question, base) is None


def test_a_yes_or_no_question_names_what_its_answer_is_about() -> None:
    base = pair(EN, "Did Neil Armstrong leave flags on the Moon?", "Yes, he planted 2 flags in the dust there.")
    assert check_paraphrase("Is it true that Neil Armstrong planted flags in the dust of the Moon?", base) is None


def test_a_figure_of_the_answer_is_not_told() -> None:
    base = pair(ZH, "出云棍需要多少陨铁？", "一共要1998块陨铁才够铸造它。")
    assert check_paraphrase("出云棍要用1998块的陨铁，到底需要多少？", base)


def test_an_answer_that_the_base_question_states_may_stand_in_its_wordings() -> None:
    given_away = replace(DROPS, question="出云棍需要12块陨铁，需要什么？")
    assert check_paraphrase("12块陨铁之外出云棍需要什么？", given_away) is None
