"""What a run's sources say of its test rows: their sections, and what an answer states that they do not hold."""

from __future__ import annotations

from pathlib import Path

from wukong_pipe.commands.evaluation_sources import RunSources
from wukong_pipe.files import write_json
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import Example
from wukong_trainer.evaluation.records import TestRow
from wukong_trainer.evaluation.sources import Inventions

SOURCE = "# Apollo\n\nThe Saturn V lifted off on July 16, 1969 with Neil Armstrong. It stood 110.6 m tall."


def row(source: str = "apollo.md", section: str = "", *headings: str) -> TestRow:
    question = Example("How tall was it?", "110.6 m")
    return TestRow("1", "1", section, "a", "base", "wording", "en", source, headings or ("Apollo",), question)


def sources_of(folder: Path, text: str, **others: Path) -> RunSources:
    """Those of a run that was built from apollo.md, which holds the text, and from others."""
    run = Run(folder / "apollo")
    (folder / "apollo.md").write_text(text, encoding="utf-8")
    places = {"apollo.md": str(folder / "apollo.md")} | {f"{name}.md": str(path) for name, path in others.items()}
    write_json(run.folder / "build.json", {"sources": places})
    return RunSources(run, "utf-8")


def test_nothing_is_said_of_an_answer_whose_source_is_gone(tmp_path: Path) -> None:
    never_built = RunSources(Run(tmp_path / "never"), "utf-8")
    assert never_built.sections == {}
    assert never_built.inventions("It stood 110.6 m tall.", row()) is None
    sources = sources_of(tmp_path, SOURCE, gone=tmp_path / "gone.md")
    assert sources.sections
    assert sources.inventions("It stood 110.6 m tall.", row()) == Inventions([], None, 1)
    assert sources.inventions("It stood 99 m tall.", row()) == Inventions(["99 m"], None, 1)
    assert sources.inventions("It stood 99 m tall.", row("gone.md")) is None


def test_what_stands_in_the_source_and_not_in_the_section_is_told_apart(tmp_path: Path) -> None:
    sources = sources_of(tmp_path, f"{SOURCE}\n\n## Mercury\n\nIt stood 29 m tall.")
    (section,) = [name for name, text in sources.sections.items() if "110.6" in text]
    about = row("apollo.md", section, "Apollo 11")
    assert sources.inventions("It stood 110.6 m tall.", about) == Inventions([], [], 1)
    assert sources.inventions("It stood 29 m tall.", about) == Inventions([], ["29 m"], 1)
    assert sources.inventions("It stood 30 m tall.", about) == Inventions(["30 m"], ["30 m"], 1)
    assert sources.inventions("Apollo 11 stood there.", about) == Inventions([], [], 1), "the heading says so"
