"""How fast are near-duplicate questions found, in how much memory, and what is missed or wrongly merged?

    python benchmarks/dedupe.py [--questions 1000000] [--rivals PYTHON] [--patience SECONDS] [--only NAME]

makes questions as a build has them, runs every method on them in a process of its own, and prints a Markdown row for
each. The rivals run under another interpreter: `pip install rensa datasketch semhash` into a venv and name its Python.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

THRESHOLD = 0.85
PLANTED = 0.05
"""Share of the questions that are planted near-duplicates, and as many that are planted twins."""


# --- the questions ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its answer, the pair it words, and the question it was made from where it was planted."""

    text: str
    answer: str
    pair: str
    kind: Literal["wording", "edited", "twin"] = "wording"
    of: int = -1


SYLLABLES = [a + b + c for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "ai", "ou") for c in "lmnrs"]
PLAIN = [
    "Old",
    "Northern",
    "Heavy",
    "Quiet",
    "Second",
    "Upper",
    "Copper",
    "Narrow",
    "Hidden",
    "Winter",
    "Stone",
    "River",
]
# The common characters of GB 2312, in the order of their sounds.
CHARACTERS = "".join(bytes((row, cell)).decode("gb2312") for row in range(0xB0, 0xD7) for cell in range(0xA1, 0xFF))
ATTRIBUTES = {
    "zh": [
        "材料",
        "重量",
        "来历",
        "主人",
        "等级",
        "价格",
        "用途",
        "产地",
        "颜色",
        "长度",
        "弱点",
        "奖励",
        "掉落",
        "位置",
    ],
    "en": ["material", "weight", "origin", "owner", "level", "price", "use", "length", "colour", "weak point", "crew"],
}
SENTENCES = {
    "zh": (
        "{e}在第{n}回里守着{o}，打败之后可以得到____。",
        "传说{e}曾经在{o}修行{n}年，后来被____收服。",
        "从{o}出发向北走{n}步，就能看到{e}留下的____。",
        "{e}最多可以携带{n}个{o}，超出的部分会变成____。",
        "据《{o}志》第{n}卷记载，{e}原本是____的坐骑。",
    ),
    "en": (
        "{e} guards the gate of {o} in chapter {n} and leaves ____ when it is beaten.",
        "After {n} years {e} left {o} and was never again seen by ____.",
        "The crew of {e} carried {n} kilograms of equipment to {o} and returned with ____.",
        "{e} and {o} are {n} miles apart, and the road between them is held by ____.",
    ),
}


def questions(count: int, seed: int = 0) -> tuple[list[Question], frozenset[str]]:
    """Questions in Chinese and English in the wordings of the embedded teacher's templates, and the names in them.

    A tenth is planted, each copy under another pair with the answer of its original: half are edited in 2 to 10 % of
    the characters, half are twins that differ in a number or a name alone.
    """
    rng = random.Random(seed)
    planted = int(count * PLANTED)
    found, names = [], set()
    for question, name in _wordings(rng, count - 2 * planted):
        found.append(question)
        names.add(name)
    by_lang = {lang: sorted(name for name in names if name.isascii() == (lang == "en")) for lang in ("zh", "en")}
    for n in range(planted):
        of = rng.randrange(count - 2 * planted)
        original = found[of]
        found.append(
            Question(
                edited(original.text, original.pair.split(" ")[0], rng), original.answer, f"edited {n}", "edited", of
            )
        )
    pattern = re.compile("|".join(sorted(map(re.escape, names), key=lambda name: (-len(name), name))))
    for n in range(planted):
        of = rng.randrange(count - 2 * planted)
        original = found[of]
        found.append(Question(twin(original.text, pattern, by_lang, rng), original.answer, f"twin {n}", "twin", of))
    rng.shuffle(order := list(range(count)))
    places = {old: new for new, old in enumerate(order)}
    mixed = [found[old] for old in order]
    return [
        Question(one.text, one.answer, one.pair, one.kind, places[one.of] if one.of >= 0 else -1) for one in mixed
    ], frozenset(names)


def _wordings(rng: random.Random, count: int) -> Iterator[tuple[Question, str]]:
    from wukong_pipe.embedded.questions import templates

    made = 0
    while True:
        lang: Literal["zh", "en"] = rng.choice(("zh", "en"))
        name, other = invented(lang, rng), invented(lang, rng)
        facts: list[tuple[str, dict[str, str]]] = [("define", {"thing": name})]
        facts += [("attribute", {"thing": name, "attribute": a}) for a in rng.sample(ATTRIBUTES[lang], 3)]
        sentence = rng.choice(SENTENCES[lang]).format(e=name, o=other, n=rng.randint(2, 200))
        facts.append(("cloze", {"gapped": sentence}))
        for family, slots in facts:
            common = str(rng.randint(1, 99)) if rng.random() < 0.8 else {"zh": "是", "en": "Yes"}[lang]
            answer = invented(lang, rng) if rng.random() < 0.6 else common
            for template in rng.sample(templates(lang)[family], 15):
                if made == count:
                    return
                yield Question(template.format(**slots), answer, f"{name} {family} {slots.get('attribute', '')}"), name
                made += 1


def invented(lang: Literal["zh", "en"], rng: random.Random) -> str:
    """A name of nothing: two to five Chinese characters, or one or two made-up words behind a plain one."""
    if lang == "zh":
        return "".join(rng.choices(CHARACTERS, k=rng.randint(2, 5)))
    made = ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 3))).title() for _ in range(rng.randint(1, 2))]
    return " ".join([*rng.sample(PLAIN, rng.randint(0, 1)), *made])


def edited(text: str, name: str, rng: random.Random) -> str:
    """`text` with 2 to 10 % of its characters replaced, left out or doubled; at least one, but no key fact's."""
    facts = re.compile(rf"{re.escape(name)}|“[^”]*”|《[^》]*》|[A-Z]\w*|\d+")
    spans = [match.span() for match in facts.finditer(text)]
    places = [i for i, char in enumerate(text) if char.isalpha() and not any(start <= i < end for start, end in spans)]
    chars = list(text)
    for i in rng.sample(places, min(len(places), max(1, round(len(chars) * rng.uniform(0.02, 0.1))))):
        chars[i] = rng.choice(("", chars[i] * 2, chars[rng.choice(places)]))
    return "".join(chars)


def twin(text: str, names: re.Pattern[str], by_lang: dict[str, list[str]], rng: random.Random) -> str:
    """`text` with another number, or another name, and nothing else changed."""
    numbers = list(re.finditer(r"\d+", text))
    if numbers:
        match = rng.choice(numbers)
        return f"{text[: match.start()]}{int(match.group()) + rng.randint(1, 9)}{text[match.end() :]}"
    name = names.search(text)
    assert name, f"{text} holds neither a number nor a name"
    pool = by_lang["en" if name.group().isascii() else "zh"]
    other = rng.choice([other for other in rng.choices(pool, k=9) if other != name.group()])
    return f"{text[: name.start()]}{other}{text[name.end() :]}"


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
    from wukong_pipe.records import Row

    rest: Any = ("f", "s", "base", "train", "", "a.md", ("",), (1, 1), ("",), "zh", "t", "p", "c")
    rows = [Row(one.text, "", one.answer, str(i), one.pair, *rest) for i, one in enumerate(questions)]
    return {int(removal.row.id) for removal in dedupe(rows, names).removals}


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
    """A row of the table. An exact repeat of another question, which chance makes too, is nobody's merit or fault."""
    from wukong_pipe.language.normal_form import normalise
    from wukong_pipe.language.similarity import similarity

    times = Counter(normalise(one.text) for one in made)
    removed = set(result["removed"])
    tally = {kind: [0, 0] for kind in ("wording", "edited", "twin")}
    for i, one in enumerate(made):
        if times[normalise(one.text)] > 1:
            continue
        if one.kind == "edited" and similarity(one.text, made[one.of].text) < THRESHOLD:
            continue
        # Of an original and its copy either may be the one that stays.
        gone = i in removed or (one.kind == "edited" and one.of in removed)
        tally[one.kind][0] += gone
        tally[one.kind][1] += 1
    copied = {one.of for one in made if one.kind == "edited"}
    others = sum(made[i].kind == "wording" and i not in copied and times[normalise(made[i].text)] == 1 for i in removed)
    edited_found, edited_all = tally["edited"]
    return (
        f"| {method} | {len(made):,} | {result['cpu']:.0f} s | {result['wall']:.0f} s | {result['peak']:,} MiB "
        f"| {result['before']:,} MiB | {edited_found / max(1, edited_all):.3f} of {edited_all:,} "
        f"| {tally['twin'][0]:,} of {tally['twin'][1]:,} | {others:,} |"
    )


if __name__ == "__main__":
    main()
