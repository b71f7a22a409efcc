"""A list on disk is a list: what goes in comes out, in order, whatever was written when."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rows import family, pair, section
from wukong_pipe import spilled
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Reject, Section
from wukong_pipe.spilled import ById, Sections, Spilled, made, picked
from wukong_pipe.teacher.harvest import Harvest

FOLDER = Path(tempfile.gettempdir())


@pytest.fixture(autouse=True, scope="module", params=[0, spilled.HELD])
def held(request: pytest.FixtureRequest) -> Iterator[None]:
    """Lists that keep no record in memory, and small ones that keep all."""
    usual, spilled.HELD = spilled.HELD, request.param
    yield
    spilled.HELD = usual


records = st.lists(st.text() | st.tuples(st.integers(), st.text()))


@given(records, records, st.integers(1, 64))
def test_a_list_on_disk_reads_like_the_list(first: list[Any], later: list[Any], at_once: int) -> None:
    kept, spilled._WRITTEN_AT_ONCE = spilled._WRITTEN_AT_ONCE, at_once
    try:
        on_disk = Spilled[Any](FOLDER, records=first)
        assert on_disk == first
        on_disk.extend(later)
        both = first + later
        assert (len(on_disk), [*on_disk], on_disk[1:-1]) == (len(both), both, both[1:-1])
        assert [on_disk[-1 - place] for place in range(len(both))] == both[::-1]
        with pytest.raises(IndexError):
            on_disk[len(both)]
    finally:
        spilled._WRITTEN_AT_ONCE = kept


@given(st.permutations(range(9)))
def test_records_may_come_in_any_order(order: list[int]) -> None:
    on_disk = Spilled[str](FOLDER)
    for place in order:
        on_disk.put(place, f"record {place}")
    assert on_disk == [f"record {place}" for place in range(9)]


def test_a_record_comes_back_with_the_section_that_the_list_of_sections_holds_once() -> None:
    words = "很长的正文。" * 1000
    sections = Sections(FOLDER, [section("甲", words), section("乙", words)])
    asked = pair("乙？", where="乙")
    about = [Section(each.source, each.heading_path, each.first_line, each.text) for each in sections]
    rejects = [Reject("base_qa", Reason.of("empty"), each, {"question": "？"}) for each in about]
    harvest = Harvest(about[1], "乙", 2, [asked, *family(asked)], rejects)
    on_disk = Spilled[Any](FOLDER, sections, [*rejects, harvest])
    assert on_disk == [*rejects, harvest]
    assert on_disk[0].section == sections[0]
    # That of the pair is not among them, and so stands in the record itself.
    assert on_disk[2].kept[0].section == asked.section
    # Nor is anything made anew of what a record says.
    assert (on_disk[2].kept[0].id, on_disk[2].names) == (asked.id, harvest.names)
    assert sum(on_disk._sizes) < len(words.encode())


def test_sections_that_say_the_same_at_two_places_keep_their_lines() -> None:
    one, again = Section("a.md", ("书",), 1, "正文。"), Section("a.md", ("书",), 9, "正文。")
    sections = Sections(FOLDER, [one, again])
    assert one.id == again.id
    assert Spilled[Any](FOLDER, sections, [again, one]) == [again, one]
    assert sections.with_id(one.id) == again
    with pytest.raises(KeyError):
        sections.with_id("no id")


def test_views_are_made_anew_and_records_are_found_by_their_ids() -> None:
    words = Spilled[str](FOLDER, records=["one", "two", "one"])
    assert picked(words, [2, 1]) == ["one", "two"]
    assert made(2, lambda place: place * 10) == [0, 10] != made(3, lambda place: place * 10)
    by_id = ById(words, lambda word: word[0])
    assert by_id.of("o") == ["one", "one"]
    assert "t" in by_id
    assert "x" not in by_id


def test_nothing_of_it_has_a_name_on_the_disk(tmp_path: Path) -> None:
    on_disk = Spilled[str](tmp_path, records=["x" * 1_000_000])
    assert [*tmp_path.iterdir()] == []
    assert on_disk[0] == "x" * 1_000_000


def test_a_full_disk_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object) -> int:
        raise OSError(28, os.strerror(28))

    on_disk = Spilled[str](tmp_path)
    monkeypatch.setattr("wukong_pipe.spilled.os.write", full)
    with pytest.raises(WorkspaceError, match=r"cannot be written: No space left on device\.$"):
        on_disk.append("x" * spilled._WRITTEN_AT_ONCE)
    with pytest.raises(WorkspaceError, match="cannot be written"):
        Spilled[str](tmp_path / "is not there")
