"""The bytes of a file that should be text → the text, or what they are instead and what to do about it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from wukong_pipe.errors import CorpusError

CONVERTERS = {
    ".doc": "pandoc -t gfm, after saving it as .docx",
    ".odt": "pandoc -t gfm",
    ".rtf": "pandoc -t gfm",
    ".ppt": "markitdown",
    ".xlsx": "markitdown",
    ".rst": "pandoc -t gfm",
}
"""Documents that we do not convert, and what makes Markdown of them."""

_NO_TEXT = {
    b"PK\x03\x04": "a ZIP archive, as .docx, .pptx, .xlsx and .epub files are",
    b"%PDF-": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Office document (.doc, .xls or .ppt)",
    b"\x1f\x8b": "a gzip archive",
}
_CONVERT = "convert it to Markdown first, for example with pandoc, markitdown or pymupdf4llm."
COMMON = 0.9
"""Share of the characters beyond ASCII that must be common ones for an encoding to be the one meant."""
ASCII = bytes(range(128))
MOST = 0.75
"""Of the bytes beyond ASCII those that are valid UTF-8 in what is UTF-8 with damage; of all bytes the ASCII ones in a
Western text, which no byte tells from others."""
TELLING = 20
"""From so many characters on, a Chinese text is not by chance one of Korean syllables."""
_KANA = re.compile("[\u3040-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_IDEOGRAPHIC = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef\U00020000-\U0003ffff]")


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
        if damaged := _damaged_utf8(data):
            raise CorpusError(f"{path} is damaged UTF-8 at line {damaged}: mend that line in an editor.") from error
        guess = next(_likely(data), "")
        if not guess:
            raise CorpusError(
                f"{path} is no text in {encoding} or any encoding that could be guessed: save it as UTF-8 in the "
                "program that it was written with, or leave it out."
            ) from error
        raise CorpusError(
            f"{path}, line {line} is not {encoding} but looks like {guess}: convert the file to UTF-8, or, where all "
            f"files are so, give --encoding {guess}."
        ) from error


def _damaged_utf8(data: bytes) -> int:
    """The first line with bytes that are no UTF-8, in what mostly is; 0 where it all is, or is something else."""
    if b"\0" in data:
        return 0
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        valid = len(data.decode("utf-8", "ignore").encode("utf-8"))
        beyond = len(data.translate(None, ASCII))
        if valid - (len(data) - beyond) >= MOST * beyond:
            return data.count(b"\n", 0, error.start) + 1
    return 0


def _likely(data: bytes) -> Iterator[str]:
    """Encodings that the bytes may well be in, all of which can read them, the likeliest first."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and _foreign(data, "utf-16") is not None:
        yield "utf-16"
    for nulls, name in ((data[1::2], "utf-16-le"), (data[::2], "utf-16-be")):
        if nulls.count(0) > len(nulls) // 4 and _foreign(data, name) is not None:
            yield name
    if b"\0" in data:
        return
    # Each encoding of a script reads most bytes of the others; what it makes of them is seldom common there.
    if _foreign(data, "utf-8"):
        yield "utf-8"
    if _share(_foreign(data, "cp932"), _KANA.match) >= 0.2:
        yield "cp932"
    korean = _foreign(data, "euc-kr") or ""
    if len(korean) >= TELLING and _share(korean, _HANGUL.match) >= COMMON:
        yield "euc-kr"
    for name, common in (("gb18030", "gb2312"), ("big5", "big5")):
        if _share(_foreign(data, name), partial(_in, encoding=common)) >= COMMON:
            yield name
    # Of the encodings of one byte a character, nothing tells a Greek one from a Russian one.
    if len(data.translate(None, ASCII)) <= (1 - MOST) * len(data) and _foreign(data, "cp1252"):
        yield "cp1252"
    # Chinese of rare or traditional characters.
    if _share(_foreign(data, "gb18030"), _IDEOGRAPHIC.match) >= COMMON:
        yield "gb18030"


def _foreign(data: bytes, encoding: str) -> str | None:
    """The characters beyond ASCII in what an encoding makes of the bytes; None where it makes nothing of them."""
    try:
        return re.sub("[\0-\x7f]+", "", data.decode(encoding))
    except UnicodeDecodeError:
        return None


def _share(text: str | None, common: Callable[[str], object]) -> float:
    """Share of the characters that are common ones; 0.0 of none."""
    return sum(bool(common(character)) for character in text) / len(text) if text else 0.0


def _in(character: str, encoding: str) -> bool:
    try:
        return character.encode(encoding)[0] <= 0xC6 or encoding != "big5"
    except UnicodeEncodeError:
        return False
