"""A model that is a GGUF alone, dequantised once into a folder that everything else loads like any other."""

from __future__ import annotations

import os
import shutil
from contextlib import redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wukong_pipe.errors import MissingDependency, ModelError
from wukong_pipe.files import half_of, sha256_of, write_json
from wukong_trainer.models.gguf_header import header_fault
from wukong_trainer.models.known_models import MB, Say, alone, cache, check_space
from wukong_trainer.models.saving import saving

SOURCE = "gguf.json"
"""In a dequantised folder: which file it was made from."""


def gguf_of(model: str) -> Path | None:
    """The GGUF that a path names, or that is all a folder holds of a model; None for anything else.

    Raises:
        ModelError: the folder holds several, or one in several pieces.
    """
    path = Path(model)
    if path.suffix == ".gguf" and path.is_file():
        return _in_one_piece(path)
    if not path.is_dir() or any(path.glob("*.safetensors")):
        return None
    files = sorted(path.glob("*.gguf"))
    if not files:
        return None
    _in_one_piece(files[0])
    if len(files) > 1:
        raise ModelError(
            f"{path} holds {len(files)} GGUF files ({', '.join(file.name for file in files)}): name one of them."
        )
    return files[0]


def _in_one_piece(file: Path) -> Path:
    if "-of-" in file.stem and file.stem.rpartition("-of-")[2].isdecimal():
        raise ModelError(
            f"{file.name} is one piece of a model: join them with llama.cpp's `llama-gguf-split --merge` and name the "
            "result."
        )
    return file


def parameters_in(file: Path) -> int | None:
    """How many parameters a GGUF holds; None where it cannot be read, which `dequantised` says.

    Raises:
        ModelError: it declares so much that reading it would not come to an end.
    """
    if fault := header_fault(file):
        raise _unreadable(file, fault)
    if find_spec("gguf") is None:
        return None
    from gguf import GGUFReader

    try:
        return sum(int(tensor.n_elements) for tensor in GGUFReader(file).tensors)
    except Exception:
        return None


def dequantised_folder(file: Path, sha256: str) -> Path:
    """Where the cache keeps what is made of a GGUF of that hash, under the name that the file had at first."""
    place, mark = cache() / "dequantised", sha256[:12]
    return next(place.glob(f"*-{mark}"), place / f"{file.stem}-{mark}")


def dequantised(file: Path, say: Say, sha256: str = "") -> Path:
    """The folder with a GGUF's weights in bf16, its tokenizer and template, made where it is not in the cache yet.

    Args:
        say: told what is done, before it is.
        sha256: the file's, where it is known.

    Raises:
        MissingDependency: the package gguf is not installed.
        ModelError: the file is no whole GGUF of a language model that transformers knows, or the cache cannot be
            written.
        WorkspaceError: the disk became full on the way.
    """
    sha256 = sha256 or sha256_of(file)
    folder = dequantised_folder(file, sha256)
    if folder.is_dir():
        say(f"{file.name} is a GGUF: its weights, dequantised to bf16, are in {folder}")
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with alone(folder.parent, say):
            if not folder.is_dir():  # Another process may have made it meanwhile.
                _dequantise(file, sha256, folder, say)
    except OSError as error:
        raise ModelError(
            f"{file.name} cannot be dequantised into {folder} ({error.strerror or error}); XDG_CACHE_HOME names "
            "another place."
        ) from error
    return folder


def _dequantise(file: Path, sha256: str, folder: Path, say: Say) -> None:
    if find_spec("gguf") is None:
        raise MissingDependency(f"{file} is a GGUF; reading it needs the package gguf: pip install gguf.")
    size = 2 * (parameters_in(file) or 0)
    check_space(folder.parent, size)
    say(f"{file.name} is a GGUF: dequantising it to bf16, once, {size / MB:,.0f} MB, into {folder}")
    half = half_of(folder)
    try:
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir()
        model, tokenizer = _loaded(file)
        tied = _tie_again(model)
        with saving(half, "Make room, or name another place with XDG_CACHE_HOME."):
            model.save_pretrained(half)
            tokenizer.save_pretrained(half)
        write_json(half / SOURCE, {"file": file.name, "sha256": sha256, "tied again": tied})
        half.rename(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    if tied:
        say("Its input and output embeddings, written twice, are one matrix again.")
    elif not model.config.get_text_config().tie_word_embeddings:
        say("Its input and output embeddings are two matrices.")


def _loaded(file: Path) -> tuple[Any, Any]:
    """Model and tokenizer of a GGUF, in bf16 on every machine, so that the fingerprint is the same on all."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    from wukong_trainer.models.quiet import silence_libraries

    silence_libraries()
    try:
        # The bar of the conversion heeds no switch.
        with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
            model = AutoModelForCausalLM.from_pretrained(
                str(file.parent),
                gguf_file=file.name,
                dtype=torch.bfloat16,
                quantization_config=GgufConfig(dequantize=True),
                trust_remote_code=False,
            )
            tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name, trust_remote_code=False)
    except Exception as error:
        # Whoever reads a file of foreign make fails in many ways, none of them documented.
        reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        raise _unreadable(file, reason) from error
    return model, tokenizer


def _unreadable(file: Path, reason: str) -> ModelError:
    return ModelError(
        f"{file} cannot be read as a language model: {reason}. A download cut off looks like this, too; fetch it "
        "again, or name a folder with safetensors."
    )


def _tie_again(model: Any) -> bool:
    """Make one matrix of input and output embeddings that a conversion wrote twice; whether it did."""
    inputs, outputs = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    if inputs is outputs or inputs.shape != outputs.shape or not inputs.equal(outputs):
        return False
    model.config.tie_word_embeddings = True
    model.tie_weights()
    return True
