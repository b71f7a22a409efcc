"""The bytes of a file that should be text → the text, or what they are instead and what to do about it."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from wukong_pipe.errors import CorpusError

CONVERTERS = {
    ".pdf": "pymupdf4llm or marker",
    ".docx": "pandoc -t gfm",
    ".doc": "pandoc -t gfm, after saving it as .docx",
    ".odt": "pandoc -t gfm",
    ".rtf": "pandoc -t gfm",
    ".html": "pandoc -t gfm",
    ".htm": "pandoc -t gfm",
    ".epub": "pandoc -t gfm",
    ".ppt": "markitdown",
    ".pptx": "markitdown",
    ".xlsx": "markitdown",
    ".rst": "pandoc -t gfm",
}
"""Documents that are no Markdown, and what makes Markdown of them."""

_NO_TEXT = {
    b"PK\x03\x04": "a ZIP archive, as .docx, .pptx, .xlsx and .epub files are",
    b"%PDF-": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Office document (.doc, .xls or .ppt)",
    b"\x1f\x8b": "a gzip archive",
}
_CONVERT = "convert it to Markdown first, for example with pandoc, markitdown or pymupdf4llm."
COMMON = 0.9
"""Share of the characters beyond ASCII that must be common ones for an encoding to be the one meant."""


def decoded(data: bytes, encoding: str, path: Path) -> str:
    """The text of a file, without a byte order mark.

    Raises:
        CorpusError: it is no text, or in another encoding; the sentence says which one it looks like.
    """
    for magic, what in _NO_TEXT.items():
        if data.startswith(magic):
            raise CorpusError(f"{path} is {what}, and no text: {_CONVERT}")
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError as error:
        raise CorpusError(f"“{encoding}” is no text encoding; try utf-8 or gb18030.") from error
    except UnicodeError as error:
        at = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = data.count(b"\n", 0, at) + 1
        guess = next(_likely(data), "")
        if not guess:
            raise CorpusError(f"{path} is no text in {encoding} or any encoding that could be guessed.") from error
        raise CorpusError(
            f"{path}, line {line} is not {encoding} but looks like {guess}: convert the file to UTF-8, or, where all "
            f"files are so, give --encoding {guess}."
        ) from error


def _likely(data: bytes) -> Iterator[str]:
    """Encodings that the bytes may well be in, the likeliest first."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield "utf-16"
    for nulls, name in ((data[1::2], "utf-16-le"), (data[::2], "utf-16-be")):
        if nulls.count(0) > len(nulls) // 4:
            yield name
    if b"\0" in data:
        return
    # Of a Chinese text nearly all characters are in the small set of its script; bytes of another one seldom are.
    for name, common in (("utf-8", "utf-8"), ("gb18030", "gb2312"), ("big5", "big5")):
        try:
            text = [character for character in data.decode(name) if not character.isascii()]
        except UnicodeDecodeError:
            continue
        if text and sum(_in(character, common) for character in text) >= COMMON * len(text):
            yield name
    yield "cp1252"


def _in(character: str, encoding: str) -> bool:
    try:
        return character.encode(encoding)[0] <= 0xC6 or encoding != "big5"
    except UnicodeEncodeError:
        return False
