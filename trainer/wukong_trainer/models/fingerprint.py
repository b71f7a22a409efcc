"""A model's fingerprint: a hash of its weights, the same wherever they lie and whatever the model is called.

An adapter on other weights than those it was trained on answers nonsense, and no library says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wukong_pipe.errors import ModelError

PIECE = 64
"""Bytes read at the beginning, middle and end of each tensor: of 15 GB some 60 kB, and training changes them all."""


def fingerprint(model: str) -> str:
    """A hash of the weights' names, shapes, types and values, of which samples are read.

    The same for a hub's id and a copy in a folder, in one file or in several; another for the same weights quantised
    or in another precision. A value changed outside the sampled bytes alone is not seen. An id whose weights are not in
    the hub's cache here is its own fingerprint.

    Args:
        model: a folder of safetensors, or a hub's id.

    Raises:
        ModelError: a file of the weights is no safetensors, or not whole.
    """
    tensors = sorted(tensor for path in _weights(model) for tensor in _tensors(path))
    return hashlib.sha256(repr(tensors).encode()).hexdigest()[:32] if tensors else model


def is_known(model: str) -> bool:
    """Whether the model's weights are on this machine."""
    return bool(_weights(model))


def _weights(model: str) -> list[Path]:
    """The safetensors that the model is loaded from; none where they, or some of them, are not here."""
    folder = Path(model) if Path(model).is_dir() else _cached(model)
    if folder is None:
        return []
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    if index.is_file():
        try:
            parts = [folder / name for name in sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ModelError(f"{index} does not say which files hold the weights: fetch it again.") from None
        return parts if all(part.is_file() for part in parts) else []
    return sorted(folder.glob("*.safetensors"))


def _cached(model: str) -> Path | None:
    """The folder in which the hub's cache keeps the model."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(model, "config.json")
    except HFValidationError:
        return None
    return Path(config).parent if isinstance(config, str) else None


def _tensors(path: Path) -> Iterator[tuple[str, str, list[int], bytes]]:
    """Name, type, shape and sampled bytes of each tensor of a safetensors file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        # The format: eight bytes of length, a JSON header with each tensor's place behind it, the tensors.
        length = int.from_bytes(file.read(8), "little")
        try:
            # The text of a git-lfs pointer would be the length of more than any memory holds.
            header = json.loads(file.read(length) if 8 + length <= size else b"")
            places = [(name, *_place(about)) for name, about in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ModelError(
                f"{path} is no safetensors file, but for instance a git-lfs pointer (`git lfs pull` fetches what it "
                "points to) or the beginning of a download: fetch the weights again."
            ) from None
        for name, dtype, shape, begin, end in places:
            if 8 + length + end > size:
                raise ModelError(
                    f"{path} ends within its tensors, as a download cut off does: fetch the weights again."
                )
            sampled = b""
            for at in (begin, (begin + end) // 2, max(begin, end - PIECE)):
                file.seek(8 + length + at)
                sampled += file.read(min(PIECE, end - at))
            yield name, dtype, shape, sampled


def _place(about: dict[str, Any]) -> tuple[str, list[int], int, int]:
    """Type, shape and place of a tensor, as the header of its file describes it."""
    begin, end = map(int, about["data_offsets"])
    if not 0 <= begin <= end:
        raise ValueError
    return str(about["dtype"]), list(map(int, about["shape"])), begin, end
