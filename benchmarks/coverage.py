"""How much of the two sample corpora does the embedded teacher ask about, and how?

    python benchmarks/coverage.py > TABLE.md

builds corpora/blackwukong.md and corpora/apollo.md with `--teacher offline` and default settings in a temporary
folder and prints Markdown tables; `--missed` lists instead, one a line, the units that no pair covers.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from wukong_pipe.commands.build import run_build
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.corpus.units import Unit, units
from wukong_pipe.embedded.questions import form_of
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.pipeline import Built
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.workspace import Workspace

CORPORA = ("corpora/blackwukong.md", "corpora/apollo.md")


@dataclass(frozen=True)
class Measured:
    """One corpus, built."""

    name: str
    built: Built
    said: list[tuple[str, Unit, bool]]
    """(section, unit, whether the evidence of a row covers it) of every unit."""

    def share(self, kind: str = "") -> str:
        """Covered units of a kind, as "share (covered/all)"."""
        flags = [covered for _, unit, covered in self.said if not kind or unit.kind == kind]
        return f"{sum(flags) / len(flags):.3f} ({sum(flags)}/{len(flags)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--missed", action="store_true", help="list the units that no pair covers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpora = [measured(Path(path), Path(folder)) for path in CORPORA]
    if options.missed:
        for corpus in corpora:
            for section, unit, covered in corpus.said:
                if not covered:
                    print(corpus.name, section, unit.kind, unit.text, sep="\t")
        return
    print("\n".join([*table(corpora), "", *refused(corpora)]))


def measured(path: Path, folder: Path) -> Measured:
    """Build one corpus with the embedded teacher and default settings."""
    workspace = Workspace(folder / path.stem)
    with contextlib.redirect_stderr(io.StringIO()):
        built, _ = run_build(
            workspace,
            workspace.run("coverage"),
            read_sources([path]),
            BuildSettings(),
            TeacherChoice("offline"),
            named=True,
            overwrite=False,
            progress=lambda *_: None,
        )
    return Measured(path.name, built, list(covered_units(built)))


def covered_units(built: Built) -> Iterator[tuple[str, Unit, bool]]:
    """Every unit, with whether evidence of the dataset touches it: the manifest's rule, unit by unit."""
    evidence: defaultdict[str, set[str]] = defaultdict(set)
    for row in built.rows:
        evidence[row.section_id].update(row.evidence)
    for section in built.sections:
        places = [(at, at + len(text)) for text in evidence[section.id] if (at := section.text.find(text)) >= 0]
        for unit in units(section):
            yield section.title, unit, any(unit.start < end and start < unit.end for start, end in places)


def table(corpora: Sequence[Measured]) -> Iterator[str]:
    """The measurements as lines of a Markdown table, one column a corpus."""
    yield "| | " + " | ".join(corpus.name for corpus in corpora) + " |"
    yield "|---" * (len(corpora) + 1) + "|"
    columns = [dict(figures(corpus)) for corpus in corpora]
    for name in columns[0]:
        yield f"| {name} | " + " | ".join(column[name] for column in columns) + " |"


def figures(corpus: Measured) -> Iterator[tuple[str, str]]:
    """(what, how much) of one corpus."""
    built = corpus.built
    coverage = built.manifest["coverage"]
    shares = [section["covered"] / section["units"] for section in coverage["by_section"]]
    yield "sections with something to ask", str(len(shares))
    yield "coverage of all units", f"{coverage['overall']:.3f}"
    yield "coverage of a section, lowest / median", f"{min(shares):.2f} / {median(shares):.2f}"
    for kind in ("sentence", "item", "row"):
        yield f"coverage of {kind}s", corpus.share(kind)
    yield "units that no pair covers", str(sum(not covered for _, _, covered in corpus.said))
    announced = sum(not covered and not unit.facts for _, unit, covered in corpus.said)
    yield "of these, sentences that only announce what follows", str(announced)
    unasked = sum(max(0, quota["worth"] - quota["wanted"]) for quota in built.manifest["quota"])
    yield "facts above `--max-pairs`, not asked", str(unasked)
    cells = sum(unit.facts for _, unit, _ in corpus.said if unit.kind == "row")
    rows = {unit.text for _, unit, _ in corpus.said if unit.kind == "row"}
    asked = sum(pair.kind == "base" and len(pair.evidence) == 1 and pair.evidence[0] in rows for pair in built.pairs)
    yield "table cells asked for by their row's name", f"{asked} of {cells}"
    yield "evidence, median characters", f"{median(len(' '.join(pair.evidence)) for pair in built.pairs):.0f}"
    yield "pairs (reverse)", f"{len(built.pairs)} ({sum(pair.kind == 'reverse' for pair in built.pairs)})"
    families = Counter(form_of(pair.question).split("/")[1] for pair in built.pairs)
    yield "pairs by family", ", ".join(f"{name} {count}" for name, count in families.most_common())
    yield "distinct answers", str(len({normalise(pair.answer) for pair in built.pairs}))
    yield "pairs a section, lowest / median / highest", spread(pair.section.id for pair in built.pairs)
    yield "rows", str(len(built.rows))
    yield "rows a section, lowest / median / highest", spread(row.section_id for row in built.rows)
    splits = Counter(row.level or row.split for row in built.rows)
    yield "rows by level", ", ".join(f"{name} {count}" for name, count in sorted(splits.items()))
    audit = built.manifest["audit"]
    yield "highest similarity left between train and held-out", str(audit["highest_similarity"])


def spread(names: Iterable[str]) -> str:
    """Lowest, median and highest count."""
    counts = Counter(names).values()
    return f"{min(counts)} / {median(counts):.0f} / {max(counts)}"


def refused(corpora: Sequence[Measured]) -> Iterator[str]:
    """What is not in the dataset and why, as lines of a Markdown table."""
    yield "| stage | reason | " + " | ".join(corpus.name for corpus in corpora) + " |"
    yield "|---" * (len(corpora) + 2) + "|"
    counts = [
        Counter((reject.stage, reject.reason.kind("en")) for reject in corpus.built.rejects) for corpus in corpora
    ]
    for stage, reason in sorted({key for count in counts for key in count}):
        yield f"| {stage} | {reason} | " + " | ".join(str(count[stage, reason]) for count in counts) + " |"


if __name__ == "__main__":
    main()
