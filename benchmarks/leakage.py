"""How many held-out questions of a dataset leak into its training rows, counted anew from the files?

    python benchmarks/leakage.py [--variants 14] > TABLE.md

builds both sample corpora with the embedded teacher, counts leaks in the written JSONL by comparing every held-out
question with every training question, and counts the same for the same rows split at random, as other tools split them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from wukong_pipe.commands.build import run_build
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import terms
from wukong_pipe.files import read_jsonl
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.similarity import ngrams, same_key_facts
from wukong_pipe.pipeline import Built
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.workspace import Workspace

CORPORA = Path(__file__).parents[1] / "corpora"
TAU = 0.7
"""The design's, written down again: what is counted here must not follow what it checks."""
SEED = 20260101

Line = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", type=int, default=14)
    options = parser.parse_args()
    names = ("blackwukong.md", "apollo.md")
    with tempfile.TemporaryDirectory() as folder:
        columns = [dict(figures(CORPORA / name, Path(folder), options.variants)) for name in names]
    print("| | " + " | ".join(names) + " |")
    print("|---" + "|---:" * len(names) + "|")
    for figure in dict.fromkeys(chain.from_iterable(columns)):
        print(f"| {figure} | " + " | ".join(str(column.get(figure, 0)) for column in columns) + " |")


def figures(corpus: Path, folder: Path, variants: int) -> Iterator[tuple[str, object]]:
    """(what, how much) of one corpus."""
    workspace = Workspace(folder / corpus.stem)
    run = workspace.run("leakage")
    with contextlib.redirect_stderr(io.StringIO()):
        built, _ = run_build(
            workspace,
            run,
            read_sources([corpus]),
            BuildSettings(variants=variants),
            TeacherChoice("offline"),
            named=True,
            overwrite=False,
            progress=lambda *_: None,
        )
    rows = [row for name in ("train", "val", "test") for row in read_jsonl(run.dataset / f"{name}.jsonl")]
    for where, count in sorted(Counter(f"{row['split']} {row['level']}".strip() for row in rows).items()):
        yield f"rows: {where}", count
    for reason, count in dropped(built):
        yield f"dropped: {reason}", count
    yield "highest similarity left, by the manifest", f"{built.manifest['audit']['highest_similarity']:.4f}"
    sections = split(corpus.read_text("utf-8"), corpus.name)
    named = frozenset(name for section in sections for name in terms(section) if len(name) > 1)
    for what, found in leaks(rows, named):
        yield f"counted anew: {what}", found
    for what, found in leaks(split_at_random(rows), named):
        # A random split promises no pair and no section.
        if not what.endswith("that are trained"):
            yield f"the same rows split at random: {what}", found


def dropped(built: Built) -> Iterator[tuple[str, int]]:
    """Rows that were taken out of training for a held-out question's sake, by reason."""
    counts: Counter[str] = Counter()
    for reject in built.rejects:
        if reject.stage == "audit":
            values = dict(reject.reason.values)
            how = "the same question" if values["similarity"] == "1.00" else f"within {TAU} of it"
            counts[f"{how}, {values['level']}"] += 1
        elif reject.stage == "held_form":
            counts[str(reject.reason)] += 1
    yield from sorted(counts.items())


def leaks(rows: Sequence[Line], names: frozenset[str]) -> Iterator[tuple[str, object]]:
    """Leaks by the design's definition, each training row with each held-out one; no shortcut."""
    train = [row for row in rows if row["split"] == "train"]
    held = [row for row in rows if row["split"] != "train"]
    normals = {normalise(row["instruction"]) for row in train}
    grams = [(row, ngrams(row["instruction"])) for row in train]
    leaking = same = 0
    highest = 0.0
    for row in held:
        own, leaks_out = ngrams(row["instruction"]), False
        for other, theirs in grams:
            common = len(own & theirs)
            alike = common / (len(own) + len(theirs) - common)
            if alike <= highest and alike < TAU:
                continue
            if row["pair_id"] == other["pair_id"] or same_key_facts(row["instruction"], other["instruction"], names):
                highest = max(highest, alike)
                leaks_out = leaks_out or alike >= TAU
        is_same = normalise(row["instruction"]) in normals
        same += is_same
        leaking += leaks_out or is_same
    pairs, sections = ({row[key] for row in train} for key in ("pair_id", "section_id"))
    yield "held-out questions", len(held)
    yield "of these, trained in the same words", same
    yield f"of these, trained in the same words or within {TAU} with the same key facts", leaking
    yield "highest similarity to a training question with the same key facts", f"{highest:.4f}"
    yield "pairs held out whole that are trained", len({r["pair_id"] for r in held if r["level"] == "question"} & pairs)
    yield (
        "sections held out that are trained",
        len({r["section_id"] for r in held if r["level"] == "section"} & sections),
    )


def split_at_random(rows: Sequence[Line]) -> list[Line]:
    """The same rows, as many of them held out, chosen without regard to what they ask."""
    order = random.Random(SEED).sample(range(len(rows)), len(rows))
    splits = {at: (row["split"], row["level"]) for at, row in zip(order, rows, strict=True)}
    # A random split has no levels: nobody promised that a pair or section is held out whole.
    return [row | {"split": splits[at][0], "level": ""} for at, row in enumerate(rows)]


if __name__ == "__main__":
    main()
