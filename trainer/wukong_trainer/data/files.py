"""Training rows read from JSONL, JSON and Parquet files, from folders of them, and from two hubs of datasets."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from wukong_pipe import bounded
from wukong_pipe.errors import DataError, MissingDependency
from wukong_trainer.data.columns import BadRow, Columns, described, examples_of, find_columns
from wukong_trainer.data.examples import Example, TrainingData, digest_of

Hub = Literal["hf", "modelscope"]
SUFFIXES = (".jsonl", ".json", ".parquet")
MOST_OF_ROWS = 2048 * bounded.MIB
"""Bytes of rows that are not read line by line."""
SHOWN = 3
"""So many bad rows are named; all are counted."""

_WATCHED = {"val", "valid", "validation", "dev", "eval"}
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")

_TABLES = {".csv", ".tsv", ".xls", ".xlsx"}

Raw = list[tuple[str, Any]]
"""Each row's place ("line 3") and its value, or the BadRow that it is."""


def read_training_data(
    source: str | Path,
    *,
    columns: Columns | None = None,
    hub: Hub = "hf",
    accepted: Callable[[Mapping[str, Any]], bool] | None = None,
) -> TrainingData:
    """Training and validation rows of a file, a folder or a dataset of a hub.

    Args:
        source: a path; or, where there is no such file, a hub's id such as llamafactory/alpaca_zh.
        columns: which column is what; found by their names where it is empty.
        accepted: whether a user accepted a row, where only such rows are trained.

    Raises:
        DataError: nothing to train on, or rows are not as they must be; file and lines are named.
        MissingDependency: the hub's package is not installed.
    """
    path = Path(source)
    facts: dict[str, str] = {}
    if hub == "modelscope" and is_hub_id(str(source)):
        path = _from_modelscope(str(source))
    if path.is_dir():
        files_by_part = _files_of(path)
        parts = [(part, [(str(file), read_raw(file)) for file in files]) for part, files in files_by_part.items()]
        if unread := _unread(path, [file for files in files_by_part.values() for file in files]):
            facts["not read"] = f"{', '.join(unread)}: beside train* and val* files the others of a folder are left"
    elif path.is_file() or not is_hub_id(str(source)):
        parts = [("train", [(str(source), read_raw(path))])]
    else:
        parts = [(part, [(f"{source} ({part})", raw)]) for part, raw in _downloaded(str(source)).items()]
    rows: dict[str, list[Example]] = {"train": [], "validation": []}
    layouts, left_out = [], list[dict[str, str]]()
    for part, files in parts:
        for name, raw in files:
            examples, layout = read_rows(raw, name, columns)
            for row, example in examples:
                if part == "train" and accepted is not None and not accepted(row):
                    left_out.append({"row": example.where, "reason": "its pair is not accepted in edits.jsonl"})
                else:
                    rows[part].append(example)
            if examples:
                layouts.append(f"{Path(name).name}: {layout}")
    if not rows["train"]:
        what = f"{source} holds no rows to train on"
        raise DataError(f"{what}: what was accepted is held out for the test." if left_out else f"{what}.")
    if accepted is not None:
        read = len(rows["train"]) + len(left_out)
        facts["accepted"] = f"{len(rows['train'])} of {read} training rows; the others are left out"
    facts = {"columns": " | ".join(dict.fromkeys(layouts))} | facts
    return TrainingData(rows["train"], rows["validation"], digest_of(rows["train"]), facts, left_out)


def is_hub_id(source: str) -> bool:
    """Whether the text can only be the id of a dataset on a hub: one slash, no file of ours."""
    return (
        _HUB_ID.fullmatch(source) is not None
        and not source.startswith(".")
        and Path(source).suffix not in SUFFIXES
        and not Path(source).exists()
    )


def read_rows(raw: Raw, name: str, columns: Columns | None = None) -> tuple[list[tuple[dict[str, Any], Example]], str]:
    """The rows of one file, each beside its examples, and which column was taken for what.

    Raises:
        DataError: rows cannot be used (all are counted, the first three named), or no columns fit.
    """
    names: dict[str, None] = {}
    for _, value in raw:
        if isinstance(value, dict):
            names.update(dict.fromkeys(value))
    bad: list[str] = []
    rows: list[tuple[dict[str, Any], Example]] = []
    wanted = dict(columns or {})
    if names and (missing := sorted(set(wanted.values()) - names.keys())):
        found = ", ".join(sorted(names)) or "none"
        raise DataError(f"{name} has no column {', '.join(missing)}; its columns: {found}.")
    if names and not wanted:
        wanted = find_columns(names, name)
    for place, value in raw:
        try:
            if isinstance(value, BadRow):
                raise value
            if not isinstance(value, dict):
                raise BadRow("holds no JSON object; every line must be one row")
            rows += [(value, example) for example in examples_of(value, wanted, f"{name}, {place}")]
        except BadRow as error:
            bad.append(f"{place} {error}")
    if bad:
        more = f"; and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise DataError(
            f"{name}, {'; '.join(bad[:SHOWN])}{more}. {len(bad)} of {len(raw)} rows cannot be used: "
            "repair or remove them."
        )
    return rows, described(wanted, names)


def read_raw(path: Path) -> Raw:
    """All rows of a JSONL, JSON or Parquet file, unread lines among them.

    Raises:
        DataError: the file is missing, no file of these kinds, or not UTF-8.
    """
    if path.suffix == ".parquet":
        return _parquet(path)
    if path.suffix.lower() in _TABLES and path.is_file():
        raise DataError(f"{path} is none of {', '.join(SUFFIXES)}: save it as one of them, with a column each.")
    try:
        # Many a file called .json holds one object a line.
        if path.suffix == ".json" and _holds_an_array(path):
            return _array(bounded.read_bytes(path, MOST_OF_ROWS).decode("utf-8-sig"), path)
        return list(_lines(path))
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; its files end in {', '.join(SUFFIXES)}.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}); convert it first.") from error


def _holds_an_array(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(1000).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")


def _lines(path: Path) -> Iterator[tuple[str, Any]]:
    before = 0
    for number, line in enumerate(bounded.lines(path), start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8 (byte {before + error.start}); convert it first.") from error
        before += len(line)
        if text.strip():
            value: Any
            try:
                value = bounded.parse(text.rstrip("\n"))
            except json.JSONDecodeError as error:
                value = BadRow(f"is not valid JSON ({error.msg}, column {error.colno})")
            except ValueError as error:
                value = BadRow(f"cannot be read ({error})")
            yield f"line {number}", value


def _array(text: str, path: Path) -> Raw:
    try:
        rows = bounded.parse(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} is not valid JSON ({error.msg}, column {error.colno})"
        raise DataError(f"{path}, {where}.") from error
    except ValueError as error:
        raise DataError(f"{path} cannot be read ({error}).") from error
    return [(f"row {number}", row) for number, row in enumerate(rows, start=1)]


def _parquet(path: Path) -> Raw:
    import pyarrow
    from pyarrow import parquet

    try:
        rows, size = list[Any](), 0
        # Little by little: a file of a megabyte may unpack to more than any memory holds.
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=100):
            size += batch.nbytes
            if size > MOST_OF_ROWS:
                raise DataError(f"{path} unpacks to more than {MOST_OF_ROWS // bounded.MIB} MiB: take a part of it.")
            rows += batch.to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0].rstrip('.')}.") from error
    return [(f"row {number}", row) for number, row in enumerate(rows, start=1)]


def _files_of(folder: Path) -> dict[str, list[Path]]:
    """The files of a folder by what they are for: train*, val* and test*, or all of them for training.

    Test rows are never trained on and need no reading.
    """
    files = [path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES and path.is_file()]
    if not files and (folder / "data").is_dir():
        return _files_of(folder / "data")
    kinds = {path: _kind(path) for path in files}
    if "train" in kinds.values():
        train = [path for path in files if kinds[path] == "train"]
    else:
        train = [path for path in files if kinds[path] not in _WATCHED | {"test"}]
    if not train:
        raise DataError(f"{folder} holds nothing to train on: no file ends in {', '.join(SUFFIXES)}.")
    validation = [path for path in files if kinds[path] in _WATCHED]
    for part in (train, validation):
        if twice := sorted({path.stem for path in part if sum(other.stem == path.stem for other in part) > 1}):
            names = ", ".join(path.name for path in part if path.stem in twice)
            raise DataError(f"{folder} holds {names}: the same rows twice? Name one file with --data.")
    return {"train": train, "validation": validation}


def _unread(folder: Path, read: Collection[Path]) -> list[str]:
    """Files beside those that are read which may hold rows, too; those of our own datasets are known not to."""
    if not read or (folder / "manifest.json").is_file():
        return []
    beside = [path for path in sorted(next(iter(read)).parent.iterdir()) if path.suffix in SUFFIXES]
    return [path.name for path in beside if path not in read and _kind(path) != "test"]


def _kind(path: Path) -> str:
    """What a file is for, by the first word of its name: train, val, test, …"""
    return re.split(r"[-_.]", path.name.lower())[0]


def _downloaded(name: str) -> dict[str, Raw]:
    """Training and validation rows of a dataset on Hugging Face's hub."""
    import datasets
    from huggingface_hub.errors import HTTPError

    datasets.disable_progress_bars()
    try:
        parts = datasets.load_dataset(name)
        if "train" not in parts:
            raise DataError(f"{name} has no split named train, but {', '.join(parts)}; download the file you mean.")
        found = {"train": parts["train"]}
        if watched := next((part for part in parts if part in _WATCHED), None):
            found["validation"] = parts[watched]
        return {
            part: [(f"row {number}", row) for number, row in enumerate(rows, start=1)] for part, rows in found.items()
        }
    except (OSError, ValueError, HTTPError) as error:
        raise _not_downloaded(name, os.environ.get("HF_ENDPOINT", "huggingface.co"), error) from error


def _from_modelscope(name: str) -> Path:
    """The folder of ModelScope's cache with the files of a dataset on its hub.

    Its own MsDataset would need a `datasets` older than ours.
    """
    try:
        from modelscope.hub.snapshot_download import dataset_snapshot_download
    except ModuleNotFoundError:
        raise MissingDependency(
            "--hub modelscope needs the package modelscope, which is not installed: pip install modelscope."
        ) from None
    try:
        return Path(dataset_snapshot_download(name, allow_patterns=[f"*{suffix}" for suffix in SUFFIXES]))
    except Exception as error:  # Its errors have no class in common over the versions.
        raise _not_downloaded(name, os.environ.get("MODELSCOPE_ENDPOINT", "modelscope.cn"), error) from error


def _not_downloaded(name: str, place: str, error: Exception) -> DataError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return DataError(
        f"The dataset {name} cannot be downloaded from {place}: {first}. Check the name and the network; there "
        "are two hubs, --hub hf (HF_ENDPOINT names a mirror) and --hub modelscope (MODELSCOPE_ENDPOINT). A downloaded "
        "file can be given instead of a name."
    )
