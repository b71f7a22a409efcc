"""A block of HTML says its text, its list items and the rows of its tables."""

from __future__ import annotations

import pytest

from wukong_pipe.corpus.unit import Unit
from wukong_pipe.corpus.units import units
from wukong_pipe.records import Section


def read(html: str) -> list[Unit]:
    found = units(Section("a.md", ("A",), 1, html))
    assert all(unit.text == html[unit.start : unit.end] for unit in found)
    return list(found)


def said(html: str) -> list[tuple[str, str]]:
    return [(unit.kind, unit.words) for unit in read(html)]


def test_text_is_read_as_sentences_and_its_headings_as_headings() -> None:
    html = '<div align="center">\n<h2>标题</h2>\n<p>第一句<b>很</b>长。第二句 &amp; 更多。</p>\n</div>\n'
    assert said(html) == [("heading", "标题"), ("sentence", "第一句很长。"), ("sentence", "第二句 & 更多。")]
    assert said("<details>\n<summary>More</summary>\n\nInside.\n\n</details>\n") == [
        ("heading", "More"),
        ("sentence", "Inside."),
    ]


def test_a_table_is_read_as_rows_under_its_head() -> None:
    html = (
        "<table>\n<caption>Options</caption>\n<tr><th>Option</th><th>Default</th></tr>\n"
        "<tr><td><code>verify</code></td><td>True<br>or False</td></tr>\n<tr><td>http2<td></tr></table>\n"
    )
    caption, first, second = read(html)
    assert (caption.kind, caption.words) == ("heading", "Options")
    assert first.text == "<tr><td><code>verify</code></td><td>True<br>or False</td></tr>"
    assert (first.header, first.cells) == (("Option", "Default"), ("verify", "True or False"))
    assert first.shown == "Option: verify | Default: True or False"
    assert (second.cells, second.facts) == (("http2", ""), 0)


def test_each_table_has_its_own_head_and_may_have_none() -> None:
    rows = [unit for unit in read("<table><tr><th>a</table>\n<table><tr><td>1<td>2</table>\n") if unit.kind == "row"]
    assert [(row.header, row.cells) for row in rows] == [((), ("1", "2"))]


def test_items_and_preformatted_code_are_read_as_such() -> None:
    assert said("<ul>\n<li>One.\n<li>Two.</li>\n</ul>\n") == [("item", "One."), ("item", "Two.")]
    assert said("<pre><code>a &lt; b\n\nc\n</code></pre>\n") == [("code", "a < b\n\nc")]


@pytest.mark.parametrize(
    "html", ["<!-- a comment. -->\n", "<style>\np { a: b }\n</style>\n", "<script>\nf();\n</script>\n", "<br>\n"]
)
def test_what_no_reader_sees_is_not_read(html: str) -> None:
    assert said(html) == []


def test_html_in_a_list_says_its_text_without_the_marker() -> None:
    assert said("- <div>One.</div>\n") == [("sentence", "One.")]


def test_an_image_alone_is_an_image() -> None:
    assert said('<p align="center">\n<a href="x"><img src="a.png"/></a>\n</p>\n') == [("image", "")]
