"""Documents converted once into Markdown that is kept in the run's folder: made anew only where the document or its
converter changed.

    runs/manual/converted/manual.pdf.md      the Markdown, which may be mended by hand
    runs/manual/converted/index.json         {"manual.pdf": {"document": "<sha256>", "markdown": "<sha256>",
                                                             "converter": "pdfplumber 0.11.10/1"}}
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wukong_pipe import bounded
from wukong_pipe.conversion.joining import UNKNOWN
from wukong_pipe.conversion.worker import MEMORY, SECONDS
from wukong_pipe.errors import CorpusError, DataError
from wukong_pipe.extras import install_command
from wukong_pipe.files import read_json, sha256_of, write_json, write_text
from wukong_pipe.language.plurals import counted, listed

LIBRARIES = {
    ".pdf": "pdfplumber",
    **dict.fromkeys((".docx", ".pptx", ".html", ".htm", ".epub"), "markitdown"),
}
"""What reads the documents of each suffix."""
RULES = 2
"""Of our own part of a conversion: to be raised with each change of what it writes."""

_REFUSED = {
    "locked": "{path} is locked with a password: save a copy without one.",
    "scan": "{path} holds pictures of pages and no text: recognise its text first, for example with ocrmypdf.",
    "unmapped": "{path} does not say which characters its fonts show: recognise its text, for example with ocrmypdf.",
    "empty": "{path} holds no text.",
    "broken": "{path} cannot be read as {kind} ({detail}): open it in a program that can, and save it anew.",
    "memory": f"{{path}} takes more than {MEMORY // 2**30} GiB to convert: split it, or convert it otherwise.",
    "time": f"{{path}} takes more than {SECONDS} s a page to convert: split it, or convert it otherwise.",
    "crash": "{path} brings the converter down ({detail}): save it anew, or convert it otherwise.",
}


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a Markdown file was converted from."""

    document: str
    converter: str
    markdown: str


def is_convertible(path: Path) -> bool:
    return path.suffix.lower() in LIBRARIES


def is_installed() -> bool:
    """Whether the extra `convert` is there."""
    return all(find_spec(library) is not None for library in LIBRARIES.values())


def hint() -> str:
    """What a user without the extra is told."""
    return f"to have them converted, {install_command('convert')}"


def converted(path: Path, name: str, folder: Path, say: Callable[[str], None]) -> Path:
    """The Markdown of a document, converted now or before.

    Args:
        name: the document's path relative to the PATH given; the Markdown's is that with `.md` in `folder`.
        say: told what was left out.

    Raises:
        CorpusError: it cannot be converted, or its Markdown was mended by hand and would be lost.
    """
    target, index = folder / f"{name}.md", _index(folder)
    entry = index.get(name)
    try:
        document = sha256_of(path)
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({error.strerror}).") from error
    if entry and target.is_file():
        is_mended = sha256_of(target) != entry.markdown
        if entry.document == document and (is_mended or not is_installed() or entry.converter == converter_of(path)):
            return target
        if is_mended:
            raise CorpusError(
                f"{path} has changed since it was converted, and {target} was edited by hand: remove that to have it "
                "converted anew, or give it in the document's place."
            )
    write_text(target, _markdown(path, say))
    say(f"Converted {path}.")
    index[name] = _Entry(document, converter_of(path), sha256_of(target))
    write_json(folder / "index.json", {key: asdict(value) for key, value in sorted(index.items())})
    return target


@cache
def _version(library: str) -> str:
    return metadata.version(library)


def converter_of(path: Path) -> str:
    """What converts a document: "pdfplumber 0.11.10/1"."""
    library = LIBRARIES[path.suffix.lower()]
    return f"{library} {_version(library)}/{RULES}"


def _index(folder: Path) -> dict[str, _Entry]:
    """What was converted before; nothing where that cannot be read: it is converted again."""
    try:
        found = read_json(folder / "index.json") if (folder / "index.json").is_file() else {}
        return {name: _Entry(**entry) for name, entry in found.items()}
    except (DataError, TypeError, AttributeError):
        return {}


def _markdown(path: Path, say: Callable[[str], None]) -> str:
    """What a process of its own makes of a document."""
    command = [sys.executable, "-m", "wukong_pipe.conversion.worker", str(path.resolve())]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    try:
        answer: dict[str, Any] = bounded.parse(done.stdout)
    except ValueError:
        answer = {"error": "time"} if done.returncode == -signal.SIGALRM else {"error": "crash", "detail": _end(done)}
    if "error" in answer:
        values = {"path": path, "kind": path.suffix[1:].upper(), "detail": answer.get("detail", "")}
        raise CorpusError(_REFUSED[answer["error"]].format(**values))
    if pictures := answer["pictures"]:
        say(f"{path}: page {listed(pictures)} holds a picture and no text, and is left out.")
    if unknown := answer["markdown"].count(UNKNOWN):
        say(f"{path}: {counted(unknown, 'character')} cannot be read, and stand{'s' * (unknown == 1)} as “{UNKNOWN}”.")
    return str(answer["markdown"])


def _end(done: subprocess.CompletedProcess[bytes]) -> str:
    """How a process ended."""
    last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return json.dumps(last)[1:-1] if last else f"it ended with {done.returncode}"
