"""`train --data` from the command line: what is found in the rows, what is done with them, and where it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from tests.trainer.conftest import FACTS
from wukong_pipe.cli.main import main
from wukong_pipe.edits.edits_file import Edit, append
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.workspace import Run


def squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("short_samples")
def test_columns_split_and_mix_are_said_recorded_and_written_down(
    student: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"q": question, "a": answer} for question, answer in FACTS]
    parquet.write_table(pyarrow.Table.from_pylist(rows), "facts.parquet")
    general = [
        {"messages": [{"role": "user", "content": f"{i}?"}, {"role": "assistant", "content": "ok"}]} for i in "xyz"
    ]
    Path("general.json").write_text(json.dumps(general), "utf-8")
    data = ["--data", "facts.parquet", "--columns", "instruction=q,output=a"]
    rest = ["--mix", "general.json:0.1", "--validation", "0.25"]
    recipe = ["--recipe", "tiny", "--method", "lora", "--model", str(student)]
    assert main(["train", *data, *rest, *recipe, "--epochs", "0.5", "--json"]) == 0
    shown = capsys.readouterr()
    told = {
        "columns": "facts.parquet: instruction ← q, output ← a",
        "validation": "6 of 24 rows, split off with seed 42",
        "mixed in": "2 of the 3 rows of general.json, 10.0% of the training rows",
        "its columns": "general.json: messages",
    }
    assert "".join(f"{fact}: {words}\n" for fact, words in told.items()) in shown.err
    assert "rows: 20 to train on, 6 to watch" in shown.err
    assert json.loads(shown.out)["data"] == told
    run = Path("runs/facts")
    assert read_json(run / "adapter" / "wukong.json")["data"] == told
    head = (run / "train" / "recipe.toml").read_text("utf-8")
    assert all(f"# {fact}: {words}" in head for fact, words in told.items())
    assert len(read_jsonl(run / "train" / "validation.jsonl")) == 6
    assert not (run / "train" / "left_out.jsonl").exists()


@pytest.mark.usefixtures("short_samples")
def test_what_is_accepted_is_trained_alone_and_the_rest_is_named(
    student: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = "# 书\n" + "".join(f"\n## 第{n}章\n\n甲{n}的兵器是乙{n}刀。丙{n}的住处是丁{n}山。\n" for n in range(1, 6))
    Path("book.md").write_text(book, "utf-8")
    run = Run(Path("runs/book"))
    built = ["build", "book.md", "--teacher", "offline", "--variants", "4", "--holdout", "0"]
    train = ["train", "--accepted-only", "--recipe", "tiny", "--method", "lora", "--model", str(student)]
    train += ["--epochs", "0.5", "--json"]
    assert main(built) == 0
    assert main(train) == 1
    assert "No pair of runs/book/dataset is accepted in runs/book/edits.jsonl" in squeezed(capsys.readouterr().err)
    rows = read_jsonl(run.dataset / "train.jsonl")
    one, other = dict.fromkeys(row["pair_id"] for row in rows[:9])
    append(run.edits, [Edit(id=one, ok=True), Edit(id=other, ok=True, output="乙1刀。")])
    assert main(train) == 1
    assert "was not built with: build again" in squeezed(capsys.readouterr().err)
    assert main(built) == 0
    assert main(train) == 0
    shown = capsys.readouterr()
    mine = [row for row in rows if row["pair_id"] in (one, other)]
    told = f"{len(mine)} of {len(rows)} training rows; the others are left out"
    assert f"accepted: {told}\n" in shown.err
    assert json.loads(shown.out.splitlines()[-1])["data"]["accepted"] == told
    assert read_json(run.adapter / "wukong.json")["data"]["accepted"] == told
    left_out = read_jsonl(run.train / "left_out.jsonl")
    assert len(left_out) == len(rows) - len(mine)
    assert {row["reason"] for row in left_out} == {"its pair is not accepted in edits.jsonl"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--data", "rows.jsonl", "--accepted-only"], "--accepted-only is about the run's own dataset"),
        (["--data", "nothing.jsonl"], "nothing.jsonl does not exist"),
        (["--data", "rows.jsonl", "--columns", "instruction=q"], "--columns must name"),
        (["--data", "rows.jsonl", "--mix", "rows.jsonl"], "--mix is FILE:SHARE"),
        (["--data", "rows.jsonl", "--mix", "general.jsonl:0.1"], "general.jsonl does not exist"),
        (["--data", "rows.jsonl"], "rows.jsonl, line 2 has no “output” text. 1 of 2 rows"),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused_in_a_sentence(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = '{"instruction": "a?", "output": "b"}\n{"instruction": "c?"}\n'
    Path("rows.jsonl").write_text(rows if "--mix" not in arguments else rows[: rows.index("\n")], "utf-8")
    assert main(["train", *arguments, "--model", "tiny"]) == 1
    assert told in capsys.readouterr().err
