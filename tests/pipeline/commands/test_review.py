"""The command that shows the review: what it prints, who opens it, and how it ends."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import webbrowser
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from tests.support.building import run_in
from tests.support.reviewed import build
from wukong_pipe.cli.main import main
from wukong_pipe.files import read_jsonl


@pytest.mark.slow
def test_a_session_ends_with_ctrl_c_and_says_what_was_recorded(tmp_path: Path) -> None:
    build(tmp_path)
    command = [sys.executable, "-m", "wukong_pipe.cli", "review", "--no-browser", "--run", "book"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        found = re.search(
            r"Review of book, \d+ pairs: ((http://127\.0\.0\.1:\d+)/\?token=\S+)", server.stderr.readline()
        )
        assert found
        browser = build_opener(HTTPCookieProcessor())
        page = browser.open(found[1]).read().decode("utf-8")
        pair = re.search(r'name="pair" value="(\w+)"', page)
        assert pair
        accept = Request(
            f"{found[2]}/pair/{pair[1]}", urlencode({"action": "accept"}).encode(), {"Origin": found[2]}, method="POST"
        )
        browser.open(accept).read()
        with pytest.raises(HTTPError, match="403"):
            build_opener().open(found[2])
        server.send_signal(signal.SIGINT)
        said = server.stderr.read()
        assert server.wait() == 0
    assert "1 decision recorded in " in said
    assert "the next `wukong-pipe build` applies them." in said
    assert [(line["id"], line["ok"]) for line in read_jsonl(run_in(tmp_path).edits)] == [(pair[1], True)]


def test_the_browser_is_opened_at_the_address_with_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path)
    monkeypatch.chdir(tmp_path)
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr("uvicorn.Server.run", lambda *_, **__: None)
    assert main(["review", "--run", "book"]) == 0
    said = capsys.readouterr().err
    assert len(opened) == 1
    assert f": {opened[0]}\n" in said
    assert "No decision was recorded." in said


def test_without_the_extra_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["review", "--run", "book"]) == 1
    said = capsys.readouterr().err
    assert "needs uvicorn" in said
    assert "[review]" in said


def test_a_run_without_a_dataset_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs" / "empty").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert main(["review", "--run", "empty", "--no-browser"]) == 1
    assert "wukong-pipe build" in capsys.readouterr().err
