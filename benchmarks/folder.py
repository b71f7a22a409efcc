"""What does a folder of a thousand Markdown files cost to plan and to build, and what does an edit of one section cost?

    python benchmarks/folder.py [--files 1000] [--megabytes 100] [--built 1] [--variants 1]

makes a folder of that size out of the sections of both sample corpora, their names and numbers replaced by invented
ones; plans all of it (`build --dry-run`), and the first tenth of its files; builds the first files, `--built` megabytes
of them, with the embedded teacher; builds them again; edits one section of one file and builds once more. Each command
is a process of its own, measured by the kernel.
"""

from __future__ import annotations

import argparse
import calendar
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import terms
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.language.chinese import is_chinese
from wukong_pipe.language.names import latin_names, quoted

CORPORA = Path(__file__).parents[1] / "corpora"
SEED = 20260101
MB = 1_000_000

# --- the folder -------------------------------------------------------------------------------------------------

_SYLLABLES = re.findall("..", "babebodadofegahajokalimonanopaquraseltorulvenwixayozar")
_MONTHS = set(calendar.month_name)


def make_folder(folder: Path, files: int, size: int) -> None:
    """Write `files` files of about `size` bytes in all, one after the other Chinese and English; the same each time."""
    pools = [list(_models(CORPORA / name)) for name in ("blackwukong.md", "apollo.md")]
    for number in range(files):
        path = folder / f"part{number // 100:02}" / f"{number:05}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_book(random.Random(f"{SEED} {number}"), pools[number % 2], number, size // files), "utf-8")


@dataclass(frozen=True)
class _Model:
    """A section of a corpus, and where its names stand."""

    text: str
    names: re.Pattern[str]


def _models(path: Path) -> Iterator[_Model]:
    sections = split(path.read_text("utf-8"), path.name)
    marked = frozenset[str]().union(*map(terms, sections))
    for section in sections:
        text = section.text.rstrip() + "\n\n"
        names = {name for name in marked if name in text} | latin_names(text) | quoted(text)
        longest_first = sorted((name for name in names - _MONTHS if len(name) > 1), key=lambda name: (-len(name), name))
        if text.startswith("##"):
            yield _Model(text, re.compile("|".join(map(_whole, longest_first))))


def _whole(name: str) -> str:
    return rf"(?<!\w){re.escape(name)}(?!\w)" if name.isascii() else re.escape(name)


def _book(rng: random.Random, models: Sequence[_Model], number: int, size: int) -> str:
    parts = [f"# {_invented(rng, '游记' if is_chinese(models[0].text) else 'The Programme')} {number}\n\n"]
    length = 0
    while length < size:
        parts.append(_retold(rng, rng.choice(models)))
        length += len(parts[-1].encode("utf-8"))
    return "".join(parts)


def _retold(rng: random.Random, model: _Model) -> str:
    """The section about other things: each name and each number replaced, the same name by the same one."""
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        return names.setdefault(match.group(), _invented(rng, match.group()))

    def figure(match: re.Match[str]) -> str:
        return str(rng.randint(1, 9)) + "".join(str(rng.randint(0, 9)) for _ in match.group()[1:])

    return re.sub(r"\d+", figure, model.names.sub(name, model.text))


def _invented(rng: random.Random, name: str) -> str:
    """A name as long as `name`: of Chinese characters, or of words in capitals."""
    if is_chinese(name):
        return "".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in name)
    return " ".join("".join(rng.choices(_SYLLABLES, k=3)).capitalize() for _ in name.split()) or name


# --- the commands -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """A command that has ended."""

    wall: float
    cpu: float
    """Seconds, in and outside the kernel."""
    peak: float
    """Most memory at a time, in MiB."""
    printed: dict[str, Any]
    """Its `--json`."""

    def columns(self) -> str:
        return f"{self.wall:.1f} s | {self.cpu:.1f} s | {self.peak:.0f} MiB"


def wukong_pipe(folder: Path, *arguments: str) -> Measured:
    """Run a command of the command line in a process of its own."""
    out = folder / "printed.json"
    command = [sys.executable, "-c", "from wukong_pipe.cli.main import main; main()", *arguments, "--json"]
    start = time.perf_counter()
    with out.open("w") as printed, (folder / "log").open("w") as log:
        actions = [(os.POSIX_SPAWN_DUP2, printed.fileno(), 1), (os.POSIX_SPAWN_DUP2, log.fileno(), 2)]
        child = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
        _, status, used = os.wait4(child, 0)
    wall = time.perf_counter() - start
    # A build that stays short of a quota has written its dataset, too.
    if os.waitstatus_to_exitcode(status) not in {0, 3}:
        raise SystemExit((folder / "log").read_text())
    return Measured(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, read_json(out))


def build(work: Path, corpus: Path, variants: int) -> Measured:
    options = ["--teacher", "offline", "--variants", str(variants), "--runs-dir", str(work / "runs"), "--run", "run"]
    return wukong_pipe(work, "build", str(corpus), *options)


def edit(corpus: Path) -> None:
    """Add a sentence to a section in the middle of the first file."""
    path = min(corpus.rglob("*.md"))
    text = path.read_text("utf-8")
    sections = split(text, path.name)
    place = len(sections) // 2
    edited = sections[place].text.rstrip() + "\n\n石庚的兵器是辛刀，辛刀的价格是77文。\n\n"
    pieces = [*(one.text for one in sections[:place]), edited, *(one.text for one in sections[place + 1 :])]
    path.write_text("".join(pieces), "utf-8")


def rows_of(work: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """The rows by file and id."""
    dataset = work / "runs" / "run" / "dataset"
    files = [path for path in sorted(dataset.glob("*.jsonl")) if path.name != "rejected.jsonl"]
    return {path.name: {row["id"]: row for row in read_jsonl(path)} for path in files}


def difference(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> str:
    """How many rows of a file came, went, changed in their lines alone, or in more."""
    both = before.keys() & after.keys()
    moved = sum(before[i] != after[i] and before[i] | {"lines": 0} == after[i] | {"lines": 0} for i in both)
    other = sum(before[i] != after[i] for i in both) - moved
    new, gone = len(after.keys() - before.keys()), len(before.keys() - after.keys())
    return f"{new} new, {gone} gone, {moved} with other lines, {other} otherwise changed, of {len(after)}"


# --- the tables -------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--built", type=float, default=1, help="megabytes that are really built")
    parser.add_argument("--variants", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        make_folder(work / "all", options.files, int(options.megabytes * MB))
        print("| | files | MB | wall | CPU | peak memory | sections | pairs | calls planned |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
        for count in (max(1, options.files // 10), options.files):
            part = first_files(work, count)
            planned = wukong_pipe(work, "build", str(part), "--dry-run", "--variants", str(options.variants))
            calls = sum(stage["calls"] for stage in planned.printed["stages"].values())
            counts = f"{planned.printed['sections']:,} | {planned.printed['pairs']:,} | {calls:,}"
            print(f"| plan | {count:,} | {size(part):.1f} | {planned.columns()} | {counts} |", flush=True)
        corpus = first_files(work, max(1, round(options.files * options.built / options.megabytes)))
        print()
        print("| | MB | wall | CPU | peak memory | calls made | from the journal | rows |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|")
        for what in ("first build", "nothing edited", "one section edited"):
            before = {} if what == "first build" else rows_of(work)
            if what == "one section edited":
                edit(corpus)
            built = build(work, corpus, options.variants)
            calls = built.printed["build"]
            numbers = f"{calls['calls_made']:,} | {calls['calls_from_journal']:,} | "
            numbers += f"{sum(built.printed['splits'].values()):,}"
            print(f"| {what} | {size(corpus):.1f} | {built.columns()} | {numbers} |", flush=True)
        print()
        for name, rows in rows_of(work).items():
            print(f"- `{name}`: {difference(before[name], rows)}")
        print(f"- rows of unedited sections that the build names as changed: {len(built.printed['changed'])}")


def first_files(work: Path, count: int) -> Path:
    """A folder with the first files only."""
    part = work / f"first-{count}"
    for path in sorted((work / "all").rglob("*.md"))[:count]:
        target = part / path.relative_to(work / "all")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return part


def size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*.md")) / MB


if __name__ == "__main__":
    main()
