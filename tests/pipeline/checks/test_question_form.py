"""A text is a question that can be understood alone, in both languages."""

from __future__ import annotations

import pytest

from wukong_pipe.checks.question_form import leans, may_lean, no_question


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("上文提到的武器是什么？", "上文"),
        ("根据本节，谁掉落出云棍？", "本节"),
        ("出云棍在本文中由谁掉落？", "本文"),
        ("Who is named in the text above?", "the text above"),
        ("What does this section say of Eagle?", "this section"),
        ("When did Eagle land, according to the passage?", "according to the passage"),
    ],
)
def test_a_question_that_speaks_of_its_text_does_not_stand_alone(question: str, words: str) -> None:
    assert str(leans(question)) == f"does not stand alone: “{words}”"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("它由谁掉落？", "它"),
        ("该武器由谁掉落？", "该"),
        ("It landed when?", "It"),
        ("it landed when?", "it"),
        ("该隐是谁的儿子？", "该"),
        ("他汀类药物有什么作用？", "他"),
        ("文中子是谁？", "文中"),
        ("本节点的地址是什么？", "本节"),
        ("本文件的编码是什么？", "本文"),
        ("怎样从原文件恢复？", "原文"),
        ("What led to the passage of the Civil Rights Act?", "the passage"),
        ("What happened in the following year?", "the following"),
        ("As mentioned above, who landed Eagle?", "mentioned above"),
        ("Which values are shown below the chart?", "shown below"),
    ],
)
def test_what_may_be_part_of_a_name_or_a_word_is_for_a_reader_to_decide(question: str, words: str) -> None:
    assert leans(question) is None
    assert str(may_lean(question)) == f"does not stand alone: “{words}”"


@pytest.mark.parametrize("question", ["？", "?!?", "“”？"])
def test_marks_alone_are_no_question(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize("question", ["石敢当说“谁？”", "Who said 'Houston?'", "谁？ "])
def test_a_question_mark_may_stand_inside_closing_quotes(question: str) -> None:
    assert no_question(question) is None


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
    assert (no_question(question), leans(question), may_lean(question)) == (None, None, None)


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
    assert "not a question" in str(no_question(question))


@pytest.mark.parametrize(
    "question",
    [
        "教师的上下文太短时怎么办？",
        "文本文件用什么编码？",
        "线上文档放在哪里？",
        "中文中的引号怎样写？",
        "Which option shows the model the source text?",
        "Which file does the document root hold?",
        "IT admins must do what?",
        "HIS 系统是什么？",
        "HE-AAC 是什么？",
        "It Takes Two 由谁开发？",
        "When did he land Eagle and it took off?",
    ],
)
def test_a_word_that_only_looks_like_it_leans_on_nothing(question: str) -> None:
    assert (leans(question), may_lean(question)) == (None, None)
