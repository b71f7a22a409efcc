"""Files and folders of Markdown → sources, read and checked, with a sentence for everything that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from wukong_pipe import bounded
from wukong_pipe.errors import CorpusError, DataError
from wukong_pipe.text import digest

SUFFIXES = {".md", ".markdown", ".mdown", ".txt"}
_CONVERTERS = {
    ".pdf": "pymupdf4llm or marker",
    ".docx": "pandoc -t gfm",
    ".doc": "pandoc -t gfm",
    ".html": "pandoc -t gfm",
    ".htm": "pandoc -t gfm",
    ".epub": "pandoc -t gfm",
    ".pptx": "markitdown",
    ".rst": "pandoc -t gfm",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A Markdown file that has been read, and can be read again: the texts of a folder are never held all at once."""

    name: str
    """Its path relative to the PATH given."""
    path: Path
    hash: str
    characters: int
    read: Callable[[], str] = field(repr=False)

    @staticmethod
    def of(name: str, path: Path, read: Callable[[], str]) -> Source:
        """What `read` gives now."""
        text = read()
        return Source(name, path, digest(text), len(text), read)

    @property
    def text(self) -> str:
        """The decoded text, read anew.

        Raises:
            CorpusError: it is no longer what it was.
        """
        text = self.read()
        if digest(text) != self.hash:
            raise CorpusError(f"{self.path} has just been changed; run the command again.")
        return text


def read_sources(paths: Sequence[Path], encoding: str = "utf-8") -> list[Source]:
    """The Markdown files that `paths` name or hold, sorted by name, each checked.

    Raises:
        CorpusError: a path does not exist, is no Markdown, is empty or is not in `encoding`; a folder holds no
            Markdown; two files would have the same name.
    """
    sources: dict[str, Source] = {}
    for name, path in sorted(entry for given in paths for entry in _markdown(given)):
        if not name.isprintable():
            raise CorpusError(f"{name!r} is a file name that cannot be written down; rename the file.")
        if name in sources:
            if sources[name].path.resolve() == path.resolve():
                continue
            raise CorpusError(f"{sources[name].path} and {path} are both named {name}; give the folder above them.")
        sources[name] = Source.of(name, path, partial(_read, path, encoding))
    return list(sources.values())


def _markdown(path: Path) -> Iterator[tuple[str, Path]]:
    """(name, path) of each Markdown file at or below `path`."""
    if path.is_dir():
        found = [file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file()]
        found = [file for file in found if not any(part.startswith(".") for part in file.relative_to(path).parts)]
        if not found:
            raise CorpusError(f"{path} holds no Markdown (*.md, *.markdown, *.txt).")
        yield from ((file.relative_to(path).as_posix(), file) for file in found)
    elif not path.exists():
        raise CorpusError(f"{path} does not exist.")
    elif path.suffix.lower() in _CONVERTERS:
        converter = _CONVERTERS[path.suffix.lower()]
        raise CorpusError(f"{path} is no Markdown; convert it first, for example with {converter}.")
    else:
        yield path.name, path


def _read(path: Path, encoding: str) -> str:
    try:
        text = bounded.read_bytes(path).decode(encoding).removeprefix("\ufeff")
    except DataError as error:
        raise CorpusError(f"{error} Cut it up.") from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({error.strerror}).") from error
    except LookupError as error:
        raise CorpusError(f"“{encoding}” is no text encoding; try utf-8 or gb18030.") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        other = "--encoding gb18030" if encoding.lower().replace("-", "") == "utf8" else "--encoding utf-8"
        raise CorpusError(f"{path}, line {line} is not {encoding}; try {other}.") from error
    if not text.strip():
        raise CorpusError(f"{path} is empty.")
    return text
