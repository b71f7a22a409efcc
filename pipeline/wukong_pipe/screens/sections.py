"""The sections of a run on the terminal: all in numbers, or one with its evidence marked, its pairs and its rejects."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wukong_pipe.printable import one_line, printable
from wukong_pipe.records import FILES, Section
from wukong_pipe.screens.section_contents import Family, SectionContents, SectionOverview

EVIDENCE = "black on yellow"
_PADDING = re.compile(r"(?<=\|)[ \t]{2,}|(?<![ \t])[ \t]{2,}+(?=\|)")
_RULE = re.compile(r"(?<=[| :])-{4,}(?=[| :])")
"""The line of dashes below a table's head, a cell of it."""
_NEWLINE = re.compile(r"\r\n?|\n")


def _lines(text: str) -> str:
    """A text as lines for the terminal: every line end is a line feed, tabs are blanks, cells of tables not padded."""
    narrow = _RULE.sub("---", _PADDING.sub(" ", text))
    return printable(_NEWLINE.sub("\n", narrow).replace("\t", "    "))


def overview_table(sections: Sequence[SectionOverview]) -> Table:
    """The sections, one a line."""
    table = Table(box=None, pad_edge=False)
    table.add_column("", justify="right")
    table.add_column("section", overflow="fold")
    table.add_column("lines", overflow="fold")
    for heading in ("pairs", *FILES, "rejects", "covered"):
        table.add_column(heading, justify="right")
    for section in sections:
        covered = f"{section.covered / section.units:.0%}" if section.units else ""
        table.add_row(
            str(section.number),
            Text(one_line(section.name)),
            Text(f"{one_line(section.source)}:{section.lines[0]}-{section.lines[1]}"),
            Text(section.not_asked, style="dim") if section.not_asked else f"{section.kept}/{section.wanted}",
            *(str(count) for count in section.rows.values()),
            str(section.rejects),
            covered,
        )
    return table


def show_section(contents: SectionContents, console: Console) -> None:
    """Print a section: evidence in colour on a terminal that has any, between ⟦ and ⟧ elsewhere."""
    overview = contents.overview
    place = f"{one_line(overview.source)}:{overview.lines[0]}-{overview.lines[1]}"
    console.print(Text.assemble((one_line(overview.name), "bold"), f"  {place}  {overview.id}"))
    if contents.problem:
        console.print(Text(one_line(contents.problem), style="yellow"))
    console.print()
    if contents.section:
        marked = console.color_system is None or console.no_color
        _show_text(contents.section, contents.evidence, marked, console)
        console.print()
    if overview.not_asked:
        console.print(f"Not asked: {overview.not_asked}.")
    else:
        console.print(
            f"{overview.kept} of {overview.wanted} pairs kept; evidence covers {overview.covered} of {overview.units} "
            "sentences, list items, table rows and pieces of code."
        )
    for number, family in enumerate(contents.families, start=1):
        _show_family(number, family, console)
        if contents.section is None:
            for text in family.rows[0]["evidence"]:
                console.print(Text(f"{'':21}“{one_line(text)}”"))
    console.print(f"\n{overview.rejects} rejected{':' if overview.rejects else '.'}")
    questions = contents.questions
    for reject in contents.rejects:
        _show_reject(reject, questions, console)


def _show_text(section: Section, evidence: Sequence[tuple[int, int]], marked: bool, console: Console) -> None:
    """The section's lines with their numbers. A table head or fence that they continue stands above, unnumbered."""
    text = Text()
    begins, ends = {begin for begin, _ in evidence}, {end for _, end in evidence}
    for begin, end in pairwise(sorted({0, len(section.text), *begins, *ends})):
        inside = any(first <= begin < last for first, last in evidence)
        text.append("⟦" if marked and begin in begins else "")
        text.append(_lines(section.text[begin:end]), EVIDENCE if inside and not marked else "")
        text.append("⟧" if marked and end in ends else "")
    width = len(str(section.first_line + text.plain.count("\n")))
    for line in _lines(section.header).splitlines():
        console.print(Text(f"{'':{width}} ┆ {line}", style="dim"))
    text.rstrip()
    for number, numbered in enumerate(text.split("\n", allow_blank=True), start=section.first_line):
        console.print(Text.assemble((f"{number:{width}} │ ", "dim"), numbered))


def _show_family(number: int, family: Family, console: Console) -> None:
    first = family.rows[0]
    lines = "line {}".format(first["lines"][0])
    if first["lines"][0] != first["lines"][1]:
        lines = "lines {}-{}".format(*first["lines"])
    if pages := first.get("pages"):
        lines += f", page{'s' if len(pages) > 1 else ''} {', '.join(map(str, pages))}"
    answers = family.answers
    console.print(
        Text.assemble(f"\n{number}. ", (one_line(answers[0]), "bold"), (f"  {lines}  {family.pair_id}", "dim"))
    )
    for count, answer in enumerate(answers[1:], start=2):
        console.print(Text(f"{'':15}({count}) → {one_line(answer)}"))
    for row in family.rows:
        where = f"{row['split']} {row['level']}".rstrip()
        words = one_line(row["instruction"])
        which = answers.index(str(row["output"])) + 1
        answer = f"  → ({which})" if which > 1 else ""
        console.print(Text.assemble((f"   {one_line(where):16}  ", "dim"), words, answer, (f"  {row['id']}", "dim")))


def _show_reject(reject: Mapping[str, Any], questions: Mapping[str, str], console: Console) -> None:
    """Print a reject: stage and reason, what was rejected, and what it was another wording of.

    Args:
        questions: the own question of each pair, by the pair's id.
    """
    name = one_line(str(reject.get("id", "")))
    why = Text.assemble(("  " + one_line(reject["stage"]), "bold"), f"  {one_line(reject['reason'])}")
    console.print(why.append(f"  {name}" if name else "", "dim"))
    candidate = reject["candidate"] if isinstance(reject["candidate"], dict) else {"item": reject["candidate"]}
    question, answer = (
        next((str(candidate[key]) for key in keys if candidate.get(key)), "")
        for keys in (("instruction", "question"), ("output", "answer"))
    )
    spelt = [str(candidate.get(key, "")) for key in ("fact", "spelling")] if "spelling" in candidate else []
    words = " → ".join(filter(None, (question, answer, *spelt)))
    whole = candidate.get("item", candidate) or reject["reply"]
    console.print(Text(f"      {_cut(words or str(whole))}", style="dim"))
    base = str(candidate.get("base") or questions.get(str(candidate.get("pair_id")), ""))
    if base and base != question:
        console.print(Text(f"      base: {_cut(base)}", style="dim"))


def _cut(words: str) -> str:
    return one_line(words)[:300]
