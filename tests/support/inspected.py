"""A small book, what `inspect` prints of its run, and rows changed as somebody might change them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wukong_pipe.cli.main import main
from wukong_pipe.files import jsonl, read_jsonl
from wukong_pipe.workspace import Run

BOOK = (
    "# 书\n\n## 一\n\n石甲的兵器是乙刀。石丙的住处是丁山。\n\n"
    "## 二\n\n石戊的坐骑是己马。\n\n## 二十\n\n石庚的师父是辛翁。\n"
)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["inspect", *arguments]) == 0
    return capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(shown(capsys, *arguments, "--json"))


def change_rows(run: Run, name: str, **fields: Any) -> None:
    """Give all rows of a file these fields."""
    path = run.dataset / name
    path.write_text(jsonl(row | fields for row in read_jsonl(path)), "utf-8")
