"""Every reason that a build can give for a reject has Chinese words, which keep the reason's values."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

import wukong_pipe
from wukong_pipe.stages.edits import DROPPED
from wukong_pipe.teacher.refusals import REFUSED
from wukong_trainer.report.reject_words import LONGEST, chinese_reason

MODULES = """
checks/answer_in_evidence checks/answer_wordings checks/contradictions checks/pairs checks/question_scope
checks/question_wordings dataset/dedupe dataset/holdout providers/batch providers/batch_results providers/http_calls
providers/live stages/answers stages/base_qa stages/edits stages/judge stages/manifest stages/paraphrase teacher/filling
teacher/replies
"""
"""The files of the build that give reasons."""
RETURNING = re.compile(r"\bstr \| None|\| str\b|\| None, str\]")
"""What a function returns that gives a reason, or why there is none."""
OF_REPLIES = ("_problem", "_reason")
CALLED = {"reason", "problem", "why"}
TAKING = {"Dropped", "Reject", "Removal", "Taken", "Unanswered", "_DuplicateKeyError"}
"""What is made with a reason."""
OF_ROWS = ("same question", "nearly the same question", "conflict: same question, other answer “甲”")
"""The reasons of dataset/dedupe.py, to which stages/manifest.py adds the row that was kept."""
SLOTS = {
    "subject": ("“items[7]”", "the item"),
    "what": ("pairs", "wordings"),
    "removal.reason": OF_ROWS,
    "DROPPED": (DROPPED,),
    "REFUSED": (REFUSED,),
}
"""What stands in a reason's slot where it is no value: the rest are, and 7 will do."""


def reasons() -> set[str]:
    """The reasons that the code gives, found in the code, so that a new one is found, too; their values are 7."""
    found = set()
    for name in MODULES.split():
        tree = ast.parse((Path(wukong_pipe.__file__).parent / f"{name}.py").read_text("utf-8"))
        said = {phrase for node in ast.walk(tree) for given in _given(node) for phrase in _phrases(given)}
        if (
            name == "checks/contradictions"
        ):  # What it says of the evidence, other checks say of a base question or answer.
            said |= {each.replace("evidence", base) for each in said for base in ("base question", "base answer")}
        found |= {phrase for phrase in said if re.search(r"\w:? \S", phrase)}
    return found - {*OF_ROWS, "conflict: same question, other answer “7”"}


def _given(node: ast.AST) -> Iterator[ast.expr]:
    """Where a reason may stand."""
    if isinstance(node, ast.FunctionDef) and node.returns is not None:
        if RETURNING.search(ast.unparse(node.returns)) or node.name in OF_REPLIES:
            own = (inner for inner in ast.walk(node) if isinstance(inner, (ast.Return, ast.Yield)))
            yield from (inner.value for inner in own if inner.value is not None)
    elif isinstance(node, (ast.Assign, ast.keyword)):
        if (ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else node.arg) in CALLED:
            yield node.value
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in TAKING:
        yield from node.args


def _phrases(given: ast.expr) -> Iterator[str]:
    """The texts that an expression may be."""
    match given:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield from map("".join, product(*map(_part, parts)))
        case ast.IfExp(body=body, orelse=orelse):
            yield from (text for each in (body, orelse) for text in _phrases(each))
        case ast.BoolOp(values=each) | ast.Tuple(elts=each):
            yield from (text for one in each for text in _phrases(one))
        case ast.GeneratorExp(elt=each):
            yield from _phrases(each)
        case ast.Call(args=each) if ast.unparse(given.func) == "next":
            yield from (text for one in each for text in _phrases(one))


def _part(part: ast.expr) -> tuple[str, ...]:
    if isinstance(part, ast.Constant):
        return (str(part.value),)
    assert isinstance(part, ast.FormattedValue)
    return SLOTS.get(ast.unparse(part.value), ("7",))


def test_every_reason_that_the_code_gives_has_chinese_words() -> None:
    found = reasons()
    assert len(found) > 80, "the code gives as many"
    assert {"negation added", "schema: 7", "the reply has no choices", "its question form is held out"} <= found
    assert [reason for reason in sorted(found) if not re.search(r"[\u4e00-\u9fff]", chinese_reason(reason))] == []
    for reason in found:
        said = chinese_reason(reason)
        assert reason.count("7") == said.count("7"), f"{reason} has become {said}"


@pytest.mark.parametrize(
    ("reason", "chinese"),
    [
        ("“Luna 9” is not in the evidence", "证据中没有“Luna 9”"),
        ("12 km is not in the evidence", "证据中没有 12 km"),
        ("the base answer's “不” is gone", "缺少基础回答里的“不”"),
        ("schema: “evidence[0]” is not of type string", "格式不符：“evidence[0]”的类型不是 string"),
        ("edits.jsonl, line 3: “广智” is not in the evidence", "edits.jsonl 第 3 行：证据中没有“广智”"),
        ("0.71 alike to a held-out question (wording): “谁？”", "与留出问题（新问法）的相似度为 0.71：“谁？”"),
        (
            "same question as 0123456789abcdef “谁 {0} 掉落 as it is？” (1.00 alike)",
            "问题相同，保留的是 0123456789abcdef“谁 {0} 掉落 as it is？”（相似度 1.00）",
        ),
        ("“…” is new", "多出“…”"),
        ("conflict: same question, other answer “…” (… alike)", "冲突：问题相同，回答不同“…”（相似度 …）"),
    ],
)
def test_a_reason_keeps_its_values(reason: str, chinese: str) -> None:
    assert chinese_reason(reason) == chinese


@pytest.mark.parametrize("reason", ["", "too dull", "schema", "schema: " * LONGEST])
def test_what_the_build_does_not_write_stays_as_it_is(reason: str) -> None:
    assert chinese_reason(reason) == reason


def test_what_a_judge_says_is_left_in_its_own_words() -> None:
    assert chinese_reason("The year is not in the evidence", "judge") == "The year is not in the evidence"
    assert chinese_reason("the judge gave no reason", "judge") == "评审没有给出理由"
