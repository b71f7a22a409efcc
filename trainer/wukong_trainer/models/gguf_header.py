"""The header of a GGUF, checked before a library reads it: a file of a hundred bytes can declare 10¹² fields."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from wukong_trainer.models.model_size import config_fault

MOST = 4_000_000
"""Fields, elements of arrays and tensors together; a vocabulary of 260,000 words with its merges has 1.4 million."""
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of the scalar types, by the number that GGUF gives them."""
_INTEGERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 10: "Q", 11: "q"}
_STRING, _ARRAY = 8, 9
_PARTS = re.compile(r"\.(?:block|expert)_count$")


def header_fault(file: Path) -> str:
    """What is wrong with the header: it declares more than the file holds or than a model has. Empty where it is fine.

    A file that is no GGUF at all is fine here: the library that reads it says so.
    """
    with file.open("rb") as data:
        try:
            return _Head(data, file.stat().st_size).fault()
        except EOFError:
            return "its head declares more than the file holds or a model has"


class _Head:
    def __init__(self, data: BinaryIO, size: int) -> None:
        self._data, self._size, self._order, self._left = data, size, "<", MOST

    def fault(self) -> str:
        magic, version = self._data.read(4), self._data.read(4)
        self._order = ">" if version[:2] == b"\0\0" else "<"  # As the gguf package finds it out.
        if magic != b"GGUF" or len(version) < 4 or version.strip(b"\0") not in (b"\2", b"\3"):
            return ""
        tensors, fields = self._number("Q"), self._number("Q")
        for _ in self._counted(fields):
            key, kind = self._string(), self._number("I")
            if kind in _INTEGERS and _PARTS.search(key):
                if fault := config_fault({key: self._number(_INTEGERS[kind])}):
                    return fault
            elif not self._value(kind):
                return f"its {key[:60]} is of an unknown type"
        for _ in self._counted(tensors):
            self._string()
            self._skip(8 * self._number("I"))
            self._skip(4 + 8)  # Its type and offset.
        return ""

    def _value(self, kind: int) -> bool:
        """Skip a field's value; whether its type is one that a field of a model has."""
        if kind == _ARRAY:
            kind, count = self._number("I"), self._number("Q")
            if kind in _SIZES:
                self._left -= count
                self._skip(_SIZES[kind] * count)
            elif kind == _STRING:
                for _ in self._counted(count):
                    self._string()
        elif kind == _STRING:
            self._string()
        elif kind in _SIZES:
            self._skip(_SIZES[kind])
        return kind in _SIZES or kind == _STRING

    def _counted(self, count: int) -> Iterator[int]:
        self._left -= count
        if self._left < 0:
            raise EOFError
        return iter(range(count))

    def _string(self) -> str:
        length = self._number("Q")
        if length > self._size:
            raise EOFError
        return self._read(length).decode("utf-8", "replace")

    def _number(self, kind: str) -> int:
        (number,) = struct.unpack(self._order + kind, self._read(struct.calcsize(self._order + kind)))
        return int(number)

    def _read(self, count: int) -> bytes:
        data = self._data.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def _skip(self, count: int) -> None:
        if self._left < 0 or self._data.seek(self._data.tell() + min(count, self._size + 1)) > self._size:
            raise EOFError
