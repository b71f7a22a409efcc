"""How much memory do the stages of a build take that come after the replies, by stage and by row?

    python benchmarks/flat_memory.py [--rows 100000 300000] [--variants 4]

makes sections, pairs and wordings with invented names, as harvests of replies; then takes duplicates out, plans, holds
out, audits and writes, by the functions of the build. Each number of rows is a process of its own; the peak of each
stage is the kernel's, and the last column is what a row more takes.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks.folder import _invented

from wukong_pipe.account.manifest import coverage
from wukong_pipe.asking.waves import Lists
from wukong_pipe.dataset.facts import with_fact_ids
from wukong_pipe.dataset.files import write_dataset
from wukong_pipe.dataset.holdout import hold_out
from wukong_pipe.dataset.holdout_plan import plan
from wukong_pipe.dataset.holdout_size import size_of
from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair, Reject, Row, Section, with_ids
from wukong_pipe.spilled import Sections, Spilled
from wukong_pipe.stages.base_qa import Pairs
from wukong_pipe.stages.families import AllWordings, distinct_pairs, families_of, unique_rows
from wukong_pipe.stages.paraphrase import Wordings
from wukong_pipe.stages.spellings import facts_hash
from wukong_pipe.workspace import Run

SEED = 20260101
THINGS, ATTRIBUTES = 4, 5
"""Of a section: each attribute of each thing makes a pair."""
CHINESE = (
    ("属性", "材料", "年代", "出处", "用途"),
    "{thing}的{what}是{value}。",
    ("{thing}的{what}是什么？", "请问{thing}有怎样的{what}？", "说到{thing}，它的{what}如何？",
     "{what}方面，{thing}怎样？", "谁知道{thing}的{what}到底是什么？", "关于{thing}，书里写的{what}是哪一种？"),
)  # fmt: skip
ENGLISH = (
    ("colour", "material", "period", "origin", "purpose"),
    "The {what} of {thing} is {value}. ",
    ("What is the {what} of {thing}?", "Which {what} does {thing} have?", "Tell me about {thing}: what is its {what}?",
     "As for {what}, how is {thing} described?", "Do you know the {what} that {thing} has?",
     "In the text, which {what} is given for {thing}?"),
)  # fmt: skip

Stage = Callable[[str], None]
"""Told of each stage that has ended."""


def _sections(count: int) -> Iterator[Section]:
    for number in range(count):
        rng = random.Random(f"{SEED} {number}")
        attributes, frame, _ = ENGLISH if number % 2 else CHINESE
        things = [_invented(rng, "Some Name" if number % 2 else "某某某某") for _ in range(THINGS)]
        facts = (
            frame.format(thing=thing, what=what, value=f"{rng.randrange(10**6)}号")
            for thing in things
            for what in attributes
        )
        yield Section(
            f"{number // 20:05}.md",
            ("Book", f"{number}"),
            1,
            f"## {number}\n\n{''.join(facts)}\n",
            "en" if number % 2 else "zh",
        )


def _harvest(section: Section) -> Pairs:
    """As the embedded teacher's would be: one pair a sentence."""
    attributes, _, questions = CHINESE if section.lang == "zh" else ENGLISH
    ends = "。" if section.lang == "zh" else ". "
    sentences = [f"{one}{ends}".strip() for one in section.text.split("\n\n")[1].split(ends) if one.strip()]
    harvest = Pairs(section, section.id, len(sentences))
    for at, sentence in enumerate(sentences):
        what = attributes[at % ATTRIBUTES]
        thing = sentence.split("的")[0] if section.lang == "zh" else sentence.split(" of ")[1].split(" is ")[0]
        question = questions[0].format(thing=thing, what=what)
        facts = ((thing,),)
        pair = QAPair(section, question, sentence, (sentence,), (3, 3), "base", "t@1", "p@1", f"{at:064}", facts)
        harvest.kept.append(pair)
    return harvest


def _wordings(pair: QAPair, variants: int) -> Wordings:
    attributes, _, questions = CHINESE if pair.section.lang == "zh" else ENGLISH
    what = next(one for one in attributes if one in pair.question)
    wordings = Wordings(pair, pair.id, variants)
    for question in questions[1 : 1 + variants]:
        text = question.format(thing=pair.facts[0][0], what=what)
        wordings.kept.append(Row.of(pair, text, "paraphrase", "q@1", pair.call))
    return wordings


def after_replies(folder: Path, rows: int, variants: int, ended: Stage) -> int:
    """Run the stages on about so many rows; how many the dataset has."""
    run = Run(folder / "run")
    run.folder.mkdir()
    sections = Sections(run.folder, _sections(round(rows / (THINGS * ATTRIBUTES * (1 + variants)))))
    lists: Lists = partial(Spilled, run.folder, sections)
    harvests: Spilled[Pairs] = lists(map(_harvest, sections))
    names = frozenset(pair.facts[0][0] for harvest in harvests for pair in harvest.kept)
    ended("replies about sections")
    candidates: Spilled[QAPair] = lists(pair for harvest in harvests for pair in with_fact_ids(harvest.kept))
    pairs, removals = distinct_pairs(candidates, names)
    ended("duplicates among pairs")
    chosen = plan(pairs, 0.1)
    size_of(pairs, chosen, 0.1, variants)
    ended("plan")
    wordings = AllWordings(lists(_wordings(pair, variants) for pair in pairs if not chosen.level(pair)), (), (), ())
    ended("replies about pairs")
    families: Spilled[Row] = lists(families_of(pairs, wordings))
    ended("rows")
    unique, more = unique_rows(families, names, frozenset())
    ended("duplicates among rows")
    held = hold_out(unique, chosen, 0.1, names, lambda question: "")
    ended("hold-out and audit")
    built: Spilled[Row] = lists(held.rows)
    gone = chain((one.row for one in chain(removals, more)), (one.row for one in held.dropped), held.untrained)
    reason = Reason.of("pair-not-trained")
    rejects = lists(Reject("audit", reason, sections.with_id(row.section_id), row) for row in gone)
    account = {"sources": [], "teacher": {"model": "t@1"}, "coverage": coverage(sections, built, lists)}
    account |= {"audit": {"dropped": len(held.dropped), "highest_similarity": held.highest_similarity}}
    write_dataset(run, built, lists(with_ids(rejects)), account | {"spellings": facts_hash(built)})
    ended("written")
    return len(built)


def _measure(rows: int, variants: int) -> None:
    """Print the kernel's peak and the CPU seconds of each stage, as JSON."""
    stages: dict[str, Any] = {}
    last = time.process_time()

    def ended(stage: str) -> None:
        nonlocal last
        stages[stage] = {"peak": _peak(), "cpu": time.process_time() - last}
        last = time.process_time()

    with tempfile.TemporaryDirectory(dir=".") as folder:
        ended("start")
        count = after_replies(Path(folder), rows, variants, ended)
    print(json.dumps({"rows": count, "stages": stages}))


def _peak() -> int:
    """Most bytes since the last call."""
    status = Path("/proc/self/status").read_text()
    Path("/proc/self/clear_refs").write_text("5")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 300_000])
    parser.add_argument("--variants", type=int, default=4)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _measure(options.one, options.variants)
        return
    found = []
    for rows in options.rows:
        command = [
            sys.executable,
            "-m",
            "benchmarks.flat_memory",
            "--one",
            str(rows),
            "--variants",
            str(options.variants),
        ]
        found.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    least, most = found[0], found[-1]
    heads = " | ".join(f"{one['rows']:,} rows" for one in found)
    print(f"| | {heads} | a row more |")
    print(f"|---|{'---:|' * (len(found) + 1)}")
    for stage in least["stages"]:
        cells = [
            f"{one['stages'][stage]['peak'] / 2**20:.0f} MiB, {one['stages'][stage]['cpu']:.1f} s" for one in found
        ]
        more = most["stages"][stage]["peak"] - least["stages"][stage]["peak"]
        print(f"| {stage} | {' | '.join(cells)} | {more / max(1, most['rows'] - least['rows']):.0f} bytes |")


if __name__ == "__main__":
    main()
