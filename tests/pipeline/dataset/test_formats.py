"""The same rows for other trainers: beside ours, without leftovers, and read by `datasets` and TRL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import pytest

from tests.support.building import SMALL, build_offline, files_in, rows_of, run_in, source
from tests.support.rows import row
from wukong_pipe.dataset.files import check_untouched
from wukong_pipe.dataset.formats import FORMATS, Format, formatted, index
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.files import read_json, read_jsonl, sha256_of
from wukong_pipe.workspace import Run

BOOK = "# 茶\n\n" + "".join(
    f"## 第{i}种\n\n- **茶{i}号**：产自山谷{i}，在{i}月采摘。\n- **壶{i}号**：由匠人{i}烧成，重{i}斤。\n\n"
    for i in range(1, 9)
)
OTHERS: list[Format] = ["messages", "sharegpt"]
TURNS: dict[Format, Callable[[dict[str, Any]], tuple[str, str]]] = {
    "messages": lambda row: (row["messages"][0]["content"], row["messages"][1]["content"]),
    "sharegpt": lambda row: (row["conversations"][0]["value"], row["conversations"][1]["value"]),
}
"""Question and answer of a row of each format."""


def build(folder: Path, form: Format = "alpaca", text: str = BOOK) -> Run:
    build_offline(folder, [source(text)], replace(SMALL, format=form))
    return run_in(folder)


def rows_in(folder: Path) -> list[dict[str, Any]]:
    files = (folder / name for name in ("train.jsonl", "val.jsonl", "test.jsonl"))
    return [row for file in files if file.is_file() for row in read_jsonl(file)]


# --- a row -----------------------------------------------------------------------------------------------------


def test_a_row_becomes_a_turn_of_the_user_and_one_of_the_assistant() -> None:
    one = row("出云棍是什么？", "一根棍子")
    messages, sharegpt = formatted(one, "messages"), formatted(one, "sharegpt")
    assert messages["messages"] == [
        {"role": "user", "content": "出云棍是什么？"},
        {"role": "assistant", "content": "一根棍子"},
    ]
    assert sharegpt["conversations"] == [
        {"from": "human", "value": "出云棍是什么？"},
        {"from": "gpt", "value": "一根棍子"},
    ]
    assert formatted(one, "alpaca") == one.to_json()


@pytest.mark.parametrize("form", OTHERS)
def test_where_a_row_comes_from_stays_with_it_and_no_column_is_called_prompt(form: Format) -> None:
    one = row("出云棍是什么？")
    fields = formatted(one, form)
    kept = {key: value for key, value in one.to_json().items() if key not in {"instruction", "input", "output"}}
    assert fields.pop("teacher_prompt") == kept.pop("prompt")
    assert {key: fields[key] for key in kept} == kept
    assert len(fields) == len(kept) + 1


@pytest.mark.parametrize("form", OTHERS)
def test_an_input_is_part_of_the_question(form: Format) -> None:
    assert TURNS[form](formatted(replace(row("译：", "你好"), input="hello"), form)) == ("译：\nhello", "你好")


# --- on the disk -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", OTHERS)
def test_another_format_holds_every_row_of_ours_split_by_split(tmp_path: Path, form: Format) -> None:
    run = build(tmp_path, form)
    assert rows_of(run)
    for name in ("train.jsonl", "val.jsonl", "test.jsonl"):
        ours, theirs = read_jsonl(run.dataset / name), read_jsonl(run.dataset / form / name)
        assert [TURNS[form](one) for one in theirs] == [(one["instruction"], one["output"]) for one in ours]
        assert [one["id"] for one in theirs] == [one["id"] for one in ours]


@pytest.mark.parametrize("form", OTHERS)
def test_another_format_changes_none_of_our_rows_and_the_same_build_gives_the_same_bytes(
    tmp_path: Path, form: Format
) -> None:
    plain = files_in(build(tmp_path / "plain").dataset)
    first = files_in(build(tmp_path / "first", form).dataset)
    for name in ("train.jsonl", "val.jsonl", "test.jsonl", "rejected.jsonl"):
        assert first[name] == plain[name]
    assert files_in(build(tmp_path / "second", form).dataset) == first
    assert files_in(build(tmp_path / "first", form).dataset) == first


def test_a_build_in_another_format_leaves_nothing_of_the_one_before(tmp_path: Path) -> None:
    expected = {form: files_in(build(tmp_path / form, form).dataset) for form in FORMATS}
    run = run_in(tmp_path / "one")
    for form in ("messages", "sharegpt", "alpaca"):
        build(tmp_path / "one", form)
        assert files_in(run.dataset) == expected[form]
        assert {path.name for path in run.dataset.iterdir() if path.is_dir()} == {form} - {"alpaca"}


def test_a_file_of_another_format_that_was_edited_is_not_overwritten(tmp_path: Path) -> None:
    run = build(tmp_path, "messages")
    assert read_json(run.manifest)["files"]["messages/train.jsonl"] == sha256_of(run.dataset / "messages/train.jsonl")
    (run.dataset / "messages" / "train.jsonl").write_text("{}\n")
    with pytest.raises(WorkspaceError, match=r"messages/train\.jsonl was edited since it was built"):
        check_untouched(run)


def test_scores_outlive_another_format_and_not_another_row(tmp_path: Path) -> None:
    run = build(tmp_path)
    run.metrics.parent.mkdir()
    run.metrics.write_text("{}")
    build(tmp_path, "messages")
    assert run.metrics.is_file()
    build(tmp_path, "messages", BOOK.replace("重3斤", "重33斤"))
    assert not run.metrics.exists()


# --- other people's readers ------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache of a user who has loaded nothing yet; quiet."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("form", OTHERS)
def test_datasets_gives_our_rows_by_default_and_a_format_by_its_name(tmp_path: Path, form: Format) -> None:
    run = build(tmp_path, form)
    default = datasets.load_dataset(str(run.dataset))
    assert [row for split in ("train", "validation", "test") for row in default[split]] == rows_of(run)
    other = datasets.load_dataset(str(run.dataset), form)
    assert [row for split in ("train", "validation", "test") for row in other[split]] == rows_in(run.dataset / form)


@pytest.mark.usefixtures("cache")
def test_datasets_gives_the_new_rows_of_a_format_after_a_rebuild(tmp_path: Path) -> None:
    for text in (BOOK, BOOK.replace("重3斤", "重33斤")):
        run = build(tmp_path, "messages", text)
        loaded = datasets.load_dataset(str(run.dataset), "messages", split="train")
        assert list(loaded) == read_jsonl(run.dataset / "messages" / "train.jsonl")


def prepared_by_trl(rows: Any, tokenizer: Any) -> Any:
    """What SFTTrainer makes of a dataset before it trains, without the model that it needs for nothing of this."""
    from trl import SFTConfig, SFTTrainer

    trainer: Any = SimpleNamespace(_tokenizer=tokenizer, chat_template=None, completion_only_loss=False)
    settings = SFTConfig(use_cpu=True, bf16=False, report_to=[], max_length=None)
    return SFTTrainer._prepare_dataset(trainer, rows, tokenizer, settings, False, None, "train")


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("form", "user", "assistant"), [("messages", "user", "assistant"), ("sharegpt", "human", "gpt")]
)
def test_trl_tokenizes_a_format_with_the_students_template(
    tmp_path: Path, form: Format, user: str, assistant: str
) -> None:
    """Of the two `messages` is TRL's own: sharegpt's names stay as they are, and few templates know them."""
    from trl import is_conversational

    from wukong_trainer.models.student import make_tokenizer

    run = build(tmp_path, form)
    rows = datasets.load_dataset(str(run.dataset), form, split="train")
    assert is_conversational(rows[0]) == (form == "messages")
    tokenizer = make_tokenizer([BOOK], 600)
    prepared = prepared_by_trl(rows, tokenizer)
    question, answer = TURNS[form](rows[0])
    assert tokenizer.decode(prepared[0]["input_ids"]) == (
        f"<|im_start|>{user}\n{question}<|im_end|>\n<|im_start|>{assistant}\n{answer}<|im_end|>\n"
    )
    assert len(prepared) == len(rows)


def test_llama_factorys_index_names_each_file_and_the_columns_it_holds(tmp_path: Path) -> None:
    run = build(tmp_path, "sharegpt")
    described = read_json(run.dataset / "dataset_info.json")
    assert described == index(["train", "validation", "test"], ["alpaca", "sharegpt"])
    assert list(described) == [
        "train", "validation", "test", "train_sharegpt", "validation_sharegpt", "test_sharegpt"
    ]  # fmt: skip
    for entry in described.values():
        for one in read_jsonl(run.dataset / entry["file_name"]):
            assert set(entry["columns"].values()) <= set(one)
            for turn in one.get("conversations", []):
                assert set(turn) == {entry["tags"]["role_tag"], entry["tags"]["content_tag"]}
