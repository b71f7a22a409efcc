"""The page of the answers of an evaluation, used as a browser uses it, without one."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tests.support.answered import answer_row
from wukong_pipe.files import read_jsonl, write_text
from wukong_pipe.records import Section
from wukong_pipe.review_page.answer_desk import AnswerDesk
from wukong_pipe.review_page.answer_routes import answers_application
from wukong_pipe.review_page.security import Access
from wukong_pipe.workspace import Run

HERE = "http://127.0.0.1"
Row = dict[str, Any]


def rows(count: int = 6, lang: str = "en", **fields: Any) -> list[Row]:
    """Questions of two levels; the tuned model knows, the base does not, and the judge finds half of it right."""
    found = []
    for number in range(count):
        level = ("wording", "section")[number % 2]
        row = answer_row(level, number, lang, f"I do not know {number}.", "REFERENCE", **fields)
        for side, value in (("base", "wrong"), ("tuned", "right" if number % 4 else "partly")):
            row[side]["grade"] = {"value": value, "reason": "SECRET"}
        found.append(row)
    return found


class AnswerBrowser:
    """The page of a run with these answers, as a browser that was let in uses it."""

    def __init__(self, folder: Path, answered: list[Row], section: Section | None = None) -> None:
        self.run = Run(folder / "monkey")
        write_text(self.run.answers, "".join(json.dumps(row) + "\n" for row in answered))
        self.desk = AnswerDesk(self.run, lambda _: section)
        access = Access()
        self._client = TestClient(
            answers_application(self.desk, access),
            base_url=HERE,
            headers={"Origin": HERE},
            raise_server_exceptions=False,
        )
        assert self._client.get(f"/?token={access.token}").status_code == 200

    def get(self, path: str = "/answers") -> str:
        return self._client.get(path).text

    def post(self, path: str, **values: Any) -> str:
        return html.unescape(self._client.post(path, data=values, headers={"HX-Request": "true"}).text)

    def grade(self, page: str, value: str) -> str:
        """Press a button of the page; what it shows then."""
        number = re.search(r'hx-post="/answers/(\d+)"', page)
        answer = re.search(r'name="answer" value="(\w+)"', page)
        assert number, page
        assert answer, page
        return self.post(f"/answers/{number[1]}", grade=value, answer=answer[1])

    def grade_all(self, value: str, most: int = 99) -> str:
        page = self.get()
        for _ in range(most):
            if 'name="grade"' not in page:
                break
            page = self.grade(page, value)
        return page

    @property
    def lines(self) -> list[Row]:
        """The grades on the disk."""
        return read_jsonl(self.run.grades) if self.run.grades.exists() else []
