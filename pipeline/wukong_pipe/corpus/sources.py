"""Files and folders of documents → sources, read and checked, with a sentence for everything that cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from wukong_pipe import bounded
from wukong_pipe.conversion.converting import converted, converter_of, hint, is_convertible, is_installed
from wukong_pipe.corpus.encodings import CONVERTERS, decoded
from wukong_pipe.errors import CorpusError, DataError
from wukong_pipe.language.hashing import digest
from wukong_pipe.language.plurals import counted, listed

SUFFIXES = {".md", ".markdown", ".mdown", ".txt"}


@dataclass(frozen=True, slots=True)
class Source:
    """A document that has been read, and can be read again: the texts of a folder are never held all at once."""

    name: str
    """Its path relative to the PATH given."""
    path: Path
    given: Path
    """The PATH given: the file itself, or a folder above it."""
    hash: str
    characters: int
    read: Callable[[], str] = field(repr=False)
    markdown: Path | None = None
    """Where the Markdown stands that it was converted into; None of what is Markdown."""
    converter: str = ""

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


def read_sources(
    paths: Sequence[Path],
    encoding: str = "utf-8",
    into: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> list[Source]:
    """The documents that `paths` name or hold, sorted by name, each checked.

    Args:
        into: the folder that keeps the Markdown of PDF, DOCX and the like; without it they are no sources.
        say: told which documents of a folder cannot be read, and why.

    Raises:
        CorpusError: a path does not exist, is no document, is empty or is not in `encoding`; a folder holds none; two
            files would have the same name.
    """
    sources: dict[str, Source] = {}
    for name, path, given in sorted((*entry, root) for root in paths for entry in _documents(root, into)):
        if not name.isprintable():
            raise CorpusError(f"{name!r} is a file name that cannot be written down; rename the file.")
        if name in sources:
            if sources[name].path.resolve() == path.resolve():
                continue
            raise CorpusError(f"{sources[name].path} and {path} are both named {name}; give the folder above them.")
        try:
            sources[name] = _source(name, path, given, encoding, into, say)
        except CorpusError as error:
            # Of a folder's documents some may be scans; what the user named is another matter.
            if not is_convertible(path) or given == path:
                raise
            say(f"Passed over: {error}")
    if not sources:
        raise CorpusError(f"{listed(paths)} holds no document that can be read.")
    return list(sources.values())


def _source(name: str, path: Path, given: Path, encoding: str, into: Path | None, say: Callable[[str], None]) -> Source:
    if into is None or not is_convertible(path):
        return Source.of(name, path, partial(_read, path, encoding), given)
    markdown = converted(path, name, into, say)
    source = Source.of(name, path, partial(_read, markdown, "utf-8"), given)
    return replace(source, markdown=markdown, converter=converter_of(path) if is_installed() else "")


def passed_over(paths: Sequence[Path], into: Path | None = None) -> str:
    """The files in the folders among `paths` that are no sources, in a sentence; "" where there are none."""
    found = list[Path]()
    for path in paths:
        files = _files(path, into) if path.is_dir() else []
        readable = {*_readable(files, into)}
        found += [file for file in files if file not in readable]
    if not found:
        return ""
    kinds = Counter(file.suffix.lower() or "without suffix" for file in found)
    counts = ", ".join(f"{times} {kind}" for kind, times in kinds.most_common())
    return f"Passed over {counted(len(found), 'file')} ({counts}): {_named(found)}."


def _named(files: Sequence[Path]) -> str:
    """Some of the files, how many more there are, and what converts them."""
    advice = []
    if any(map(is_convertible, files)) and not is_installed():
        advice.append(hint())
    if others := [file for file in files if file.suffix.lower() in CONVERTERS]:
        kind = others[0].suffix.lower()
        advice.append(f"{kind} can be converted with {CONVERTERS[kind]}")
    return "; ".join([listed(files), *advice])


def _files(folder: Path, into: Path | None) -> list[Path]:
    """The files below a folder, those of hidden folders and what runs keep of converted documents left out."""
    found = sorted(file for file in folder.rglob("*") if file.is_file())
    shown = [file for file in found if not any(part.startswith(".") for part in file.relative_to(folder).parts)]
    kept = [each.resolve() for each in into.parent.parent.glob(f"*/{into.name}")] if into else []
    return [file for file in shown if not any(file.resolve().is_relative_to(each) for each in kept)] if kept else shown


def _readable(files: Sequence[Path], into: Path | None) -> list[Path]:
    """The documents among a folder's files; one beside whose Markdown it stands was converted by its owner."""
    markdown = [file for file in files if file.suffix.lower() in SUFFIXES]
    if into is None or not is_installed():
        return markdown
    # The Markdown of a.pdf may be called a.md or a.pdf.md.
    there = {*markdown} | {file.with_suffix("") for file in markdown}

    def is_source(file: Path) -> bool:
        return file in markdown or (is_convertible(file) and not {file, file.with_suffix("")} & there)

    return [file for file in files if is_source(file)]


def _documents(path: Path, into: Path | None) -> Iterator[tuple[str, Path]]:
    """(name, path) of each document at or below `path`."""
    kind = path.suffix.lower()
    if path.is_dir():
        files = _files(path, into)
        found = _readable(files, into)
        if not found:
            others = [file for file in files if is_convertible(file) or file.suffix.lower() in CONVERTERS]
            but = f", but {_named(others)}" if others else ""
            raise CorpusError(f"{path} holds no Markdown (*.md, *.markdown, *.txt){but}.")
        yield from ((file.relative_to(path).as_posix(), file) for file in found)
    elif not path.exists():
        raise CorpusError(f"{path} does not exist.")
    elif is_convertible(path) and (into is None or not is_installed()):
        raise CorpusError(f"{path} is no Markdown; {hint().replace('them', 'it')}.")
    elif kind in CONVERTERS:
        raise CorpusError(f"{path} is no Markdown; convert it first, for example with {CONVERTERS[kind]}.")
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
