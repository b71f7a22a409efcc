"""`datasets.load_dataset` on what a build writes: every split, and always the folder's own rows."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest

from wukong_pipe.cli.main import main
from wukong_pipe.files import read_jsonl

pytestmark = pytest.mark.usefixtures("empty_home")

ONE_SECTION = "# Tea\n\n" + "".join(
    f"- **Tea number {i}**: a drink from the valley called V{i}, picked in month {i}.\n" for i in range(1, 9)
)
NO_HEADINGS = "\n\n".join(
    f"Mount {name} is a peak of {i * 100} metres." for i, name in enumerate(["Ada", "Bel", "Cor"], 1)
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache of a user who has loaded nothing yet; quiet."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def build(path: Path, run: str, *more: str) -> Path:
    arguments = ["build", str(path), "--teacher", "offline", "--variants", "8", "--run", run, *more]
    assert main(arguments) in {0, 3}
    return Path("runs") / run / "dataset"


def loaded(folder: Path) -> dict[str, list[str]]:
    """The ids of each split as `datasets` gives them."""
    return {split: list(rows["id"]) for split, rows in datasets.load_dataset(str(folder)).items()}


def written(folder: Path) -> dict[str, list[str]]:
    names = {"train": "train.jsonl", "validation": "val.jsonl", "test": "test.jsonl"}
    return {
        split: [row["id"] for row in read_jsonl(folder / name)]
        for split, name in names.items()
        if (folder / name).is_file()
    }


def test_a_dataset_gives_its_splits_with_every_column(corpora: Path) -> None:
    folder = build(corpora / "blackwukong.md", "blackwukong", "--limit", "8", "--max-pairs", "4")
    assert loaded(folder) == written(folder)
    assert set(loaded(folder)) == {"train", "validation", "test"}
    row = datasets.load_dataset(str(folder), split="test")[0]
    assert row == read_jsonl(folder / "test.jsonl")[0]


@pytest.mark.parametrize("text", [ONE_SECTION, NO_HEADINGS])
def test_a_corpus_of_one_section_or_without_headings_loads(empty_home: Path, text: str) -> None:
    path = empty_home / "small.md"
    path.write_text(text, "utf-8")
    folder = build(path, "small")
    assert loaded(folder) == written(folder)
    assert loaded(folder)["train"]


def test_two_runs_one_after_the_other_give_their_own_rows(corpora: Path) -> None:
    folders = [
        build(corpora / f"{name}.md", name, "--limit", "5", "--max-pairs", "3") for name in ("apollo", "blackwukong")
    ]
    assert [loaded(folder) for folder in folders] == [written(folder) for folder in folders]


def test_a_rebuilt_run_gives_its_new_rows(empty_home: Path) -> None:
    path = empty_home / "small.md"
    path.write_text(ONE_SECTION, "utf-8")
    before = loaded(build(path, "small"))
    path.write_text(ONE_SECTION.replace("month 3", "month 30"), "utf-8")
    folder = build(path, "small")
    assert loaded(folder) == written(folder) != before
