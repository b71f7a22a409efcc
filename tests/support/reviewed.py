"""A small book that was built, as a reviewer reads it."""

from __future__ import annotations

from pathlib import Path

from tests.support.building import build_offline, run_in, source
from wukong_pipe.files import write_json
from wukong_pipe.pipeline import Built
from wukong_pipe.review.library import Library
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.stages.settings import BuildSettings

BOOK = "# 书\n" + "".join(f"\n## 第{n}章\n\n甲{n}的兵器是乙{n}刀。丙{n}的住处是丁{n}山。\n" for n in range(1, 6))
FEW = BuildSettings(variants=4, holdout=0.0)
TESTED = BuildSettings(variants=4, holdout=0.4)
"""With questions that are held out."""


def build(folder: Path, text: str = BOOK, settings: BuildSettings = FEW) -> Built:
    """Build the book, its source beside the run."""
    (folder / "book.md").write_text(text, "utf-8")
    built, _ = build_offline(folder, [source(text)], settings)
    # The source was given as a text: where it stands is noted here.
    write_json(run_in(folder).folder / "build.json", {"sources": {"book.md": str(folder / "book.md")}})
    return built


def library_of(folder: Path) -> Library:
    return Library(run_in(folder))


def trained_and_tested(library: Library) -> tuple[ReviewPair, ReviewPair]:
    """The first pair whose own question is trained, and one behind it that is a test."""
    trained = next(pair for pair in library.pairs if pair.rows[0].split == "train")
    return trained, next(pair for pair in library.pairs if pair.number > trained.number and pair.splits == ("test",))


def about(library: Library, answer: str) -> ReviewPair:
    """The pair with that in its answer."""
    return next(pair for pair in library.pairs if answer in pair.answer)
