from __future__ import annotations

import json
from pathlib import Path

import pytest

from wukong_pipe.errors import DataError
from wukong_trainer.data import Example, default_system, read_examples, read_training_data, to_trl


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_the_tutorials_rows_of_instruction_and_output_are_read_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", {"instruction": "出云棍怎样获得？", "output": "击败石敢当。"})
    assert read_examples(path) == [Example("出云棍怎样获得？", "击败石敢当。")]


def test_an_input_stands_below_the_instruction_and_white_space_around_answers_goes(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", {"instruction": "翻译", "input": "猴子", "output": "\n monkey "})
    assert read_examples(path) == [Example("翻译\n猴子", "monkey")]


@pytest.mark.parametrize(
    "row", [{"instruction": "问？"}, {"instruction": "", "output": "答"}, {"instruction": 3, "output": "a"}]
)
def test_a_row_without_question_or_answer_is_named_with_its_file(tmp_path: Path, row: object) -> None:
    path = write(tmp_path / "rows.jsonl", {"instruction": "好？", "output": "好"}, row)
    with pytest.raises(DataError, match=r"rows\.jsonl, row 2"):
        read_examples(path)


def test_a_torn_line_is_named_by_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text('{"instruction": "a?", "output": "b"}\n{"instruction": "c?", "out', "utf-8")
    with pytest.raises(DataError, match=r"train\.jsonl, line 2 is not valid JSON"):
        read_examples(path)


def test_a_dataset_folder_gives_training_and_validation_rows(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", {"instruction": "a?", "output": "b"})
    write(tmp_path / "val.jsonl", {"instruction": "c?", "output": "d"})
    data = read_training_data(tmp_path)
    assert (data.train, data.validation) == ([Example("a?", "b")], [Example("c?", "d")])


def test_a_file_without_rows_is_nothing_to_train_on(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("\n", "utf-8")
    with pytest.raises(DataError, match="no rows to train on"):
        read_training_data(tmp_path / "rows.jsonl")


def test_the_hash_changes_with_any_answer(tmp_path: Path) -> None:
    one = read_training_data(write(tmp_path / "a.jsonl", {"instruction": "a?", "output": "b"}))
    two = read_training_data(write(tmp_path / "b.jsonl", {"instruction": "a?", "output": "c"}))
    assert one.hash != two.hash


def test_rows_become_conversations_with_the_answer_as_completion() -> None:
    row = to_trl([Example("问？", "答")], "系统")[0]
    assert [message["role"] for message in row["prompt"]] == ["system", "user"]
    assert row["completion"] == [{"role": "assistant", "content": "答"}]


def test_the_default_system_prompt_speaks_the_language_of_most_rows() -> None:
    assert default_system(["出云棍是什么？", "What is it?", "谁？"]).startswith("回答")
    assert default_system(["What?", "Who?", "谁？"]).startswith("Answer")
