"""How fast are near-duplicate questions found, in how much memory, and what is missed or wrongly merged?

    python benchmarks/dedupe.py [--questions 1000000] [--rivals PYTHON] [--patience SECONDS] [--only NAME]

makes questions as a build has them, runs every method on them in a process of its own, and prints a Markdown row for
each. The rivals run under another interpreter: `pip install rensa datasketch semhash` into a venv and name its Python.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.dedupe_questions import THRESHOLD, Question, judged, questions

if TYPE_CHECKING:
    from wukong_pipe.records import Row


# --- the methods -----------------------------------------------------------------------------------------------
# Each takes the questions and gives the places of those it takes for repeats of others.


def near_pairs(texts: Sequence[str], threshold: float) -> Iterator[tuple[int, int, float]]:
    """The build's join without its groups: all pairs i < j of texts that are `threshold` alike, ordered by (j, i)."""
    from wukong_pipe.dataset.similar_pairs import join
    from wukong_pipe.language.normal_form import normalise

    return join([normalise(text) for text in texts], threshold, [0] * len(texts))


def simple_join(texts: Sequence[str], threshold: float) -> Iterator[tuple[int, int, float]]:
    """What `near_pairs` must find: a prefix-filter join (Chaudhuri et al. 2006) in its plainest form."""
    from wukong_pipe.language.similarity import ngrams

    grams = [ngrams(text) for text in texts]
    frequency = Counter(gram for own in grams for gram in own)
    meeting: defaultdict[str, list[int]] = defaultdict(list)
    for j, own in enumerate(grams):
        prefix = sorted(own, key=lambda gram: (frequency[gram], gram))
        prefix = prefix[: len(own) - math.ceil(threshold * len(own)) + 1]
        for i in sorted({i for gram in prefix for i in meeting[gram]}):
            common = len(own & grams[i])
            if common >= threshold * (len(own) + len(grams[i]) - common):
                yield i, j, common / (len(own) + len(grams[i]) - common)
        for gram in prefix:
            meeting[gram].append(j)


def ours(questions: Sequence[Question], names: frozenset[str]) -> set[int]:
    """The build's own step, answers, families and names included."""
    from wukong_pipe.dataset.dedupe import dedupe

    return {int(removal.row.id) for removal in dedupe([*rows_of(questions)], names).removals}


def rows_of(questions: Sequence[Question]) -> Sequence[Row]:
    """Rows that ask these questions, each made when it is asked for, with its place for an id."""
    from wukong_pipe.records import Row
    from wukong_pipe.spilled import made

    kinds: Any = ("f", "s", "question", "base", "train", "", "a.md", ("",), (1, 1), ("",), (), "", "zh", "t", "p", "c")

    def row(at: int) -> Row:
        one = questions[at]
        return Row(one.text, "", one.answer, str(at), one.pair, *kinds)

    return made(len(questions), row)


def ours_texts_alone(questions: Sequence[Question], _: frozenset[str]) -> set[int]:
    """The join without answers, families and names: what the rivals do, but exactly."""
    removed: set[int] = set()
    for i, j, _alike in near_pairs([one.text for one in questions], THRESHOLD):
        if i not in removed:
            removed.add(j)
    return removed


def shingles(text: str) -> list[str]:
    """Character 3-grams of what `text.normalise` would make of these questions, or nearly; rivals lack it."""
    plain = re.sub(r"[\W_]+", " ", text).strip().lower()
    return sorted({plain[i : i + 3] for i in range(max(1, len(plain) - 2))})


def with_rensa(questions: Sequence[Question], _: frozenset[str]) -> set[int]:
    """128 permutations, 32 bands (16 lose pairs); candidates by LSH, kept apart by the estimated similarity."""
    from rensa import RMinHash, RMinHashLSH  # type: ignore[import-not-found, unused-ignore]

    lsh = RMinHashLSH(threshold=THRESHOLD, num_perm=128, num_bands=32)
    kept: dict[int, Any] = {}
    for low in range(0, len(questions), 10_000):
        part = [shingles(one.text) for one in questions[low : low + 10_000]]
        for i, own in enumerate(RMinHash.from_token_sets(part, 128, 42), low):
            if not any(own.jaccard(kept[j]) >= THRESHOLD for j in lsh.query(own)):
                kept[i] = own
                lsh.insert(i, own)
    return set(range(len(questions))) - set(kept)


def with_rensa_flags(questions: Sequence[Question], _: frozenset[str]) -> set[int]:
    """128 permutations, 16 bands; whatever its LSH flags as a repeat of an earlier one, its quickest way."""
    from rensa import RMinHash, RMinHashLSH

    lsh = RMinHashLSH(threshold=THRESHOLD, num_perm=128, num_bands=16)
    flags: list[bool] = []
    for low in range(0, len(questions), 10_000):
        part = [shingles(one.text) for one in questions[low : low + 10_000]]
        matrix = RMinHash.digest_matrix_from_token_sets(part, 128, 42)
        flags += lsh.insert_matrix_and_query_duplicate_flags(matrix, low)
    return {i for i, flag in enumerate(flags) if flag}


def with_datasketch(questions: Sequence[Question], _: frozenset[str]) -> set[int]:
    """128 permutations and the bands it chooses; candidates kept apart by the estimated similarity."""
    from datasketch import MinHash, MinHashLSH  # type: ignore[import-not-found, unused-ignore]

    lsh = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    kept: dict[int, Any] = {}
    for i, one in enumerate(questions):
        own = MinHash(num_perm=128)
        own.update_batch([gram.encode() for gram in shingles(one.text)])
        if not any(own.jaccard(kept[j]) >= THRESHOLD for j in lsh.query(own)):
            kept[i] = own
            lsh.insert(i, own)
    return set(range(len(questions))) - set(kept)


class HashedGrams:
    """An encoder for semhash that needs no model: counts of hashed 3-grams in 256 dimensions."""

    def encode(self, inputs: Sequence[str] | str, **_: Any) -> Any:
        import zlib

        import numpy as np

        texts = [inputs] if isinstance(inputs, str) else inputs
        vectors = np.zeros((len(texts), 256), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for gram in shingles(text):
                code = zlib.crc32(gram.encode())
                row[code % 256] += 1 if code >> 31 else -1
        return vectors


def with_semhash(questions: Sequence[Question], _: frozenset[str]) -> set[int]:
    """Its index over hashed 3-grams, as its own model is a download; J of equal sets is a cosine of 2J / (1 + J)."""
    from semhash import SemHash  # type: ignore[import-not-found, unused-ignore]

    first: dict[str, int] = {}
    for i, one in enumerate(questions):
        first.setdefault(one.text, i)
    index = SemHash.from_records(list(first), model=HashedGrams())
    left = index.self_deduplicate(threshold=2 * THRESHOLD / (1 + THRESHOLD)).selected
    return set(range(len(questions))) - {first[text] for text in left}


METHODS: dict[str, tuple[Callable[[Sequence[Question], frozenset[str]], set[int]], int]] = {
    "wukong-pipe": (ours, 1_000_000),
    "wukong-pipe, texts alone": (ours_texts_alone, 100_000),
    "rensa, its flags": (with_rensa_flags, 1_000_000),
    "rensa, estimates": (with_rensa, 1_000_000),
    "datasketch": (with_datasketch, 1_000_000),
    "semhash": (with_semhash, 1_000_000),
}
"""What to run, and up to how many questions it is worth the wait."""


# --- the measurement -------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=100_000)
    parser.add_argument("--rivals", default="", help="a Python that has rensa, datasketch and semhash")
    parser.add_argument("--patience", type=float, default=3600, help="seconds after which a method is given up")
    parser.add_argument("--only", default="", help="the methods whose name holds this")
    parser.add_argument("--method", default="", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.method:
        print(json.dumps(run(options.method, options.file)))
        return
    made, names = questions(options.questions)
    if not options.only:
        print("| method | questions | CPU | wall | memory | of it the data | planted found | twins merged | others |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "questions.json"
        entries = [[one.text, one.answer, one.pair, one.kind, one.of] for one in made]
        file.write_text(json.dumps([entries, sorted(names)]), "utf-8")
        del entries
        for method, (_, most) in METHODS.items():
            if options.only not in method or options.questions > most:
                continue
            if (python := sys.executable if "wukong" in method else options.rivals) == "":
                continue
            command = [python, __file__, "--method", method, "--file", str(file)]
            try:
                done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=options.patience)
            except subprocess.TimeoutExpired:
                print(f"| {method} | {len(made):,} | given up after {options.patience:.0f} s | | | | | | |", flush=True)
                continue
            print(line(method, json.loads(done.stdout), made), flush=True)


def run(method: str, file: Path) -> dict[str, Any]:
    """One method in this process: seconds, MiB at the peak and before, and the places of what it removed."""
    entries, names = json.loads(file.read_text("utf-8"))
    made = [Question(*entry) for entry in entries]
    del entries
    before = resident()
    wall, cpu = time.perf_counter(), time.process_time()
    removed = METHODS[method][0](made, frozenset(names))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"wall": wall, "cpu": cpu, "peak": peak, "before": before, "removed": sorted(removed)}


def resident() -> int:
    """MiB this process holds now."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize() >> 20


def line(method: str, result: dict[str, Any], made: Sequence[Question]) -> str:
    """A row of the table."""
    tally = judged(made, result["removed"])
    return (
        f"| {method} | {len(made):,} | {result['cpu']:.0f} s | {result['wall']:.0f} s | {result['peak']:,} MiB "
        f"| {result['before']:,} MiB | {tally.found_of_planted} | {tally.twins_lost:,} of {tally.twins:,} "
        f"| {tally.others:,} |"
    )


if __name__ == "__main__":
    main()
