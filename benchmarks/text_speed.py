"""Does the time of reading a text grow with its length, and no faster, however ill it is shaped?

Times what a build does with a file before it asks (`build --dry-run`), what it does with a reply of a teacher, and
every regular expression of both packages, on texts made of one shape again and again, at three sizes, in CPU seconds.
The exponent is the slope of log time over log size: 1 is linear, 2 quadratic. Prints Markdown tables; see
text_speed.md. `--patterns` tries the regular expressions too, a quarter of an hour and more.
"""

from __future__ import annotations

import argparse
import importlib
import math
import pkgutil
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import wukong_pipe
import wukong_trainer
from wukong_pipe.checks.answer_in_evidence import answer_doubts
from wukong_pipe.checks.answer_wordings import check_answer
from wukong_pipe.checks.candidates import Candidate, read_pair
from wukong_pipe.checks.pairs import check_pair, known_to
from wukong_pipe.checks.question_wordings import PARAPHRASE_DOUBTS
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import units
from wukong_pipe.language.key_facts import key_facts
from wukong_pipe.language.names import latin_names
from wukong_pipe.language.sentences import sentences
from wukong_pipe.records import QAPair
from wukong_pipe.teacher.replies import read_object

SIZES = (10_000, 100_000, 1_000_000)
SLOW = 20.0
"""CPU seconds from which on a larger size is not tried."""
NOISE = 0.03
PIECES = r"""
a A 1 一 重 _ . , - ( [ ] < > ` ~ * # & | 《 “ " ' ， 、 。 第 年 的 是 没 ![ <!-- <sup> ``` <think> { [^a 【1 \[1
A. a. 1, ,000 a- A’ A-A [a](b [1], &a <a http:// x- sk-a a://b: eyJaaaaaaaaa. KEY_ 请列出 是否 如果 重是
"""
SHAPES = [
    *PIECES.split(),
    " ",
    "\n",
    "\t",
    *(f"{piece} " for piece in PIECES.split()),
    "one ",
    "hundred and ",
    "a and ",
    "with a ",
]
WORDS = "the crew of a ship sent its last report from far beyond our moon and no one has heard them since"
AROUND = [("", ""), ("1", "x"), ("a", "]"), ("<think>", "</think"), ("[a](b", '"'), ("between ", " and")]


def made(size: int) -> dict[str, str]:
    """The texts that were found to be slow, and their like, of `size` characters each."""
    words = WORDS.split()
    seeded = random.Random(size)
    prose = ". ".join(" ".join(seeded.choices(words, k=12)) for _ in range(size // 50))
    column = "|a|b|c"
    return {
        "lower-case prose": prose[:size],
        "prose without full stops": prose.replace(".", "")[:size],
        'links `[a](b "`': again('[a](b "', size),
        "initials `A. `": again("A. ", size),
        "`a is 5 kg.` and U+2028": again("a is 5 kg.\u2028", size),
        "a table of one line": again(column, size),
        "a table of one row": "\n".join(
            (again(column, size // 3), again("|-|-|-", size // 3), again(column, size // 3))
        ),
        "unclosed comments": again("<!-- a ", size),
        "Chinese without marks": again("花果山水帘洞里住着石猴", size),
        "one long heading": again("word ", size) + "\n---\n\nText.\n",
    }


def again(piece: str, size: int) -> str:
    return (piece * (size // len(piece) + 1))[:size]


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def exponent(sizes: list[int], times: list[float]) -> float:
    """The slope between the last two sizes; what takes no longer than Python's start varies counts as `NOISE`."""
    if len(times) < 2:
        return 0.0
    return math.log(max(times[-1], NOISE) / max(times[-2], NOISE)) / math.log(sizes[-1] / sizes[-2])


def line(name: str, sizes: list[int], times: list[float]) -> str:
    cells = [f"{seconds:.2f}" for seconds in times] + ["not tried"] * (len(SIZES) - len(times))
    return f"| {name.replace('|', chr(92) + '|')} | {' | '.join(cells)} | {exponent(sizes, times):.2f} |"


def table(title: str, timed: Callable[[str], float]) -> None:
    print(f"\n## {title}\n\n| text | 10 kB | 100 kB | 1 MB | exponent |\n|---|---:|---:|---:|---:|", flush=True)
    for name in made(1000):
        sizes: list[int] = []
        times: list[float] = []
        for size in SIZES:
            sizes.append(size)
            times.append(timed(made(size)[name]))
            if times[-1] > SLOW:
                break
        print(line(name, sizes, times), flush=True)


# --- a build ---------------------------------------------------------------------------------------------------


def dry_run(text: str) -> float:
    """CPU seconds of `build --dry-run` of one file, without the start of Python."""
    with tempfile.TemporaryDirectory() as folder:
        return max(0.0, _built(Path(folder), text) - _built(Path(folder), "# A\n\nOne sentence.\n"))


def _built(folder: Path, text: str) -> float:
    (folder / "a.md").write_text(text, "utf-8")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "wukong_pipe.cli", "build", str(folder / "a.md"), "--teacher", "offline"]
    done = subprocess.run(
        [*command, "--dry-run", "--json", "--runs-dir", str(folder / "runs")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# --- a reply ---------------------------------------------------------------------------------------------------

SAID = "The Saturn V weighed 2,900 tonnes at launch."


def reply(text: str) -> float:
    """CPU seconds of all that is done with a reply whose question, answer or evidence is `text`."""
    section = next(iter(split(f"# Apollo\n\n{SAID}\n\n{text[:2000]}\n", "a.md")))
    pair = QAPair(section, "How much did the Saturn V weigh?", SAID, (SAID,), (3, 3), "base", "t", "p", "c")
    schema = {"type": "object", "properties": {"pairs": {"type": "array"}}, "required": ["pairs"]}

    def work() -> None:
        read_object(text, schema)
        read_object('{"pairs": ["' + text.replace('"', "") + '"]}', schema)
        for field in ("question", "answer", "evidence"):
            item: dict[str, object] = {"question": pair.question, "answer": SAID, "evidence": [SAID]}
            item[field] = [text] if field == "evidence" else text
            candidate = read_pair(item, section)
            if isinstance(candidate, Candidate):
                check_pair(candidate, section)
                # The doubts alone, too: what is short enough for the rejects may keep them long.
                known = known_to(_cut(candidate), section)
                if field != "evidence":
                    list(answer_doubts(candidate.answer[:1500], known))
        for check in PARAPHRASE_DOUBTS:
            check(text[:300], pair)
        check_answer(text, pair)
        check_answer(f"{SAID} {text[:1400]}", pair)

    return cpu(work)


def _cut(candidate: Candidate) -> Candidate:
    """What a check may meet at most."""
    return Candidate(candidate.question[:300], candidate.answer[:1500], candidate.evidence, candidate.spans)


def leaves(text: str) -> float:
    """CPU seconds of the functions below both, on the whole text at once."""

    def work() -> None:
        sentences(text)
        clean(text)
        latin_names(text)
        key_facts(text)
        for section in split(text, "a.md"):
            units(section)

    return cpu(work)


# --- regular expressions ---------------------------------------------------------------------------------------


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Every compiled pattern of text that a module of either package holds, each once."""
    seen = set()
    for package in (wukong_pipe, wukong_trainer):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for name, value in vars(importlib.import_module(module.name)).items():
                for pattern in _within(value):
                    if isinstance(pattern.pattern, str) and pattern not in seen:
                        seen.add(pattern)
                        yield f"{module.name.split('.')[-1]}.{name}", pattern


def _within(value: object) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, list | tuple | dict):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _within(entry)


def worst(pattern: re.Pattern[str]) -> tuple[float, float, str]:
    """(exponent, CPU seconds for the larger size, shape) of the shape that a pattern takes longest to look for."""
    found = (0.0, 0.0, "")
    for shape in SHAPES:
        for before, after in AROUND:
            small, large = (before + again(shape, size) + after for size in (4_000, 16_000))
            seconds = cpu(partial(pattern.findall, large))
            if seconds > 0.03 and seconds > found[1]:
                first = cpu(partial(pattern.findall, small))
                found = (math.log(seconds / first) / math.log(4), seconds, before + shape + after)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patterns", action="store_true", help="Try every regular expression of both packages.")
    arguments = parser.parse_args()
    table("`build --dry-run`", dry_run)
    table("The functions below it, on the whole text", leaves)
    table("Checks of a reply", reply)
    if arguments.patterns:
        print("\n## Regular expressions, searched for anywhere in 16 kB\n\n| pattern | shape | CPU s | exponent |")
        print("|---|---|---:|---:|", flush=True)
        count = 0
        for name, pattern in patterns():
            count += 1
            slope, seconds, shape = worst(pattern)
            if slope > 1.3:
                print(f"| `{name}` | `{shape!r}` | {seconds:.2f} | {slope:.2f} |", flush=True)
        print(f"\n{count} patterns, {len(SHAPES) * len(AROUND)} shapes.")


if __name__ == "__main__":
    main()
