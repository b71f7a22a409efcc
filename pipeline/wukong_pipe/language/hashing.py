"""The hash that all content ids of this project are made of, and that decides what is held out."""

from __future__ import annotations

import hashlib


def digest(*parts: str) -> str:
    """16 hex digits of SHA-256 over the parts; the separator keeps ("ab", "c") apart from ("a", "bc")."""
    # "surrogatepass": a teacher may send lone surrogates, and a hash must not fail where a check will reject.
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def fraction(*parts: str) -> float:
    """Where the hash of the parts lies between 0 and 1: a tenth of all ids lie under 0.1."""
    return int(digest(*parts), 16) / 16**16


def number(*parts: str) -> int:
    """64 bits of a hash of the parts: by such numbers a list is looked up that is too long for a dictionary."""
    text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
