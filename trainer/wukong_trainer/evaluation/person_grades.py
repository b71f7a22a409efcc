"""A person's grades of answers: the lines of eval/grades.jsonl, which are read, and added to the end of the file.

{"id": "cb1a0dc6ae74539c", "answer": "9f86d081884c7d65", "grade": "partly"}   a grade of an answer to this question
{"id": "cb1a0dc6ae74539c", "answer": "9f86d081884c7d65", "undo": true}        its newest grade is taken back

A grade is of an answer, not of a model: no line says which one gave it. So who looks into the file is not told either,
an answer that both models gave is graded once, and a grade counts in every evaluation where the same answer is given
to the same question with the same reference. Of an answer the last grade that was not taken back counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

from wukong_pipe import bounded
from wukong_pipe.errors import DataError
from wukong_pipe.files import TORN, append_lines, is_torn
from wukong_pipe.language.hashing import digest
from wukong_trainer.data.thoughts import said

PersonGrade = Literal["right", "partly", "wrong"]
PERSON_GRADES: tuple[PersonGrade, ...] = get_args(PersonGrade)


def answer_hash(question: str, reference: str, answer: str) -> str:
    """What a grade names its answer by; what was thought before it is no part of it."""
    return digest(question, reference, said(answer))


def read_grades(path: Path) -> dict[str, PersonGrade]:
    """The grades that count, by the hash of their answers, in the order of their lines; none where there is no file.

    Raises:
        DataError: a line is none; the sentence names file, line and cure.
    """
    standing: dict[str, list[tuple[int, PersonGrade]]] = {}
    for number, answer, grade in _lines(path):
        of_answer = standing.setdefault(answer, [])
        if grade:
            of_answer.append((number, grade))
        elif of_answer:
            of_answer.pop()
    newest = sorted((grades[-1], answer) for answer, grades in standing.items() if grades)
    return {answer: grade for (_, grade), answer in newest}


def grade(path: Path, question_id: str, answer: str, value: PersonGrade) -> None:
    """Add a grade; when this returns, it is on the disk.

    Args:
        answer: its hash.

    Raises:
        WorkspaceError: the file cannot be written.
    """
    append_lines(path, [{"id": question_id, "answer": answer, "grade": value}])


def take_back(path: Path, question_id: str, answer: str) -> None:
    """Take the newest grade of an answer back: the one before counts again, if there is one.

    Raises:
        WorkspaceError: the file cannot be written.
    """
    append_lines(path, [{"id": question_id, "answer": answer, "undo": True}])


def _lines(path: Path) -> Iterator[tuple[int, str, PersonGrade | None]]:
    """(number, hash of the answer, grade, or None where one is taken back) of each line."""
    try:
        for number, line in enumerate(bounded.lines(path), start=1):
            # A line that is being written has no end yet; nobody was told that it is kept.
            if line.strip() and not is_torn(line) and (read := _read(line, f"{path}, line {number}")):
                yield number, *read
    except FileNotFoundError:
        return
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


def _read(line: bytes, where: str) -> tuple[str, PersonGrade | None] | None:
    """Answer and grade of a line; nothing of one that a killed writer left, see `append_lines`."""
    try:
        value = bounded.parse(line)
    except ValueError as error:
        raise DataError(f"{where} is not valid JSON ({error}): repair or remove the line.") from None
    entries = value if isinstance(value, dict) else {}
    if entries.keys() == {TORN}:
        return None
    answer, given, undo = entries.get("answer"), entries.get("grade"), entries.get("undo")
    is_grade = isinstance(given, str) and given in PERSON_GRADES and undo is None
    if not isinstance(answer, str) or not (is_grade or (undo is True and given is None)):
        raise DataError(
            f"{where} is no grade: it must hold the “answer” and a “grade” ({', '.join(PERSON_GRADES)}), or "
            "“undo”: true. Repair or remove the line."
        )
    return answer, given if is_grade else None
