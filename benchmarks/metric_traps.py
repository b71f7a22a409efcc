"""Where common metrics put answers in the wrong order, and what ours say of the same answers.

    python benchmarks/metric_traps.py

prints a Markdown table. The rivals, rouge-score and nltk, are used with their defaults where they are installed; BLEU
and chrF are sacrebleu's with its defaults.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from wukong_trainer.scores import score

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


CAPITAL = ("北京是中国的首都。", "zh", "中国的首都是哪里？")
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


def main() -> None:
    others = rivals()
    ours = ("key_fact_hit", "f1", "rouge_l", "chrf", "bleu")
    print(f"| answer | reference | what | a reader | {' | '.join(others)} | {' | '.join(f'ours: {n}' for n in ours)} |")
    print("|---|---|---|---" + "|---:" * (len(others) + len(ours)) + "|")
    for trap in TRAPS:
        told = [metric(trap.answer, trap.reference) for metric in others.values()]
        found = score(trap.answer, trap.reference, trap.lang, trap.question)
        values = " | ".join(f"{value:.2f}" for value in [*told, *(found[name] for name in ours)])
        print(f"| {trap.answer} | {trap.reference} | {trap.what} | {trap.reader} | {values} |")


if __name__ == "__main__":
    main()
