"""The cache of answers on disk: a killed evaluation goes on where it stopped, and the next asks only what is new."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from wukong_pipe import bounded
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.language.hashing import digest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


class AnswerCache:
    """What models have answered so far, by a key of model, prompt and decoding.

    A line of the file holds what was computed together:
    {"5d41402abc4b2a76": {"text": "铁匠打造了它。", "stopped_by_eos": true}, "7d793037a0760186": {…}}

    Below fp32 an answer depends on those that are computed with it. Where a kill tears a line, all of its answers are
    asked again, and so together again: they are the answers of an evaluation that was never killed.
    """

    def __init__(self, path: Path) -> None:
        """
        Raises:
            WorkspaceError: the file cannot be read.
            DataError: one of its lines is endless.
        """
        self.path = path
        self._known: dict[str, dict[str, Any]] = {}
        self._is_torn = False
        try:
            for line in bounded.lines(path) if path.is_file() else ():
                self._is_torn = not line.endswith(b"\n")
                with contextlib.suppress(ValueError):  # A line that a killed process left half written.
                    batch = bounded.parse(line)
                    if isinstance(batch, dict):
                        self._known |= {key: entry for key, entry in batch.items() if isinstance(entry, dict)}
        except OSError as error:
            raise WorkspaceError(f"{path} cannot be read: {error.strerror}.") from error

    def get(self, key: str) -> dict[str, Any] | None:
        """The result of that key; None where it was never computed."""
        return self._known.get(key)

    def add(self, batch: Mapping[str, dict[str, Any]]) -> None:
        """Write a batch to the disk before it counts as done.

        Raises:
            WorkspaceError: it cannot be written.
        """
        line = json.dumps(batch, ensure_ascii=True) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write((b"\n" if self._is_torn else b"") + line.encode("ascii"))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise WorkspaceError(f"{self.path} cannot be written: {error.strerror}.") from error
        self._is_torn = False
        self._known |= batch


class ModelAnswers:
    """The part of an `AnswerCache` that is one model's."""

    def __init__(self, cache: AnswerCache, model: str) -> None:
        """
        Args:
            model: what identifies the model: weights, adapter, precision.
        """
        self._cache = cache
        self._model = model

    def key(self, *asked: object) -> str:
        """The key of what is asked of this model: prompt, decoding settings."""
        return digest(self._model, *map(str, asked))

    def known(self, keys: Sequence[str], kind: type[T]) -> dict[int, T]:
        """The cached results, by the place of their key.

        Args:
            kind: their dataclass; what another version kept with other fields is left out.
        """
        names = {field.name for field in fields(kind)}
        found = {i: entry for i, key in enumerate(keys) if (entry := self._cache.get(key)) is not None}
        return {i: kind(**entry) for i, entry in found.items() if entry.keys() == names}

    def add(self, batch: Mapping[str, dict[str, Any]]) -> None:
        """See `AnswerCache.add`."""
        self._cache.add(batch)
