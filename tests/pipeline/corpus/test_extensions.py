"""What MkDocs, VuePress, MyST and GitHub add to Markdown is read as its content, line by line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

from tests.support.markdown import markdown
from wukong_pipe.corpus.extensions import as_commonmark
from wukong_pipe.corpus.split import MAX_CHARS, split
from wukong_pipe.corpus.units import units
from wukong_pipe.records import Section


def said(text: str) -> list[tuple[str, str]]:
    found = units(Section("a.md", ("书",), 1, text))
    assert all(unit.text == text[unit.start : unit.end] for unit in found)
    return [(unit.kind, unit.shown) for unit in found if unit.is_telling]


@given(markdown)
@settings(max_examples=300, deadline=None)
def test_every_line_stays_a_line(text: str) -> None:
    assert re.findall(r"\r\n?|\n", as_commonmark(text)) == re.findall(r"\r\n?|\n", text)


@pytest.mark.parametrize(
    "text",
    [
        '!!! note "标题"\n    第一句。\n\n    - 一项\n',
        "??? tip\n    第一句。\n\n    - 一项\n",
        "???+ tip\n\n\t第一句。\n\n\t- 一项\n",
        '=== "标签"\n\n    第一句。\n\n    - 一项\n',
        "> [!WARNING]\n> 第一句。\n>\n> - 一项\n",
        "> [!note] 标题\n> 第一句。\n>\n> - 一项\n",
        "::: tip 标题\n第一句。\n\n- 一项\n:::\n",
        ":::{note}\n第一句。\n\n- 一项\n:::\n",
        "```{note}\n:class: wide\n\n第一句。\n\n- 一项\n```\n",
    ],
)
def test_the_body_of_an_admonition_is_read_and_its_mark_is_not(text: str) -> None:
    assert said(text) == [("sentence", "第一句。"), ("item", "一项")]


def test_the_title_of_an_admonition_is_a_heading_that_heads_no_section() -> None:
    (section,) = split('# A\n\n!!! tip "Gotcha"\n    Use `http`.\n', "a.md")
    assert [(unit.kind, unit.words) for unit in units(section)] == [
        ("heading", "A"),
        ("heading", "Gotcha"),
        ("sentence", "Use http."),
    ]


def test_code_in_an_admonition_is_code_and_admonitions_may_stand_in_one_another_and_in_lists() -> None:
    text = "!!! note\n\n    Do it:\n\n    ```sh\n    ls -l\n    ```\n\n    ??? tip\n        Inside.\n\nAfter.\n"
    assert said(text) == [("code", "Do it:\nls -l"), ("sentence", "Inside."), ("sentence", "After.")]
    assert said("- One.\n\n    !!! note\n        Two.\n\n- Three.\n") == [
        ("item", "One."),
        ("item", "Two."),
        ("item", "Three."),
    ]


def test_what_code_shows_of_an_admonition_stays_as_it_is() -> None:
    assert said("```\n!!! note\n    Body.\n: x\n```\n") == [("code", "!!! note\n    Body.\n: x")]


def test_a_definition_is_one_item_with_its_term() -> None:
    text = "前文。\n\n出云棍\n: 石敢当掉落的棍。\n\nPort\n\n:   The number. By default 80.\n"
    found = [unit for unit in units(Section("a.md", ("书",), 1, text)) if unit.kind == "item"]
    assert [(unit.lead, unit.words) for unit in found] == [
        ("出云棍", "石敢当掉落的棍。"),
        ("Port", "The number. By default 80."),
    ]
    assert found[0].text == "出云棍\n: 石敢当掉落的棍。"


def test_a_line_for_an_api_generator_and_a_label_say_nothing() -> None:
    assert said("(label)=\n\n::: httpx.Client\n    options:\n      members: no\n\n    more:\n") == []
    assert said("```{eval-rst}\n.. autofunction:: click.echo\n   :members:\n```\n") == []


def test_a_long_admonition_is_read_as_one_in_each_piece() -> None:
    body = "".join(f"    第{i}段。{'字' * 700}。\n\n" for i in range(9))
    sections = split(f"# A\n\n!!! note\n\n{body}", "a.md")
    assert len(sections) > 2
    assert all(section.header == "!!! note\n" for section in sections[1:])
    assert {unit.kind for section in sections for unit in units(section)} == {"heading", "sentence"}
    assert all(len(section.text) <= MAX_CHARS for section in sections)
