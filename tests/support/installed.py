"""What pip would install of wukong-pipe: the modules that its dependencies and extras bring, read from metadata."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def modules_missing(*extras: str) -> set[str]:
    """Top-level modules that are installed here, and would not be with these extras of wukong-pipe alone."""
    there = {canonicalize_name(name) for name in _closure("wukong-pipe", extras, set())}
    return {
        module
        for module, names in metadata.packages_distributions().items()
        if not any(canonicalize_name(name) in there for name in names)
    }


def _closure(name: str, extras: tuple[str, ...], seen: set[tuple[str, str]]) -> Iterator[str]:
    """The distribution and, once each, all that it needs."""
    yield name
    for extra in ("", *extras):
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for text in metadata.requires(name) or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                try:
                    yield from _closure(canonicalize_name(needed.name), tuple(sorted(needed.extras)), seen)
                except metadata.PackageNotFoundError:
                    continue  # Of an extra that is not installed here; then its modules are not here either.
