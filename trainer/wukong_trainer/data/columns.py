"""The layouts of training rows: which column holds the question and which the answer, and a row made into examples.

{"instruction": "翻译", "input": "猴子", "output": "monkey"}
{"question": "出云棍怎样获得？", "answer": "击败石先锋后获得。", "reasoning": "……"}
{"messages": [{"role": "user", "content": "……"}, {"role": "assistant", "content": "……"}]}
{"conversations": [{"from": "human", "value": "……"}, {"from": "gpt", "value": "……"}]}
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from wukong_pipe.errors import DataError
from wukong_trainer.data.examples import Example

Columns = dict[str, str]
"""Field of an example, or "messages", → name of the column that holds it."""

FIELDS = ("instruction", "input", "output", "think", "system", "history", "messages")
_PAIRS = (
    ("instruction", "output"),
    ("question", "answer"),
    ("instruction", "response"),
    ("prompt", "completion"),
    ("prompt", "response"),
    ("query", "response"),
)
_CONVERSATIONS = ("messages", "conversations")
_THINK = ("think", "reasoning", "reasoning_content")
_ROLES = {
    "system": "system",
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model"), "assistant"),
}
_SURROGATE = re.compile("[\ud800-\udfff]")
_THOUGHT = re.compile(r"<think>(.*?)</think>(.*)", re.DOTALL)


class BadRow(ValueError):
    """A row cannot be trained on; the words follow “line 3 ”."""


def parse_columns(text: str) -> Columns:
    """`--columns instruction=q,output=a` as a mapping; empty for an empty text.

    Raises:
        DataError: it is not written so, or names no question and answer.
    """
    columns: Columns = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, column = (piece.strip() for piece in part.partition("="))
        if not equals or not column or name not in FIELDS:
            raise DataError(
                f"--columns holds “{part}”: write FIELD=COLUMN, such as instruction=question,output=answer; "
                f"the fields are {', '.join(FIELDS)}."
            )
        columns[name] = column
    if columns and "messages" not in columns and not {"instruction", "output"} <= columns.keys():
        raise DataError("--columns must name the columns of instruction and output, or that of messages.")
    return columns


def find_columns(names: Collection[str], where: str) -> Columns:
    """The layout that columns of these names are in.

    Args:
        where: the file, for the error.

    Raises:
        DataError: no two of them look like question and answer, and none like a conversation.
    """
    system = {"system": "system"} if "system" in names else {}
    for name in _CONVERSATIONS:
        if name in names:
            return {"messages": name, **system}
    for question, answer in _PAIRS:
        if question in names and answer in names:
            columns = {"instruction": question}
            extra = "context" if answer == "response" else "input"
            if question == "instruction" and extra in names:
                columns["input"] = extra
            columns["output"] = answer
            if think := next((name for name in _THINK if name in names), ""):
                columns["think"] = think
            if question == "instruction" and "history" in names:
                columns["history"] = "history"
            return columns | system
    present = ", ".join(sorted(names)) or "none"
    raise DataError(
        f"{where} has no columns that look like question and answer, or like a conversation; its columns: {present}. "
        "Rows have instruction, output and optionally input, or name yours with "
        "--columns instruction=QUESTION,output=ANSWER."
    )


def described(columns: Columns, names: Collection[str]) -> str:
    """Which column is what, for the user: “instruction ← question, output ← answer; not used: metrics”."""
    mapping = ", ".join(name if name == column else f"{name} ← {column}" for name, column in columns.items())
    # The names of our own rows' provenance tell a user nothing.
    rest = [] if "pair_id" in names else sorted(set(names) - set(columns.values()))
    return mapping + (f"; not used: {', '.join(rest)}" if rest else "")


def examples_of(row: Mapping[str, Any], columns: Columns, where: str) -> list[Example]:
    """The row as examples: one, or for a conversation one for each answer, with the turns before it.

    Raises:
        BadRow: a field is missing, empty or no text, or the turns are not in order.
    """
    system = _text(row, columns, "system", "")
    if "messages" in columns:
        return _conversation(row.get(columns["messages"]), columns["messages"], system, where)
    instruction, answer = (_text(row, columns, name) for name in ("instruction", "output"))
    think, output = _parted(answer, _text(row, columns, "think", ""))
    extra = _text(row, columns, "input", "")
    history = _history(row.get(columns["history"]), columns["history"]) if "history" in columns else ()
    return [Example(instruction, output, extra, think, system, history, where)]


def _text(row: Mapping[str, Any], columns: Columns, name: str, default: str | None = None) -> str:
    """The text of a field, without white space around it: it would merge with the template's newline into one token
    and move the boundary between question and answer."""
    column = columns.get(name, "")
    value = row.get(column)
    if default is not None and value is None:
        return default
    if not isinstance(value, str):
        if default is None:
            raise BadRow(f"has no “{column}” text")
        raise BadRow(f"has a “{column}” that is no text")
    if default is None and not value.strip():
        raise BadRow(f"has no “{column}” text")
    return _checked(value)


def _checked(text: str) -> str:
    if _SURROGATE.search(text):
        raise BadRow("holds a lone surrogate, which is no text; remove the character")
    return text.strip()


def _parted(answer: str, think: str) -> tuple[str, str]:
    """Reasoning and answer of an answer that may hold both."""
    if not answer.startswith("<think>"):
        return think, answer
    parted = _THOUGHT.fullmatch(answer)
    if parted is None:
        raise BadRow("has an answer whose <think> is never closed")
    inner, output = (part.strip() for part in parted.groups())
    if not output:
        raise BadRow("has an answer that is nothing but its reasoning")
    if think and inner:
        raise BadRow("has its reasoning twice, in a column and in the answer")
    return think or inner, output


def _history(value: Any, column: str) -> tuple[tuple[str, str], ...]:
    turns = value or []
    if not isinstance(turns, list) or not all(
        isinstance(turn, list) and len(turn) == 2 and all(isinstance(text, str) and text.strip() for text in turn)
        for turn in turns
    ):
        raise BadRow(f"has a “{column}” that is no list of [question, answer]")
    return tuple((_checked(question), _parted(_checked(answer), "")[1]) for question, answer in turns)


def _conversation(value: Any, column: str, system: str, where: str) -> list[Example]:
    if not isinstance(value, list) or not value:
        raise BadRow(f"has no list of turns in “{column}”")
    turns = [_turn(turn) for turn in value]
    if turns[0][0] == "system":
        system, turns = turns[0][1], turns[1:]
    if not turns or [role for role, _, _ in turns] != ["user", "assistant"] * (len(turns) // 2):
        order = ", ".join(role for role, _, _ in turns[:6]) or "none"
        raise BadRow(f"has turns that are not user and assistant in turn, ending with an answer (they are: {order})")
    history: list[tuple[str, str]] = []
    examples = []
    for (_, question, _), (_, answer, reasoning) in zip(turns[::2], turns[1::2], strict=True):
        think, output = _parted(answer, reasoning)
        place = f"{where}, answer {len(history) + 1}" if len(turns) > 2 else where
        examples.append(Example(question, output, "", think, system, tuple(history), place))
        history.append((question, output))
    return examples


def _turn(turn: Any) -> tuple[str, str, str]:
    """Role, text and reasoning of one turn, as `messages` or as ShareGPT write it."""
    if not isinstance(turn, dict):
        raise BadRow("has a turn that is no object")
    role, text = turn.get("role", turn.get("from")), turn.get("content", turn.get("value"))
    if not isinstance(role, str) or role not in _ROLES:
        raise BadRow(f"has a turn of {str(role)[:40]!r}: turns are of system, user (human) and assistant (gpt)")
    if not isinstance(text, str) or not text.strip():
        if role == "system" and text in (None, ""):
            return "system", "", ""
        raise BadRow(f"has a turn of {role} without text")
    reasoning = turn.get("reasoning_content") or ""
    if not isinstance(reasoning, str):
        raise BadRow("has a “reasoning_content” that is no text")
    return _ROLES[role], _checked(text), _checked(reasoning)
