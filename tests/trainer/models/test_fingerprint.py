from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from wukong_pipe.errors import ModelError
from wukong_pipe.workspace import Run
from wukong_trainer.models.fingerprint import fingerprint
from wukong_trainer.models.trained_model import base_of

ID = "someone/small-student"


@pytest.fixture
def hub(student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache here, in which the student lies under its id as a download leaves it."""
    snapshot = tmp_path / "hub" / "models--someone--small-student" / "snapshots" / "0"
    shutil.copytree(student, snapshot)
    refs = snapshot.parent.parent / "refs"
    refs.mkdir()
    (refs / "main").write_text(snapshot.name)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return snapshot


def record(base: str) -> dict[str, Any]:
    return {"base_model": base, "base_fingerprint": fingerprint(base)}


def test_a_base_is_the_same_under_its_id_in_a_folder_and_in_parts(student: Path, hub: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    AutoModelForCausalLM.from_pretrained(student, dtype=torch.float32).save_pretrained(parts, max_shard_size="50KB")
    assert len(list(parts.glob("model-*.safetensors"))) > 1
    assert hub.is_dir()
    run, folder = Run(tmp_path / "run"), tmp_path / "run" / "adapter"
    for trained_on in (ID, str(student), str(parts)):
        for base in (ID, str(student), str(parts)):
            assert base_of(run, record(trained_on), folder, base) == base


@pytest.mark.parametrize("change", ["one value", "another precision", "another name"])
def test_other_weights_are_refused_with_the_cure(student: Path, tmp_path: Path, change: str) -> None:
    other = tmp_path / "other"
    shutil.copytree(student, other)
    tensors = load_file(other / "model.safetensors")
    if change == "one value":
        tensors["model.norm.weight"][0] += 1e-3
    elif change == "another precision":
        tensors = {name: tensor.bfloat16() for name, tensor in tensors.items()}
    else:
        tensors["model.norm.scale"] = tensors.pop("model.norm.weight")
    save_file(tensors, other / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=f"trained on another base model than {other}, or .* it was {student}. Name"):
        base_of(Run(tmp_path / "run"), record(str(student)), tmp_path / "adapter", str(other))


def test_a_base_that_is_not_here_is_known_by_its_name_alone(student: Path, hub: Path, tmp_path: Path) -> None:
    run, folder, known = Run(tmp_path / "run"), tmp_path / "adapter", record(ID)
    of_a_folder = record(str(student))
    # A download that was cut off, then one that was removed.
    (hub / "model.safetensors").unlink()
    for _ in range(2):
        assert fingerprint(ID) == ID
        assert base_of(run, known, folder, "") == ID
        with pytest.raises(ModelError, match=f"not here: download it first, for instance with `hf download {ID}`"):
            base_of(run, of_a_folder, folder, ID)
        shutil.rmtree(hub.parent.parent, ignore_errors=True)
    with pytest.raises(ModelError, match=r"gone, the base model of .* is not there: name a copy of it with --model"):
        base_of(run, record(str(student)) | {"base_model": "/gone"}, folder, "")


@pytest.mark.parametrize("left", ["a git-lfs pointer", "nothing", "zeros", "half"])
def test_weights_that_are_not_whole_are_named_with_the_cure(student: Path, tmp_path: Path, left: str) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(student, broken)
    weights = broken / "model.safetensors"
    whole = weights.read_bytes()
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1\n"
    contents = {"a git-lfs pointer": pointer, "nothing": b"", "zeros": bytes(64), "half": whole[: len(whole) // 2]}
    weights.write_bytes(contents[left])
    with pytest.raises(ModelError, match=f"{weights} (is no|ends within).*: fetch the weights again"):
        fingerprint(str(broken))


def test_a_folder_without_safetensors_is_said_to_be_one(
    student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pickled = tmp_path / "pickled"
    shutil.copytree(student, pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    monkeypatch.chdir(tmp_path)
    for base in (str(pickled), "pickled"):
        with pytest.raises(ModelError, match=f"^{base} holds no safetensors.*: name a copy that holds them"):
            base_of(Run(tmp_path / "run"), record(str(student)), tmp_path / "adapter", base)
