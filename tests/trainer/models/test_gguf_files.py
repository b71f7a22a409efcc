from __future__ import annotations

import resource
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.support.gguf_files import write_gguf
from wukong_pipe.errors import MissingDependency, ModelError, WorkspaceError
from wukong_pipe.files import read_json
from wukong_trainer.models.fingerprint import fingerprint, is_known
from wukong_trainer.models.gguf_files import SOURCE, dequantised, gguf_of
from wukong_trainer.models.loading import Place, choose_place, load_model, load_tokenizer, parameters_of

FP32 = Place("cpu", torch.float32, "a test")


pytestmark = pytest.mark.usefixtures("model_cache")


@pytest.fixture(scope="module")
def file(student: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The student as a GGUF, and nothing else in its folder."""
    return write_gguf(student, tmp_path_factory.mktemp("gguf") / "tiny.gguf")


def test_a_dequantised_gguf_says_nearly_what_its_source_says(file: Path, student: Path, model_cache: Path) -> None:
    said: list[str] = []
    folder = dequantised(file, said.append)
    assert model_cache in folder.parents
    assert "dequantising it to bf16, once" in said[0]
    tokenizer = load_tokenizer(str(folder))
    assert tokenizer.chat_template == load_tokenizer(str(student)).chat_template
    ids = tokenizer("第1号棍的来历是什么？", return_tensors="pt")["input_ids"]
    assert ids.equal(load_tokenizer(str(student))("第1号棍的来历是什么？", return_tensors="pt")["input_ids"])
    with torch.inference_mode():
        expected, found = (load_model(str(each), "lora", FP32)(ids).logits for each in (student, folder))
    # Q8_0 and bf16 keep eight bits.
    assert (found - expected).abs().mean() < 0.05 * expected.std()


def test_a_gguf_is_dequantised_once_and_found_again_by_its_content(
    file: Path, tmp_path: Path, model_cache: Path
) -> None:
    folder = dequantised(file, lambda line: None)
    written = (folder / "model.safetensors").stat().st_mtime_ns
    copy = tmp_path / "renamed.gguf"
    shutil.copy(file, copy)
    said: list[str] = []
    assert dequantised(copy, said.append) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == written
    assert said == [f"renamed.gguf is a GGUF: its weights, dequantised to bf16, are in {folder}"]
    assert {path.name for path in (model_cache / "dequantised").iterdir()} == {folder.name, ".lock"}


def test_a_conversion_that_was_killed_is_no_model_and_is_made_anew(file: Path) -> None:
    folder = dequantised(file, lambda line: None)
    half = folder.with_name(f".{folder.name}.tmp")
    folder.rename(half)
    (half / "model.safetensors").write_bytes(b"half")
    assert dequantised(file, lambda line: None) == folder
    assert is_known(str(folder))
    assert len(fingerprint(str(folder))) == 32
    assert not half.exists()


def test_embeddings_that_a_conversion_wrote_twice_are_one_matrix_again(student: Path, tmp_path: Path) -> None:
    said: list[str] = []
    twice = dequantised(write_gguf(student, tmp_path / "twice.gguf", twice=True), said.append)
    once = dequantised(write_gguf(student, tmp_path / "once.gguf"), lambda line: None)
    assert read_json(twice / "config.json")["tie_word_embeddings"] is True
    assert read_json(twice / SOURCE)["tied again"] is True
    assert read_json(once / SOURCE)["tied again"] is False
    assert said[-1] == "Its input and output embeddings, written twice, are one matrix again."
    assert fingerprint(str(twice)) == fingerprint(str(once))
    model = load_model(str(twice), "lora", choose_place())
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight


def test_a_folder_with_safetensors_is_no_gguf_whatever_else_it_holds(file: Path, student: Path, tmp_path: Path) -> None:
    assert gguf_of(str(file)) == gguf_of(str(file.parent)) == file
    shutil.copytree(student, tmp_path / "both")
    shutil.copy(file, tmp_path / "both")
    for other in (tmp_path / "both", student, "tiny", "Qwen/Qwen2.5-0.5B-Instruct", tmp_path / "missing.gguf"):
        assert gguf_of(str(other)) is None


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def _no_gguf(file: Path) -> None:
    file.write_bytes(b"<html>404</html>" * 50)


def _other_architecture(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"qwen2", b"queer"))


@pytest.mark.parametrize("spoil", [_cut, _no_gguf, _other_architecture])
def test_a_file_that_cannot_be_read_is_a_sentence_and_leaves_nothing(
    spoil: Callable[[Path], None], file: Path, tmp_path: Path, model_cache: Path
) -> None:
    spoilt = tmp_path / "spoilt.gguf"
    shutil.copy(file, spoilt)
    spoil(spoilt)
    with pytest.raises(ModelError, match=r"spoilt\.gguf cannot be read as a language model: .*fetch it again"):
        dequantised(spoilt, lambda line: None)
    assert {path.name for path in (model_cache / "dequantised").iterdir()} == {".lock"}


def _string(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    ("field", "told"),
    [
        (_string(b"a.b") + struct.pack("<IIQ", 9, 0, 10**12) + bytes(64), "its head declares more than the file holds"),
        (_string(b"a.b") + struct.pack("<IIQ", 9, 8, 10**6) + bytes(64), "its head declares more than the file holds"),
        (_string(b"a.b") + struct.pack("<IQ", 8, 2**63), "its head declares more than the file holds"),
        (_string(b"a.b") + struct.pack("<IIQ", 9, 9, 10**12), r"its a\.b is of an unknown type"),
        (_string(b"a.block_count") + struct.pack("<II", 4, 10**8), r"its “a\.block_count” is 100,000,000"),
    ],
    ids=["bytes", "strings", "string", "arrays", "layers"],
)
@pytest.mark.parametrize("read", [parameters_of, lambda file: dequantised(Path(file), print)])
def test_a_head_that_declares_more_than_its_bytes_hold_is_a_sentence(
    read: Callable[[str], object], field: bytes, told: str, tmp_path: Path
) -> None:
    evil = tmp_path / "evil.gguf"
    evil.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + field)
    with pytest.raises(ModelError, match=rf"evil\.gguf cannot be read as a language model: {told}"):
        read(str(evil))


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a.gguf", "b.gguf"], r"holds 2 GGUF files \(a\.gguf, b\.gguf\): name one"),
        (["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"], "is one piece of a model: join them"),
    ],
)
def test_a_folder_whose_gguf_files_leave_open_which_is_meant_is_a_sentence(
    names: list[str], told: str, tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ModelError, match=told):
        gguf_of(str(tmp_path))


def test_without_the_package_that_reads_it_a_gguf_is_a_sentence(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What Python itself takes for a package that is not there.
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "gguf")
    with pytest.raises(MissingDependency, match="pip install gguf"):
        dequantised(file, lambda line: None)


def test_the_parameters_of_a_gguf_are_counted_before_it_is_dequantised(file: Path, student: Path) -> None:
    # The tied head is no parameter of its own.
    assert parameters_of(str(file)) == parameters_of(str(student))


def test_a_disk_too_small_for_the_weights_is_said_before_they_are_dequantised(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(ModelError, match="make room, or name another place with XDG_CACHE_HOME"):
        dequantised(file, lambda line: None)


def test_a_disk_that_becomes_full_while_the_weights_are_written_is_a_sentence_and_leaves_nothing(
    file: Path, model_cache: Path
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(WorkspaceError, match=r"cannot be written: \w.* name another place with XDG_CACHE_HOME"):
            dequantised(file, lambda line: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert {path.name for path in (model_cache / "dequantised").iterdir()} == {".lock"}
