"""What the conversion of wukong_pipe makes of documents that others wrote: any folder of them.

python -m benchmarks.converters_found survey FOLDER FOUND.jsonl [KEPT]    # converts each; the Markdown stays in KEPT
python -m benchmarks.converters_found table FOUND.jsonl…                  # of converters.md: a column for each file

{"name": "pypdf/a.pdf", "outcome": "converted", "said": "", "seconds": 1.9, "cpu": 1.8, "mib": 112, "characters": 5120,
 "pages": 4, "pages_kept": 4, "words": 1024, "words_kept": 1020, "pairs_kept": 990, "odd": 0}

Words, and pairs of words that follow each other, are those that PDFium reads on the pages: an ideograph is a word.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from wukong_pipe.conversion.converting import _REFUSED, converted, is_convertible
from wukong_pipe.errors import CorpusError

LARGEST = 10 * 2**20
"""Bytes of a document; larger ones are passed over."""
WORD = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff]|[^\W_\u2e80-\u9fff\uf900-\ufaff]+")
ODD = re.compile(r"\(cid:\d+\)|[\x00-\x08\x0b-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd]")
MARK = re.compile(r"<!-- page \d+ -->")


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one document."""

    name: str
    outcome: str = "crash of the product"
    said: str = ""
    seconds: float = 0.0
    cpu: float = 0.0
    mib: int = 0
    characters: int = 0
    pages: int = 0
    pages_kept: int = 0
    words: int = 0
    words_kept: int = 0
    pairs_kept: int = 0
    odd: int = 0

    @property
    def kind(self) -> str:
        return Path(self.name).suffix[1:].lower()


def documents(folder: Path) -> Iterator[Path]:
    """The documents below a folder, each once, whatever its names."""
    seen: set[str] = set()
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or not is_convertible(path) or path.stat().st_size > LARGEST:
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest not in seen:
            seen.add(digest)
            yield path


def survey(folder: Path, found: Path, kept: Path | None = None) -> None:
    """Convert each document below a folder.

    Args:
        kept: a new folder where the Markdown stays; else it is thrown away.
    """
    with found.open("w") as file:
        for path in documents(folder):
            name = path.relative_to(folder).as_posix()
            one = _alone(_convert, path, name, kept) or Found(name)
            if path.suffix.lower() == ".pdf":
                one = _alone(_compare, path, one, kept) or one
            one = replace(one, said=one.said.replace(f"{folder}/", ""))
            print(json.dumps(asdict(one), ensure_ascii=False), file=file, flush=True)


def _alone(work: Callable[..., Any], *values: Any) -> Any:
    """What a process of its own answers; None if it dies."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=lambda: there.send(work(*values)))
    process.start()
    there.close()
    answer = None
    with suppress(EOFError):
        answer = here.recv()
    process.join()
    return answer


def _convert(path: Path, name: str, kept: Path | None) -> Found:
    begun, said = time.monotonic(), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        try:
            text = converted(path, name, kept or Path(folder), said.append).read_text("utf-8")
            outcome = "converted"
            said = said[:-1]
        except CorpusError as error:
            said.append(str(error))
            text, outcome = "", next((code for code, line in _REFUSED.items() if _is_of(line, str(error))), "other")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, cpu = time.monotonic() - begun, used.ru_utime + used.ru_stime
    return Found(
        name,
        outcome,
        " ".join(said),
        round(seconds, 2),
        round(cpu, 2),
        used.ru_maxrss // 1024,
        len(text),
        odd=_odd(text),
    )


def _is_of(line: str, sentence: str) -> bool:
    """Whether a sentence is one of those that a line stands for."""
    return bool(re.fullmatch(re.sub(r"\\\{\w+\\\}", ".*", re.escape(line)), sentence))


def _odd(text: str) -> int:
    return len(ODD.findall(text))


def _compare(path: Path, one: Found, kept: Path | None) -> Found:
    """The same with what PDFium reads of the document."""
    import pypdfium2

    with tempfile.TemporaryDirectory() as folder:
        target = (kept or Path(folder)) / f"{one.name}.md"
        if not kept and one.outcome == "converted":
            converted(path, one.name, Path(folder), lambda line: None)
        text = target.read_text("utf-8") if one.outcome == "converted" else ""
    try:
        read = [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(path)]
    except pypdfium2.PdfiumError:
        return one
    theirs, ours = _words("\n".join(read)), _words(MARK.sub("", text))
    return replace(
        one,
        pages=len(read),
        pages_kept=1 + len(MARK.findall(text)) if text else 0,
        words=len(theirs),
        words_kept=(Counter(theirs) & Counter(ours)).total(),
        pairs_kept=(Counter(pairwise(theirs)) & Counter(pairwise(ours))).total(),
    )


def _words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def table(files: Sequence[Path]) -> None:
    """Print what came of the documents of each suffix."""
    surveys = [[Found(**json.loads(line)) for line in file.read_text("utf-8").splitlines()] for file in files]
    print(f"| | {' | '.join(file.stem for file in files)} |\n|{' --- |' * (1 + len(files))}")
    kinds = sorted({(one.kind, one.outcome) for survey in surveys for one in survey})
    lines = {f"{kind}: {outcome}": [_count(each, kind, outcome) for each in surveys] for kind, outcome in kinds}
    lines["pdf: of PDFium's words, kept"] = [_share(each, "words_kept", 0) for each in surveys]
    lines["pdf: of its pairs of words, kept"] = [_share(each, "pairs_kept", 1) for each in surveys]
    lines["most memory, MiB"] = [str(max(one.mib for one in each)) for each in surveys]
    lines["longest, s of CPU"] = [str(max(one.cpu for one in each)) for each in surveys]
    for name, cells in lines.items():
        print(f"| {name} | {' | '.join(cells)} |")


def _count(survey: Sequence[Found], kind: str, outcome: str) -> str:
    return str(sum((one.kind, one.outcome) == (kind, outcome) for one in survey))


def _share(survey: Sequence[Found], kept: str, fewer: int) -> str:
    """Of the words of all documents; of `fewer` pairs than words in each."""
    of = sum(max(one.words - fewer, 0) for one in survey)
    return f"{sum(getattr(one, kept) for one in survey) / max(of, 1):.1%}"


if __name__ == "__main__":
    paths = [Path(argument) for argument in sys.argv[2:]]
    table(paths) if sys.argv[1] == "table" else survey(*paths)
