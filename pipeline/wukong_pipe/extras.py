"""Libraries that only some commands need."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from wukong_pipe.errors import MissingDependency


@contextmanager
def training_installed(extras: str = "train") -> Iterator[None]:
    """Turn a missing library into a sentence that names the cure.

    Raises:
        MissingDependency: one of the libraries of `extras` is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingDependency(
            f"This command needs {error.name}, which is not installed: {install_command(extras)}."
        ) from error


def check_installed(modules: Iterable[str], extras: str) -> None:
    """Say what is missing before the work begins that comes before its first use.

    Raises:
        MissingDependency: one of the modules, which `extras` bring, is not installed.
    """
    for module in modules:
        if find_spec(module) is None:
            raise MissingDependency(f"This command needs {module}, which is not installed: {install_command(extras)}.")


def install_command(extras: str) -> str:
    """What installs `extras` from where this wukong-pipe came from: an index, a folder, a wheel or a repository."""
    try:
        origin = metadata.distribution("wukong-pipe").read_text("direct_url.json")
        url = _requirement_url(json.loads(origin)) if origin else ""
    except (metadata.PackageNotFoundError, ValueError, LookupError, TypeError, AttributeError):
        url = ""
    place = Path(url2pathname(urlsplit(url).path)) if url.startswith("file:") else None
    if place is None:
        return f"pip install {shlex.quote(f'wukong-pipe[{extras}]' + (f' @ {url}' if url else ''))}"
    if place.exists():
        return f"pip install {shlex.quote(f'{place}[{extras}]')}"
    return f"in the folder of its source, pip install '.[{extras}]'"


def _requirement_url(origin: dict[str, Any]) -> str:
    """What pip installs this origin, as it noted it in direct_url.json, from once more."""
    url = str(origin["url"])
    if "vcs_info" not in origin:
        return url
    info = origin["vcs_info"]
    return f"{info['vcs']}+{url}@{info.get('requested_revision') or info['commit_id']}"
