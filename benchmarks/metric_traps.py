"""Where common metrics put answers in the wrong order, and what ours say of the same answers.

    python benchmarks/metric_traps.py [RUN…]

prints a Markdown table. The rivals, rouge-score and nltk, are used with their defaults where they are installed; BLEU
and chrF are sacrebleu's with its defaults. Of runs that were built with --answer-variants it also prints how many right
and wrong answers, made from their pairs, are hits.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from wukong_pipe.files import read_jsonl
from wukong_pipe.language.chinese import is_chinese
from wukong_pipe.language.fact_matching import Facts
from wukong_pipe.language.key_facts import is_its_own_fact
from wukong_pipe.language.quantities import amounts
from wukong_trainer.scoring.facts import Wanted, is_hit
from wukong_trainer.scoring.scores import score

Metric = Callable[[str, str], float]


@dataclass(frozen=True)
class Trap:
    """An answer, and what a reader thinks of it."""

    what: str
    reader: str
    answer: str
    reference: str
    lang: str
    question: str = ""
    facts: Facts = ()
    """As a teacher names them; without them those that follow from the reference."""
    section: str = ""


CAPITAL = ("北京是中国的首都。", "zh", "中国的首都是哪里？", (("北京",),))
GIANT = ("石敢当是沉睡的巨石妖王，需要集齐六颗佛目珠才能唤醒。", "zh", "石敢当是什么？", (("妖王",),))
MOON = ("Neil Armstrong", "en", "Who was the first man on the Moon?", (("Neil Armstrong",),))
OPTION = (
    *("Set `verify` to `False`.", "en", "Which option turns the check off?"),
    *((("verify",), ("False",)), "`verify=False`, as in `get(address, verify=False)`, turns the check off."),
)
CHECKS = ("Yes, it checks them by default.", "en", "Does it check certificates by default?", (("Yes",),))
TRAPS = (
    Trap("identical Chinese", "right", "北京是中国的首都。", *CAPITAL),
    Trap("identical, two characters", "right", "北京", "北京", "zh"),
    Trap("a right rewording", "right", "中国的首都是北京。", *CAPITAL),
    Trap("the wrong city in the right sentence", "wrong", "上海是中国的首都。", *CAPITAL),
    Trap("unrelated English", "wrong", "The cat sat on the mat.", "Rockets burn kerosene in the lower stage.", "en"),
    Trap("a number spelt otherwise", "right", "一共一百零八颗。", "108 颗", "zh"),
    Trap("another number", "wrong", "一共一百零九颗。", "108 颗", "zh"),
    Trap("a unit spelt otherwise", "right", "It was twelve kilometres.", "12 km", "en"),
    Trap("another unit", "wrong", "12 miles", "12 km", "en"),
    Trap("a date spelt otherwise", "right", "2024年8月20日", "二〇二四年八月二十日", "zh"),
    Trap("full width", "right", "ＰＳ５", "PS5", "zh"),
    Trap("the fact in a long sentence", "right", "Then Neil Armstrong stepped out.", "Neil Armstrong", "en"),
    Trap("a name inside another word", "wrong", "a chair", "air", "en"),
    Trap("the right answer denied", "wrong", "北京不是中国的首都。", *CAPITAL),
    Trap("many guesses", "wrong", "北京、上海、广州、南京。", *CAPITAL),
    Trap("two guesses", "wrong", "北京或者上海。", *CAPITAL),
    Trap("two guesses", "wrong", "Neil Armstrong or Buzz Aldrin", *MOON),
    Trap("two years", "wrong", "1968 or 1969", "1969", "en"),
    Trap("another name for it after an “or”", "right", "the Lunar Module, or LM", "Lunar Module", "en"),
    Trap("a count without what is counted", "wrong", "一共六件。", *GIANT),
    Trap("a part of the code", "wrong", "Set `verify_all` to `False`.", *OPTION),
    Trap("the code in a call", "right", "Call `get(url, verify=False)`.", *OPTION),
    Trap("an invented option beside it", "wrong", "Set `verify` to `False`, or `no_check`.", *OPTION),
    Trap("the plain word for the code", "wrong", "Verify that it is False.", *OPTION),
    Trap("yes in other words", "right", "It checks every certificate.", *CHECKS),
    Trap("no, and a yes behind it", "wrong", "No. Yes is what older versions do.", *CHECKS),
    Trap("a refusal", "wrong", "抱歉，我不知道中国的首都。", *CAPITAL),
    Trap("nothing said", "wrong", "", *CAPITAL),
)  # fmt: skip


def character_f1(answer: str, reference: str) -> float:
    return 2 * (Counter(answer) & Counter(reference)).total() / (len(answer) + len(reference))


def token_f1(answer: str, reference: str) -> float:
    """SQuAD's: words between white space."""
    got, wanted = answer.split(), reference.split()
    return 2 * (Counter(got) & Counter(wanted)).total() / (len(got) + len(wanted))


def rivals() -> dict[str, Metric]:
    bleu, chrf = BLEU(effective_order=True), CHRF()
    found: dict[str, Metric] = {
        "F1 of words": token_f1,
        "F1 of characters": character_f1,
        "sacrebleu BLEU": lambda answer, reference: float(bleu.sentence_score(answer, [reference]).score) / 100,
        "sacrebleu chrF": lambda answer, reference: float(chrf.sentence_score(answer, [reference]).score) / 100,
    }
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        print("(rouge-score is not installed)\n")
    else:
        scorer = RougeScorer(["rougeL"])
        found["rouge-score"] = lambda answer, reference: float(scorer.score(reference, answer)["rougeL"].fmeasure)
    try:
        from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
    except ImportError:
        print("(nltk is not installed)\n")
    else:
        smooth = SmoothingFunction().method1
        found["nltk BLEU"] = lambda answer, reference: float(
            sentence_bleu([reference.split()], answer.split(), smoothing_function=smooth)
        )
    return found


def pairs_of(run: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of a run by pair, that of the base question first."""
    files = [run / "dataset" / f"{split}.jsonl" for split in ("train", "val", "test")]
    pairs: dict[str, list[dict[str, Any]]] = {}
    for row in (row for file in files if file.is_file() for row in read_jsonl(file)):
        pairs.setdefault(row["pair_id"], []).append(row)
    for rows in pairs.values():
        rows.sort(key=lambda row: row["kind"] == "paraphrase")
    return {name: rows for name, rows in pairs.items() if rows[0]["kind"] != "paraphrase"}


def made_answers(pairs: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Answers made from pairs: what they are, what a reader thinks of them, the answer and the row it answers."""
    chosen = random.Random(1)
    bases = [rows[0] for rows in pairs.values()]
    for rows in pairs.values():
        base, reference = rows[0], rows[0]["output"]
        evidence = " ".join(base["evidence"])
        for answer in (evidence, f"{reference} {evidence}"):
            yield "the evidence itself, or the reference with the evidence behind it", "right", answer, base
        for answer in sorted({row["output"] for row in rows} - {reference}):
            yield "the reference in other words", "right", answer, base
        given = amounts(reference).quantities
        if not is_its_own_fact(reference):
            if given:
                counts = [f"{each.value} {'个' if each.unit.startswith('each') else each.unit}" for each in given]
                yield "the numbers of a longer reference, and nothing else", "wrong", "；".join(counts), base
        elif others := [other["output"] for other in bases if may_be_guessed(other, base)]:
            two = [text.rstrip("。.") for text in (reference, chosen.choice(others))]
            joined = chosen.choice(("或", "或者", "还是")) if is_chinese("".join(two)) else " or "
            answer = joined.join(chosen.sample(two, 2))
            yield "the reference “or” the answer to another question of its form", "wrong", answer, base


def may_be_guessed(other: dict[str, Any], row: dict[str, Any]) -> bool:
    """Whether the answer of one row is a wrong guess at another's: an answer to a question that is put alike."""
    a, b = (each["instruction"].split()[:4] or [""] for each in (other, row))
    if is_chinese(row["instruction"]):
        a, b = ([each["instruction"][-5:]] for each in (other, row))
    first, second = other["output"], row["output"]
    return a == b and is_its_own_fact(first) and first not in second and second not in first


def main() -> None:
    others = rivals()
    ours = ("fact_hit", "f1", "rouge_l", "chrf", "bleu")
    print(f"| answer | reference | what | a reader | {' | '.join(others)} | {' | '.join(f'ours: {n}' for n in ours)} |")
    print("|---|---|---|---" + "|---:" * (len(others) + len(ours)) + "|")
    for trap in TRAPS:
        told = [metric(trap.answer, trap.reference) for metric in others.values()]
        wanted = replace(Wanted.of(trap.question, trap.reference, trap.facts), section=trap.section)
        found = score(trap.answer, wanted, trap.lang)
        scores = [*told, *(found[name] for name in ours)]
        values = " | ".join("–" if value is None else f"{value:.2f}" for value in scores)
        print(f"| {trap.answer} | {trap.reference} | {trap.what} | {trap.reader} | {values} |")
    made: Counter[tuple[str, str]] = Counter()
    hits: Counter[tuple[str, str]] = Counter()
    for run in map(Path, sys.argv[1:]):
        for what, reader, answer, row in made_answers(pairs_of(run)):
            made[what, reader] += 1
            named = tuple(map(tuple, row.get("facts") or ()))
            hits[what, reader] += is_hit(answer, Wanted.of(row["instruction"], row["output"], named))
    if made:
        print("\n| answers | a reader | answers | hits |\n|---|---|---:|---:|")
    for (what, reader), n in made.items():
        print(f"| {what} | {reader} | {n} | {hits[what, reader]} |")


if __name__ == "__main__":
    main()
