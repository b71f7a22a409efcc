"""A model's name: a folder that must be there, or a hub that is asked once whether it answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from huggingface_hub import constants

from wukong_pipe.errors import ModelError, WorkspaceError
from wukong_pipe.workspace import Run
from wukong_trainer.evaluation.evaluate import evaluate
from wukong_trainer.evaluation.settings import Settings
from wukong_trainer.models import hub_access
from wukong_trainer.models.hub_access import not_found, reach
from wukong_trainer.models.loading import load_tokenizer


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    hub_access._answers.cache_clear()
    yield
    hub_access._answers.cache_clear()


@pytest.mark.parametrize("path", ["./nosuch", "/no/such", "~/nosuch", "a/b/c", ".\\nosuch"])
def test_a_folder_that_is_not_there_is_no_name_on_a_hub(path: str) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        load_tokenizer(path)


def test_a_silent_hub_is_asked_once_and_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(
            ModelError, match=r"nobody/nothing is not on this machine, and http://127.* does not answer"
        ):
            load_tokenizer("nobody/nothing")
        reach(str(tmp_path))
        with pytest.raises(ModelError, match="does not answer"):
            load_tokenizer("nobody/nothing-else")
    assert hub_access._answers.cache_info().misses == 1


def test_a_hub_that_answers_is_asked_for_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        reach("nobody/nothing")
        server.shutdown()
    assert constants.HF_HUB_OFFLINE is False
    assert not_found("nobody/nothing") == ""


def test_a_test_file_that_is_not_there_is_named_as_such(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.adapter.mkdir(parents=True)
    (run.adapter / "adapter_config.json").write_text("{}")
    with pytest.raises(WorkspaceError, match=r"--test .*/nothere\.jsonl does not exist"):
        evaluate(run, Settings(), test=tmp_path / "nothere.jsonl")
