"""Evidence is found in its section as the source has it, and covers units of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.checking import EN, ZH
from wukong_pipe.checks.candidates import Candidate, read_pair
from wukong_pipe.checks.evidence import covered_units, find_evidence
from wukong_pipe.records import Section


def test_white_space_and_markup_may_make_evidence_longer_than_its_section() -> None:
    section = Section("a.md", ("A",), 1, "The Kelmar weighs 417 kilograms.\n", "en")
    candidate = read_pair(
        {"question": "谁？", "answer": "x", "evidence": ["**The Kelmar\n  weighs 417 kilograms.**"]}, section
    )
    assert isinstance(candidate, Candidate)
    assert candidate.evidence == ("The Kelmar weighs 417 kilograms.",)


@pytest.mark.parametrize(
    ("section", "said", "verbatim"),
    [
        (ZH, "出云棍由石敢当掉落，需要12块陨铁。", "出云棍**由石敢当掉落，需要12块陨铁。"),
        (ZH, "| 木棍 |初始武器|", "木棍 | 初始武器"),
        (ZH, " 可以传送。\n", "可以传送。"),
        (EN, "landed Eagle on\n20 July 1969.", "landed *Eagle* on 20 July 1969."),
    ],
)
def test_evidence_is_written_back_as_the_source_has_it(section: Section, said: str, verbatim: str) -> None:
    candidate = read_pair({"question": "谁？", "answer": "x", "evidence": [said]}, section)
    assert isinstance(candidate, Candidate)
    assert candidate.evidence == (verbatim,)
    (span,) = candidate.spans
    assert span is not None
    assert section.text[slice(*span)] == verbatim


@given(st.integers(0, len(ZH.text)), st.integers(1, 40))
def test_every_slice_of_the_source_is_found_in_it(start: int, length: int) -> None:
    said = ZH.text[start : start + length]
    span = find_evidence(said, ZH)
    if said.strip():
        assert span is not None
        assert ZH.text[slice(*span)] == said.strip()
    else:
        assert span is None


@pytest.mark.parametrize("piece", ['[a](b "', "<!-- a ", "**", " ", "``a`", "the crew. "])
def test_evidence_much_longer_than_its_section_is_not_in_it(piece: str) -> None:
    assert find_evidence(piece * (10_000_000 // len(piece)), EN) is None


def test_a_span_covers_the_units_it_touches() -> None:
    span = find_evidence("木棍 | 初始武器", ZH)
    assert [unit.cells for unit in covered_units([span, None], ZH)] == [("木棍", "初始武器")]
