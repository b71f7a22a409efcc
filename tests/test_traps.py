"""The table of traps names tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_every_test_that_the_table_of_traps_names_is_there() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (ROOT / "benchmarks" / "traps.md").read_text("utf-8"))
    assert named
    there = {
        (file, function.name)
        for file in {file for file, _ in named}
        for function in ast.walk(ast.parse((ROOT / "tests" / file).read_text("utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert sorted(set(named) - there) == []


def test_every_trap_names_a_test_or_says_that_there_is_none() -> None:
    table = (ROOT / "benchmarks" / "traps.md").read_text("utf-8")
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| trap ")]
    assert len(rows) > 40
    assert [row for row in rows if ".py::test_" not in row and "| none" not in row] == []
