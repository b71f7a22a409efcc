"""Fonts whose codes a map in the PDF itself leads to glyphs: pdfminer passes over all text that is set in them.

begincidrange <20> <7e> 1 endcidrange    the codes 0x20 to 0x7e show the glyphs 1 to 95
begincidchar <a0> 1 endcidchar           and 0xa0 shows the glyph 1, too
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pdfminer.cmapdb import CMap, FileUnicodeMap
from pdfminer.pdffont import PDFCIDFont, PDFFont
from pdfminer.pdfinterp import PDFResourceManager
from pdfminer.pdftypes import PDFStream

_PART = re.compile(rb"begincid(?:char|range)(.*?)endcid", re.DOTALL)
_LINE = re.compile(rb"<([0-9A-Fa-f]{2,8})>\s*(?:<([0-9A-Fa-f]{2,8})>\s*)?(\d{1,5})\b")
_MOST = 0x10000
"""Codes that a line may be of: so many glyphs a font may have."""


class Fonts(PDFResourceManager):
    """The fonts of a document."""

    def get_font(self, objid: object, spec: Mapping[str, object]) -> PDFFont:
        font = super().get_font(objid, spec)
        encoding = spec.get("Encoding")
        if isinstance(font, PDFCIDFont) and isinstance(encoding, PDFStream):
            _give(font, dict(_glyphs(encoding.get_data())))
        return font


def _glyphs(data: bytes) -> Iterator[tuple[bytes, int]]:
    """(code, glyph) of a map's lines."""
    for part in _PART.findall(data):
        for first, last, glyph in _LINE.findall(part):
            begin, end = int(first, 16), int(last or first, 16)
            for code in range(begin, min(end + 1, begin + _MOST)):
                yield code.to_bytes(len(first) // 2), int(glyph) + code - begin


def _give(font: PDFCIDFont, glyphs: Mapping[bytes, int]) -> None:
    if not glyphs:
        return
    font.cmap = own = CMap()
    for code, glyph in glyphs.items():
        place: dict[int, Any] = own.code2cid
        for byte in code[:-1]:
            place = place.setdefault(byte, {})
        place[code[-1]] = glyph
    # pdfminer asks for the character of a glyph; the PDF names that of a code.
    if isinstance(names := font.unicode_map, FileUnicodeMap):
        named = {int.from_bytes(code): glyph for code, glyph in glyphs.items()}
        font.unicode_map = FileUnicodeMap()
        font.unicode_map.cid2unichr = {named[code]: name for code, name in names.cid2unichr.items() if code in named}
