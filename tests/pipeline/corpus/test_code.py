"""Code says something: a block is a unit with the sentence that announces it, a long one several."""

from __future__ import annotations

import pytest

from wukong_pipe.corpus.code import MAX_LINES
from wukong_pipe.corpus.split import MAX_CHARS, split
from wukong_pipe.corpus.unit import Unit
from wukong_pipe.corpus.units import units
from wukong_pipe.records import Section


def code_of(text: str, header: str = "") -> list[Unit]:
    section = Section("a.md", ("A",), 1, text, header=header)
    found = units(section)
    assert all(unit.text == text[unit.start : unit.end] for unit in found)
    return [unit for unit in found if unit.kind == "code"]


def test_a_block_and_the_sentence_that_announces_it_are_one_unit() -> None:
    text = "It is off. You can turn it on:\n\n```python\nclient = Client(http2=True)\n```\n"
    sentence, code = units(Section("a.md", ("A",), 1, text))
    assert (sentence.kind, sentence.text) == ("sentence", "It is off.")
    assert code.text == "You can turn it on:\n\n```python\nclient = Client(http2=True)\n```"
    assert code.shown == "You can turn it on:\nclient = Client(http2=True)"
    assert code.words == "client = Client(http2=True)"


@pytest.mark.parametrize("announcement", ["运行：", "You can disable it...", "The call is as follows.", "- Install:"])
def test_a_colon_an_ellipsis_and_a_signpost_announce_code(announcement: str) -> None:
    (code,) = code_of(f"{announcement}\n\n      pip install x\n")
    assert code.text.endswith("pip install x")
    assert code.announced == announcement.removeprefix("- ")


@pytest.mark.parametrize("before", ["It is off.", "Do it:\n\nIt is off.", "## Do it:", "| a |\n|---|\n| b: |"])
def test_another_sentence_heading_or_row_announces_none(before: str) -> None:
    (code,) = code_of(f"{before}\n\n```\npip install x\n```\n")
    assert (code.text, code.announced) == ("```\npip install x\n```", "")


def test_code_in_a_list_or_quotation_is_shown_without_what_indents_it() -> None:
    listed, quoted = code_of("1. Run:\n\n   ```sh\n   if a; then\n     b\n   fi\n   ```\n\n> ~~~\n> c\n> ~~~\n")
    assert listed.words == "if a; then\n  b\nfi"
    assert quoted.words == "c"
    assert quoted.text == "~~~\n> c\n> ~~~"


def test_the_name_of_an_item_that_announces_code_stays_a_name() -> None:
    (code,) = code_of("- **Linux**: run\n  this:\n\n  ```\n  make\n  ```\n")
    assert (code.lead, code.shown) == ("Linux", "**Linux**: run this:\nmake")


def test_a_long_block_is_cut_at_blank_lines_and_only_the_first_piece_is_announced() -> None:
    parts = ["\n".join(f"step_{part}_{i} = {i}" for i in range(9)) for part in range(3)]
    first, second, third = code_of("Do it:\n\n```\n" + "\n\n".join(parts) + "\n```\n")
    assert [first.words, second.words, third.words] == parts
    assert [first.announced, second.announced, third.announced] == ["Do it:", "", ""]
    assert first.text.startswith("Do it:\n\n```\nstep_0_0")
    assert third.text.endswith("\n```")


def test_short_parts_stay_together() -> None:
    (code,) = code_of("```\na = 1\n\nb = 2\n```\n")
    assert code.words == "a = 1\n\nb = 2"
    assert code_of("```\n" + "x = 1\n" * 3 * MAX_LINES + "```\n")[0].words.count("\n") == 3 * MAX_LINES - 1


def test_an_empty_block_says_nothing() -> None:
    assert code_of("```\n\n```\n") == []


def test_code_whose_fence_was_opened_in_the_section_before_is_code() -> None:
    (code,) = code_of("\nb = 2\n```\n", header="```python\n")
    assert (code.text, code.words) == ("b = 2\n```", "b = 2")


def test_a_long_section_is_not_cut_between_code_and_its_announcement() -> None:
    fence = "```\n" + "x = 1\n" * 200 + "```\n"
    sections = split(f"# A\n\n{'字' * 1900}。\n\nDo it:\n\n{fence}", "a.md")
    assert [section.text[:6] for section in sections] == ["# A\n\n字", "Do it:"]
    assert all(len(section.text) <= MAX_CHARS for section in sections)


def test_code_above_the_limit_is_cut_at_its_blank_lines_without_a_warning() -> None:
    warnings: list[str] = []
    code = "".join(f"def f{i}():\n    return {i}\n\n" for i in range(200))
    sections = split(f"# A\n\n```python\n{code}```\n", "a.md", warn=warnings.append)
    assert warnings == []
    assert all(section.text.startswith("def f") for section in sections[1:])
