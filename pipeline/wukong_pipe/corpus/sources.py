"""Files and folders of Markdown → sources, read and checked, with a sentence for everything that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from wukong_pipe import bounded
from wukong_pipe.corpus.encodings import CONVERTERS, decoded
from wukong_pipe.errors import CorpusError, DataError
from wukong_pipe.language.hashing import digest
from wukong_pipe.language.plurals import listed

SUFFIXES = {".md", ".markdown", ".mdown", ".txt"}


@dataclass(frozen=True, slots=True)
class Source:
    """A Markdown file that has been read, and can be read again: the texts of a folder are never held all at once."""

    name: str
    """Its path relative to the PATH given."""
    path: Path
    given: Path
    """The PATH given: the file itself, or a folder above it."""
    hash: str
    characters: int
    read: Callable[[], str] = field(repr=False)

    @staticmethod
    def of(name: str, path: Path, read: Callable[[], str], given: Path | None = None) -> Source:
        """What `read` gives now."""
        text = read()
        return Source(name, path, given or path, digest(text), len(text), read)

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
    for name, path, given in sorted((*entry, root) for root in paths for entry in _markdown(root)):
        if not name.isprintable():
            raise CorpusError(f"{name!r} is a file name that cannot be written down; rename the file.")
        if name in sources:
            if sources[name].path.resolve() == path.resolve():
                continue
            raise CorpusError(f"{sources[name].path} and {path} are both named {name}; give the folder above them.")
        sources[name] = Source.of(name, path, partial(_read, path, encoding), given)
    return list(sources.values())


def passed_over(paths: Sequence[Path]) -> str:
    """The documents in the folders among `paths` that are no Markdown, in a sentence; "" where there are none."""
    found = [file for path in paths if path.is_dir() for file in _files(path) if file.suffix.lower() in CONVERTERS]
    return f"Passed over, because they are no Markdown: {_named(found)}." if found else ""


def _named(files: Sequence[Path]) -> str:
    """Some of the files, how many more there are, and what converts the first."""
    return f"{listed(files)}; convert them first, for example with {CONVERTERS[files[0].suffix.lower()]}"


def _files(folder: Path) -> list[Path]:
    """The files below a folder, those of hidden folders left out."""
    found = sorted(file for file in folder.rglob("*") if file.is_file())
    return [file for file in found if not any(part.startswith(".") for part in file.relative_to(folder).parts)]


def _markdown(path: Path) -> Iterator[tuple[str, Path]]:
    """(name, path) of each Markdown file at or below `path`."""
    if path.is_dir():
        files = _files(path)
        found = [file for file in files if file.suffix.lower() in SUFFIXES]
        if not found:
            others = [file for file in files if file.suffix.lower() in CONVERTERS]
            but = f", but {_named(others)}" if others else ""
            raise CorpusError(f"{path} holds no Markdown (*.md, *.markdown, *.txt){but}.")
        yield from ((file.relative_to(path).as_posix(), file) for file in found)
    elif not path.exists():
        raise CorpusError(f"{path} does not exist.")
    elif path.suffix.lower() in CONVERTERS:
        converter = CONVERTERS[path.suffix.lower()]
        raise CorpusError(f"{path} is no Markdown; convert it first, for example with {converter}.")
    else:
        yield path.name, path


def _read(path: Path, encoding: str) -> str:
    try:
        data = bounded.read_bytes(path)
    except DataError as error:
        raise CorpusError(f"{error} Cut it up.") from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({error.strerror}).") from error
    text = decoded(data, encoding, path)
    if not text.strip():
        raise CorpusError(f"{path} is empty.")
    return text
