"""The page of a run, used as a browser uses it, without one."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tests.support.building import run_in
from tests.support.reviewed import library_of
from wukong_pipe.files import read_jsonl
from wukong_pipe.review.pairs import ReviewPair
from wukong_pipe.review_page.app import application
from wukong_pipe.review_page.desk import Desk, language_of
from wukong_pipe.review_page.security import Access

HERE = "http://127.0.0.1"


class Browser:
    """The page of a run, as a browser that was let in uses it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.library = library_of(folder)
        self.desk = Desk(self.library, language_of(self.library), 0.05)
        access = Access()
        self._client = TestClient(
            application(self.desk, access), base_url=HERE, headers={"Origin": HERE}, raise_server_exceptions=False
        )
        assert self._client.get(f"/?token={access.token}").status_code == 200

    def get(self, path: str, **values: Any) -> str:
        """The text of an answer, entities read."""
        return html.unescape(self.raw(path, **values))

    def raw(self, path: str, **values: Any) -> str:
        return self._client.get(path, params=values or None).text

    def post(self, path: str, **values: Any) -> str:
        return html.unescape(self._client.post(path, data=values).text)

    def status(self, path: str) -> int:
        return int(self._client.get(path).status_code)

    def headers(self, path: str) -> Mapping[str, str]:
        return self._client.get(path).headers

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The decisions on the disk."""
        path = run_in(self.folder).edits
        return read_jsonl(path) if path.exists() else []

    def current(self, answer: str) -> ReviewPair:
        """The pair that an answer shows."""
        found = re.search(r'id="current" name="pair" value="(\w+)"', answer)
        assert found, answer
        return self.library.by_id[found[1]]
