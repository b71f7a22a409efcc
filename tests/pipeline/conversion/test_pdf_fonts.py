"""Text is read whose codes a map in the document itself leads to glyphs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from wukong_pipe.conversion.pdf_markdown import markdown
from wukong_pipe.conversion.pdf_pages import read_pages

NAMES = b"2 beginbfchar\n<0001> <7a91>\n<0002> <9053>\nendbfchar"
"""The code 1 stands for 窑, the code 2 for 道."""


def stream(data: bytes) -> bytes:
    return b"<< /Length %d >> stream\n%s\nendstream" % (len(data), data)


def write(path: Path, objects: Sequence[bytes]) -> None:
    """A PDF of these objects, the first of which is its catalogue."""
    data, places = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    path.write_bytes(data + end % (len(objects) + 1, table, len(objects) + 1, len(data)))


@pytest.mark.parametrize(
    "lines",
    [b"2 begincidchar\n<0001> 501\n<0002> 502\nendcidchar", b"1 begincidrange\n<0001> <0002> 501\nendcidrange"],
    ids=["one by one", "a range"],
)
def test_the_characters_are_those_of_the_codes(tmp_path: Path, lines: bytes) -> None:
    font = b"/Type /Font /BaseFont /Kiln /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
    write(
        tmp_path / "own.pdf",
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>",
            stream(b"BT /F1 20 Tf 100 600 Td <00010002> Tj ET"),
            b"<< /Type /Font /Subtype /Type0 /BaseFont /Kiln /Encoding 6 0 R /ToUnicode 7 0 R"
            b" /DescendantFonts [8 0 R] >>",
            stream(b"begincmap\n" + lines + b"\nendcmap"),
            stream(b"begincmap\n" + NAMES + b"\nendcmap"),
            b"<< /Subtype /CIDFontType2 " + font + b" /FontDescriptor 9 0 R /DW 1000 >>",
            b"<< /Type /FontDescriptor /FontName /Kiln /Flags 4 /FontBBox [0 0 1000 1000] >>",
        ],
    )
    assert markdown([*read_pages(tmp_path / "own.pdf")]) == "窑道\n"
