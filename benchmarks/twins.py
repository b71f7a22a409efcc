"""Which questions of two sample corpora does the build take for one?

    python benchmarks/twins.py > TABLE.md

takes questions of the embedded teacher on corpora/blackwukong.md and corpora/apollo.md and makes pairs of them that a
reader would judge alike: twins that differ in one number or one name alone, which must stay two, and rewordings, of
which a lexical method can find the light ones only. Both questions of a pair get one answer and stand in two families,
the worst case: with another answer none of them would ever be merged.
"""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from wukong_pipe.commands.build import run_build
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.corpus.units import terms
from wukong_pipe.dataset.dedupe import dedupe
from wukong_pipe.records import Row
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.workspace import Workspace

CORPORA = ("corpora/blackwukong.md", "corpora/apollo.md")
PAIRS = 500
"""Pairs of a kind and corpus."""
Maker = Callable[[Row, random.Random], str | None]
"""Another question made from a row's, or None where this one cannot be changed so."""


def main() -> None:
    print("| pairs | corpus | of them | merged |")
    print("|---|---|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for path in CORPORA:
            rows, names = built(Path(path), Path(folder))
            base = [row for row in rows if row.variant != "paraphrase"]
            wordings = {row.pair_id: row.instruction for row in rows if row.variant == "paraphrase"}
            makers: dict[str, Maker] = {
                "another number": other_number,
                "another name": other_name(names),
                "a light rewording: politeness, punctuation, width, case": lightly,
                "another template of the same question": other_template(wordings),
            }
            for kind, maker in makers.items():
                pairs = list(islice(changed(base, maker), PAIRS))
                merged = sum(len(dedupe(pair, names).places) == 1 for pair in pairs)
                print(f"| {kind} | {path} | {len(pairs)} | {merged} |")


def built(path: Path, folder: Path) -> tuple[Sequence[Row], frozenset[str]]:
    """The rows of a corpus with three wordings a question, and the names in it."""
    workspace = Workspace(folder / path.stem)
    sources = read_sources([path])
    settings = BuildSettings(variants=3)
    done, _ = run_build(
        workspace,
        workspace.run(path.stem),
        sources,
        settings,
        TeacherChoice("offline"),
        named=True,
        overwrite=False,
        progress=lambda *_: None,
    )
    return [*done.rows], frozenset(name for section in done.sections for name in terms(section) if len(name) > 1)


def changed(rows: Sequence[Row], maker: Maker, seed: int = 0) -> Iterator[list[Row]]:
    """Pairs of a row and its changed copy, as if another pair asked it."""
    rng = random.Random(seed)
    while True:
        for row in rows:
            if (question := maker(row, rng)) and question != row.instruction:
                yield [
                    row,
                    replace(row, instruction=question, id=f"{row.id} changed", pair_id=f"{row.pair_id} changed"),
                ]


def other_number(row: Row, rng: random.Random) -> str | None:
    """One number of the question, in digits, is another one."""
    numbers = list(re.finditer(r"\d+", row.instruction))
    if not numbers:
        return None
    one = rng.choice(numbers)
    return f"{row.instruction[: one.start()]}{int(one.group()) + rng.randint(1, 9)}{row.instruction[one.end() :]}"


def other_name(names: frozenset[str]) -> Maker:
    """One name of the question is another name of the corpus."""
    known = sorted(names)

    def change(row: Row, rng: random.Random) -> str | None:
        inside = [name for name in known if name in row.instruction]
        # The longest: in 黑熊精 alone 黑熊 is no name.
        if not inside:
            return None
        name = max(inside, key=len)
        others = [other for other in known if other not in row.instruction and name not in other]
        return row.instruction.replace(name, rng.choice(others), 1)

    return change


def other_template(wordings: Mapping[str, str]) -> Maker:
    """The question as another template of the embedded teacher asks it; `wordings` by pair."""
    return lambda row, _: wordings.get(row.pair_id)


def lightly(row: Row, rng: random.Random) -> str:
    """What a person changes without meaning anything by it."""
    text = row.instruction
    if row.lang == "zh":
        return rng.choice(
            [f"请问{text}", text.rstrip("？?"), text.replace("？", "?"), text.replace("，", ","), f"{text}？"]
        )
    return rng.choice(
        [text.lower(), f"Please: {text}", text.rstrip("?"), text.replace(",", ""), text.replace(" ", "  ")]
    )


if __name__ == "__main__":
    main()
