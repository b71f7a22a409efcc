from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from tests.support.dataset_hub import dataset_hub, modelscope_hub
from wukong_pipe.errors import DataError, MissingDependency
from wukong_trainer.data.examples import Example
from wukong_trainer.data.files import is_hub_id, read_training_data

ROWS = [{"question": f"第{i}问？", "answer": f"答{i}", "think": "想"} for i in range(3)]


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def as_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def test_jsonl_json_and_parquet_give_the_same_rows(tmp_path: Path) -> None:
    array = tmp_path / "b.json"
    array.write_text("\ufeff" + json.dumps(ROWS), "utf-8")
    lines = write(tmp_path / "c.json", *ROWS)
    found = [
        read_training_data(path)
        for path in (write(tmp_path / "a.jsonl", *ROWS), array, lines, as_parquet(tmp_path / "d.parquet", ROWS))
    ]
    assert len({data.hash for data in found}) == 1
    assert found[0].train[2] == Example("第2问？", "答2", think="想")
    assert found[0].facts["columns"] == "a.jsonl: instruction ← question, output ← answer, think"


def test_conversations_come_out_of_parquet_too(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "问？"}, {"from": "gpt", "value": "答"}]
    data = read_training_data(as_parquet(tmp_path / "a.parquet", [{"conversations": turns}]))
    assert data.train == [Example("问？", "答")]


def test_bad_rows_are_counted_and_the_first_three_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    good = '{"instruction": "问？", "output": "答"}'
    path.write_text("\n".join([good, '{"instruction": "x"}', "", '{"torn', "7", good, '{"output": "y"}']), "utf-8")
    with pytest.raises(DataError) as caught:
        read_training_data(path)
    told = str(caught.value)
    assert "rows.jsonl, line 2 has no “output” text; line 4 is not valid JSON" in told
    assert "line 5 holds no JSON object" in told
    assert "and 1 more. 4 of 6 rows" in told


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
TURNS = st.lists(st.fixed_dictionaries({}, optional={"role": SCALARS, "from": SCALARS, "content": SCALARS}), max_size=3)
COLUMNS = ["instruction", "input", "output", "question", "answer", "messages", "think", "system", "history"]
VALUES = SCALARS | TURNS | st.lists(SCALARS, max_size=3)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(SCALARS | st.dictionaries(st.sampled_from(COLUMNS), VALUES), min_size=1, max_size=3))
def test_any_json_row_becomes_examples_or_an_error_that_names_it(tmp_path: Path, rows: list[Any]) -> None:
    path = write(tmp_path / "rows.jsonl", *rows)
    told = ""
    try:
        data = read_training_data(path)
    except DataError as error:
        told = str(error)
    if told:
        assert re.search(r"rows\.jsonl(, line \d+ | has no columns)", told)
    else:
        assert len(data.train) >= len(rows)
        assert all(example.question and example.output for example in data.train)


def test_every_broken_line_is_named_whatever_stands_in_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"instruction": "a", "output": "b"}\n' + "[" * 100_000 + "\n" + "1" * 5000, "utf-8")
    with pytest.raises(DataError, match=r"line 2 cannot be read \(nested.*line 3 cannot be read \(a number"):
        read_training_data(path)


def test_a_folder_gives_training_and_validation_rows_and_never_its_test_rows(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", {"instruction": "a?", "output": "b"})
    write(tmp_path / "val.jsonl", {"question": "c?", "answer": "d"})
    write(tmp_path / "test.jsonl", {"instruction": "e?", "output": "f"})
    write(tmp_path / "rejected.jsonl", {"reason": "g"})
    data = read_training_data(tmp_path)
    assert (data.train, data.validation) == ([Example("a?", "b")], [Example("c?", "d")])
    assert data.facts["columns"] == (
        "train.jsonl: instruction, output | val.jsonl: instruction ← question, output ← answer"
    )
    assert data.facts["not read"].startswith("rejected.jsonl: ")
    # In a dataset of ours the manifest accounts for every row.
    (tmp_path / "manifest.json").write_text("{}", "utf-8")
    assert "not read" not in read_training_data(tmp_path).facts


def test_a_folder_of_shards_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for i, row in enumerate(ROWS):
        as_parquet(tmp_path / "data" / f"{'validation' if i == 2 else 'train'}-0000{i}-of-3.parquet", [row])
    data = read_training_data(tmp_path)
    assert [example.output for example in data.train] == ["答0", "答1"]
    assert [example.output for example in data.validation] == ["答2"]


def test_a_folder_without_named_parts_is_all_training_rows(tmp_path: Path) -> None:
    write(tmp_path / "one.jsonl", ROWS[0])
    write(tmp_path / "two.jsonl", ROWS[1])
    assert len(read_training_data(tmp_path).train) == 2


def test_a_folder_that_holds_the_rows_twice_is_not_trained_twice(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", *ROWS)
    as_parquet(tmp_path / "train.parquet", ROWS)
    with pytest.raises(DataError, match=r"train.jsonl, train.parquet: the same rows twice"):
        read_training_data(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("rows.jsonl", b"\n", "no rows to train on"),
        ("rows.json", b"[]", "no rows to train on"),
        ("rows.json", b"[1,", "line 1 is not valid JSON"),
        ("rows.parquet", b"PAR1", "cannot be read as Parquet"),
        ("rows.jsonl", "问".encode("gbk"), "is not UTF-8"),
    ],
)
def test_a_file_that_is_not_what_it_is_called_is_named(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}.*{told}"):
        read_training_data(tmp_path / name)


def test_a_file_or_folder_that_is_not_there_or_empty_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_training_data(tmp_path / "rows.jsonl")
    with pytest.raises(DataError, match="nothing to train on"):
        read_training_data(tmp_path)


def test_a_column_that_no_row_has_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", *ROWS)
    with pytest.raises(DataError, match="no column q; its columns: answer, question, think"):
        read_training_data(path, columns={"instruction": "q", "output": "answer"})


@pytest.mark.parametrize(
    ("text", "answer"),
    [("llamafactory/alpaca_zh", True), ("rows.jsonl", False), ("data/rows.jsonl", False), ("./a/b", False)],
)
def test_a_hubs_id_is_told_from_a_path(text: str, answer: bool) -> None:
    assert is_hub_id(text) is answer


def test_modelscope_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "modelscope.hub.snapshot_download", None)
    monkeypatch.setitem(sys.modules, "modelscope", None)
    with pytest.raises(MissingDependency, match="pip install modelscope"):
        read_training_data("krisfu/delicate_medical_r1_data", hub="modelscope")


def test_a_dataset_of_modelscope_is_downloaded_and_a_failure_names_both_hubs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("modelscope")
    files = {
        "README.md": b"# Rows",
        "data/train.jsonl": '{"question": "问？", "think": "想", "answer": "答"}\n'.encode(),
        "data/val.jsonl": b'{"question": "c?", "answer": "d"}\n',
    }
    with modelscope_hub(files) as address:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", address)
        monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        data = read_training_data("me/rows", hub="modelscope")
        with pytest.raises(DataError, match=f"me/nothing cannot be downloaded from {address}: .*--hub modelscope"):
            read_training_data("me/nothing", hub="modelscope")
    assert [(row.question, row.think, row.output) for row in data.train] == [("问？", "想", "答")]
    assert [row.question for row in data.validation] == ["c?"]
    assert not list((tmp_path / "cache").rglob("README.md"))


def test_a_hubs_dataset_is_downloaded_from_the_mirror_and_a_failure_names_both_hubs(tmp_path: Path) -> None:
    """In a process of its own: the endpoint is read when the library is imported."""
    script = (
        "from wukong_trainer.data.files import read_training_data as read\n"
        "print([(row.instruction, row.output, row.where) for row in read('me/rows').train])\n"
        "read('me/nothing')"
    )
    with dataset_hub(b'{"question": "a?", "answer": "b"}\n') as address:
        home = {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path), "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=os.environ | home,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.stdout == "[('a?', 'b', 'me/rows (train), row 1')]\n"
    told = done.stderr.splitlines()[-1]
    assert f"The dataset me/nothing cannot be downloaded from {address}: " in told
    assert "--hub hf" in told
    assert "--hub modelscope" in told


def test_a_table_of_another_kind_is_not_taken_for_broken_json(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("instruction,output\na,b\n", "utf-8")
    with pytest.raises(DataError, match=r"rows\.csv is none of \.jsonl, \.json, \.parquet: save it as one"):
        read_training_data(tmp_path / "rows.csv")
