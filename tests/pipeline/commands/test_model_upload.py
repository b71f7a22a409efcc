"""`export --push-to-hub`: a model to the Hub as a dataset goes there, private, searched for secrets, in one commit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard, ModelCardData
from safetensors.torch import save_file

from tests.support.hub import hub
from wukong_pipe.cli.main import main
from wukong_pipe.commands.model_upload import is_exported
from wukong_pipe.files import read_json, write_json, write_text
from wukong_pipe.workspace import RECORD, Run, Workspace
from wukong_trainer.models.fingerprint import fingerprint

TOKEN = "hf" + "_" + "Ab1" * 12
PUSH = ["export", "--push-to-hub", "me/tea"]


@pytest.fixture
def run(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A trained and exported run, as far as an upload reads it, and a token."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    # The fake speaks LFS, as hubs did before Xet and mirrors do.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    workspace = Workspace(empty_home / "runs")
    run = workspace.run("tea")
    record = {"base_model": "Qwen/Qwen2.5-0.5B-Instruct", "base_fingerprint": "", "method": "lora", "questions": ["q"]}
    write_json(run.adapter / RECORD, record)
    write_json(run.adapter / "adapter_config.json", {"base_model_name_or_path": str(empty_home / "qwen")})
    save_file({"weight": torch.zeros(2)}, run.adapter / "adapter_model.safetensors")
    near = {"adapter": fingerprint(str(run.adapter)), "same_as_trained": 8, "questions": 8}
    write_json(run.merged / RECORD, record | {"merged": near})
    write_json(run.merged / "config.json", {"model_type": "qwen2"})
    write_text(run.merged / "model.safetensors", "merged weights")
    write_text(run.merged / "mine.txt", "mine")
    workspace.remember(run)
    return run


@pytest.mark.usefixtures("run")
def test_the_merged_model_goes_to_a_private_repository_with_its_card(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with hub(kind="models") as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        assert main([*PUSH, "--license", "apache-2.0"]) == 0
    assert capsys.readouterr().out == f"Uploaded to {server.url}/me/tea\n"
    assert server.created["visibility"] == "private"
    assert {*server.committed} == {"README.md", "config.json", "model.safetensors"}
    assert server.committed["model.safetensors"] == b"merged weights"
    card = ModelCard(server.committed["README.md"].decode())
    assert isinstance(card.data, ModelCardData)
    assert card.data.license == "apache-2.0"
    assert server.authorization == {f"Bearer {TOKEN}", ""}, "the storage has an address of its own, and no token"


@pytest.mark.usefixtures("run")
def test_an_upload_deletes_nothing_and_says_what_else_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ("model.safetensors", "config.json", "README.md", "LICENSE", ".gitattributes")
    with hub(kind="models", exists=True, siblings=there) as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        assert main([*PUSH, "--adapter", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["uploaded"] == f"{server.url}/me/tea"
    also = "Also in me/tea, and left as they are: LICENSE, config.json, model.safetensors."
    assert also in " ".join(told.err.split())
    assert {*server.committed} == {"README.md", "adapter_config.json", "adapter_model.safetensors"}
    config = json.loads(server.committed["adapter_config.json"])
    assert config == {"base_model_name_or_path": "Qwen/Qwen2.5-0.5B-Instruct"}
    assert server.deleted == []


@pytest.mark.usefixtures("run")
def test_a_repository_that_was_private_stays_so_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with hub(kind="models", exists=True) as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        assert main([*PUSH, "--public"]) == 0
    assert "me/tea stays private" in capsys.readouterr().err


def test_an_earlier_export_in_another_form_is_not_the_one_asked_for(run: Run) -> None:
    assert is_exported(run, run.merged, None)
    assert not is_exported(run, run.merged, "q8_0")
    out = run.gguf("q8_0")
    write_json(out / RECORD, read_json(run.merged / RECORD) | {"gguf": {}})
    write_text(out / "tea.q8_0.gguf", "weights")
    assert is_exported(run, out, "q8_0")
    assert not is_exported(run, out, "q4_k_m")
    assert not is_exported(run, out, None)


def test_nothing_leaves_where_a_text_looks_like_it_holds_a_secret(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "gl" + "pat-" + "x7" * 10
    write_text(run.train / "recipe.toml", f'system = "Your key is {secret}."\n')
    with hub(kind="models") as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        assert main(PUSH) == 1
        told = capsys.readouterr().err
        assert server.asked == []
        assert "README.md, line" in told
        assert "Take them out of the model's files" in told
        assert secret not in told
        mark = told.partition("(")[2].partition(")")[0]
        assert main([*PUSH, "--no-secret", mark]) == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--adapter"], "name where to with --push-to-hub"),
        (["--public"], "name where to with --push-to-hub"),
        ([*PUSH[1:], "--adapter", "--gguf", "q8_0"], "leave out --gguf and --out"),
        ([*PUSH[1:], "--inspect", "x"], "leave out --gguf, --out and --push-to-hub"),
        (["--inspect", "x", "--lm-eval", "./x"], "give each its own"),
        ([*PUSH[1:], "--license", "mit\ntags: [x]"], "is no identifier of the Hub's"),
        ([*PUSH[1:], "--license", "Apache 2.0"], "is no identifier of the Hub's"),
        (["--drop-leaked"], "name where to with --inspect or --lm-eval"),
        (["--score", "3"], "name its type with --gguf"),
    ],
)
def test_options_that_say_nothing_together_are_refused(
    options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *options]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("run")
def test_a_wrong_name_is_said_before_anything_is_merged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--push-to-hub", "tea", "--overwrite"]) == 1
    assert "names no repository of the Hub" in capsys.readouterr().err
