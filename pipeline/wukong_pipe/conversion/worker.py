"""One document → Markdown on stdout, in a process of its own: run by converting.py.

A parser of what others wrote may hang, take all memory, or bring its process down. The kernel bounds this one: memory
by a limit, time by an alarm that each page sets anew.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import resource
import signal
import sys
from pathlib import Path
from typing import Any

MEMORY = 4 * 2**30
"""Bytes of address space."""
SECONDS = 120
"""For a page of a PDF, or another document as a whole."""
_MOST_UNKNOWN = 0.2
"""Share of the characters that may be none."""


class Refused(Exception):
    """The document cannot be a source; the code says why."""


def main(path: Path) -> None:
    """Print {"markdown": …, "pictures": [3]}, the numbers of pages without text, or {"error": code, "detail": …}."""
    with contextlib.suppress(ValueError, OSError):  # Not everywhere may it be set.
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.alarm(SECONDS)
    logging.disable()
    # What the libraries print is no part of the answer.
    with contextlib.redirect_stdout(io.StringIO()):
        answer = _answer(path)
    json.dump(answer, sys.stdout)


def _answer(path: Path) -> dict[str, Any]:
    try:
        return _pdf(path) if path.suffix.lower() == ".pdf" else _other(path)
    except Refused as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "memory"}
    except Exception as error:
        return {"error": "broken", "detail": f"{type(error).__name__}: {error}".split("\n")[0][:200]}


def _pdf(path: Path) -> dict[str, Any]:
    from wukong_pipe.conversion.joining import UNKNOWN
    from wukong_pipe.conversion.pdf_markdown import markdown
    from wukong_pipe.conversion.pdf_pages import read_pages

    pages = []
    try:
        for page in read_pages(path):
            pages.append(page)
            signal.alarm(SECONDS)
    except Exception as error:
        # pdfplumber wraps what pdfminer raises.
        if "PDFPasswordIncorrect" in {type(error).__name__, *(type(each).__name__ for each in error.args)}:
            raise Refused("locked") from error
        raise
    if not pages:
        raise ValueError("it has no page")
    pictures = [page.number for page in pages if page.is_picture]
    text = markdown(pages)
    if not text.strip():
        raise Refused("scan" if pictures else "empty")
    if text.count(UNKNOWN) > _MOST_UNKNOWN * len(text):
        raise Refused("unmapped")
    return {"markdown": text, "pictures": pictures}


def _other(path: Path) -> dict[str, Any]:
    from wukong_pipe.conversion.other_formats import markdown

    with path.open("rb") as file:
        # Word and PowerPoint lock a document by putting it into the container of their old formats.
        if file.read(4) == b"\xd0\xcf\x11\xe0":
            raise Refused("locked")
    text = markdown(path)
    if not text.strip():
        raise Refused("empty")
    return {"markdown": text, "pictures": []}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
