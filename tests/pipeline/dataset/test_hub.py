"""An upload: only what is on the list, nothing that looks like a secret, private, and all of it in one commit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import files_in
from tests.support.hub import Hub, hub
from wukong_pipe.cli.main import main
from wukong_pipe.dataset.hub import push
from wukong_pipe.errors import NotUploaded
from wukong_pipe.hub_upload import Destination, check_ready
from wukong_pipe.workspace import Run, Workspace

pytestmark = pytest.mark.usefixtures("workspace")

TOKEN = "hf" + "_" + "Ab1" * 12
BOOK = "# 茶\n\n" + "".join(
    f"## 第{i}种\n\n- **茶{i}号**：产自山谷{i}，在{i}月采摘。\n- **壶{i}号**：由匠人{i}烧成，重{i}斤。\n\n"
    for i in range(1, 9)
)
BUILD = ["build", "tea.md", "--teacher", "offline", "--variants", "5", "--min-fill", "0", "--format", "messages"]
ROWS = {"train.jsonl", "val.jsonl", "test.jsonl"}
UPLOADED = {"README.md", "manifest.json", "dataset_info.json"} | ROWS | {f"messages/{name}" for name in ROWS}


@pytest.fixture
def workspace(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a built dataset in runs/tea, in which the test stands, and a token."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    (empty_home / "tea.md").write_text(BOOK, "utf-8")
    assert main(BUILD) == 0
    for name in ("journal-copy.txt", "notes.jsonl", "messages/notes.jsonl", ".env"):
        (empty_home / "runs" / "tea" / "dataset" / name).write_text("mine\n")
    (empty_home / "runs" / "tea" / "private.txt").write_text("mine\n")
    return empty_home


@pytest.fixture
def run() -> Run:
    return Workspace(Path("runs")).last_run()


def pushed(
    run: Run, monkeypatch: pytest.MonkeyPatch, server: Hub, *, rejected: bool = False, **wishes: Any
) -> list[str]:
    """Upload to `server`; what was said."""
    said: list[str] = []
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
    address = push(run, Destination("me/tea", **wishes), said.append, rejected=rejected)
    assert address == f"{server.url}/datasets/me/tea"
    return said


def test_the_command_creates_a_private_dataset_and_commits_just_the_files_on_the_list(workspace: Path) -> None:
    before = files_in(workspace / "runs" / "tea" / "dataset")
    with hub() as server:
        command = [sys.executable, "-m", "wukong_pipe.cli", *BUILD, "--push-to-hub", "me/tea"]
        done = subprocess.run(
            command, env=os.environ | {"HF_ENDPOINT": server.url}, cwd=workspace, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    assert f"Uploaded to {server.url}/datasets/me/tea" in done.stderr
    assert server.asked[0] == ("POST", "/api/repos/create")
    assert server.created == {"name": "tea", "organization": "me", "type": "dataset", "visibility": "private"}
    assert server.authorization == {f"Bearer {TOKEN}"}
    assert server.committed == {name: before[name] for name in UPLOADED}
    assert TOKEN not in done.stdout + done.stderr


def test_the_rejects_leave_only_when_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub() as server:
        pushed(run, monkeypatch, server, rejected=True)
    assert set(server.committed) == UPLOADED | {"rejected.jsonl"}


def test_what_an_earlier_upload_left_there_goes_and_other_files_stay(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    there = ("train.jsonl", "sharegpt/train.jsonl", "rejected.jsonl", ".gitattributes", "LICENSE")
    with hub(exists=True, siblings=there) as server:
        pushed(run, monkeypatch, server)
    assert server.deleted == ["rejected.jsonl", "sharegpt/train.jsonl"]


def test_a_public_dataset_takes_an_upload_only_when_the_user_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub(exists=True, private=False) as server:
        with pytest.raises(NotUploaded, match=r"me/tea is there already, and public\. Confirm with --public"):
            pushed(run, monkeypatch, server)
        assert server.committed == {}
        pushed(run, monkeypatch, server, public=True)
        assert set(server.committed) == UPLOADED


# --- secrets ---------------------------------------------------------------------------------------------------


def test_nothing_is_sent_where_something_looks_like_a_secret(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "gl" + "pat-" + "x7" * 10
    (workspace / "tea.md").write_text(BOOK.replace("匠人3", f"匠人{secret}"), "utf-8")
    with hub() as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        assert main([*BUILD, "--push-to-hub", "me/tea"]) == 1
    shown = capsys.readouterr()
    assert server.asked == []
    assert "GitLab token glpa…" in shown.err
    assert ".jsonl, line " in shown.err
    assert "Error: Nothing was uploaded: " in shown.err
    assert secret not in shown.err + shown.out
    assert Path("runs/tea/dataset/manifest.json").is_file()


@pytest.mark.parametrize("name", ["README.md", "manifest.json", "test.jsonl", "messages/val.jsonl"])
def test_every_file_that_would_leave_is_searched(run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("SOME_SERVICE_PASSWORD", "correct horse battery")
    with (run.dataset / name).open("a", encoding="utf-8") as file:
        file.write('{"output": "correct horse battery"}\n')
    said: list[str] = []
    with hub() as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        with pytest.raises(NotUploaded, match="1 places look like secrets"):
            push(run, Destination("me/tea"), said.append)
    assert server.asked == []
    (line,) = said
    assert line.startswith(f"{name}, line ")
    assert "the value of $SOME_SERVICE_PASSWORD" in line


def test_the_token_itself_is_no_row(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "an-odd-token-0123")
    with (run.dataset / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"output": "an-odd-token-0123"}\n')
    said: list[str] = []
    with pytest.raises(NotUploaded):
        push(run, Destination("me/tea"), said.append)
    assert "the value of your Hugging Face token" in said[0]


def test_what_does_not_leave_may_hold_anything_and_a_user_may_say_that_a_finding_is_no_secret(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "AK" + "IAIOSFODNN7EXAMPLE"
    for name in ("rejected.jsonl", "notes.jsonl"):
        (run.dataset / name).write_text(f'{{"reply": "{secret}"}}\n')
    said: list[str] = []
    with hub() as server:
        pushed(run, monkeypatch, server)
        with pytest.raises(NotUploaded):
            push(run, Destination("me/tea"), said.append, rejected=True)
        mark = said[0].rpartition("(")[2].rstrip(")")
        pushed(run, monkeypatch, server, rejected=True, no_secrets=(mark,))
    assert secret.encode() in server.committed["rejected.jsonl"]


def test_many_findings_are_counted_and_the_first_are_shown(run: Run) -> None:
    with (run.dataset / "train.jsonl").open("a", encoding="utf-8") as file:
        file.writelines('{"output": "xox' + f'b-{i:012}"}}\n' for i in range(50))
    said: list[str] = []
    with pytest.raises(NotUploaded, match=r"50 places look like secrets \(the first 20 are shown\)"):
        push(run, Destination("me/tea"), said.append)
    assert len(said) == 20


# --- what keeps an upload from beginning, or from ending -------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["tea", "me/tea/two", "/tea", "me/", "me/te a", "https://huggingface.co/me/tea", "我/茶"]
)
def test_a_name_that_is_none_is_said_before_anything_is_built(
    name: str, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_in(workspace / "runs")
    capsys.readouterr()
    assert main([*BUILD, "--push-to-hub", name]) == 1
    assert "names no repository of the Hub: give OWNER/NAME" in capsys.readouterr().err
    assert files_in(workspace / "runs") == before


def test_a_missing_or_broken_token_is_said_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(NotUploaded, match="There is no Hugging Face token: set HF_TOKEN"):
        check_ready("me/tea")
    monkeypatch.setenv("HF_TOKEN", "hf_密钥")
    with pytest.raises(NotUploaded, match="holds characters that no token has"):
        check_ready("me/tea")


def test_a_missing_library_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert main([*BUILD, "--push-to-hub", "me/tea"]) == 1
    assert "An upload needs huggingface_hub, which is not installed: pip install" in capsys.readouterr().err


@pytest.mark.parametrize("status", [401, 403, 400, 404])
def test_a_refusal_is_said_in_the_hubs_words(run: Run, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    with hub(refuse=status) as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        with pytest.raises(NotUploaded, match=r"The upload to me/tea failed: .*rights to create") as refused:
            push(run, Destination("me/tea"), lambda line: None)
    assert TOKEN not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_hub_that_cannot_be_reached_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub() as server:
        gone = server.url
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", gone)
    with pytest.raises(NotUploaded, match=r"The upload to me/tea failed: .*onnect"):
        push(run, Destination("me/tea"), lambda line: None)
