"""Scores of one answer against its reference, for Chinese and English."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from wukong_pipe.language.normal_form import normalise
from wukong_trainer.scoring.facts import Wanted, fact_scores

_REPEATED = {"zh": 6, "en": 4}
"""Units a repeated n-gram is long: about four words in either language."""


def score(answer: str, wanted: Wanted, lang: str) -> dict[str, float | None]:
    """All scores of an answer by name: whether it states the facts (`facts.fact_scores`), and its `closeness`."""
    return {**fact_scores(answer, wanted), **closeness(answer, wanted.reference, lang)}


def closeness(answer: str, reference: str, lang: str) -> dict[str, float]:
    """How close an answer is to its reference, by characters for "zh", by words for any other language.

    Returns:
        exact (0 or 1): equal in normal form.
        f1 (0..1): multiset overlap. rouge_l (0..1): longest common subsequence, as F1 (Lin 2004).
        chrf (0..1): sacrebleu's chrF2 (Popović 2015) up to 2-grams for "zh", 6-grams otherwise; white space left out.
        bleu (0..1): sacrebleu's sentence BLEU, smoothed, up to the longest n-gram that fits; its tokenizer for "zh".
        length_ratio (0..): length of the answer over that of the reference.
        repetition (0..1): share of the answer's n-grams that it has said before (Welleck et al. 2020), of 6 characters
        or 4 words. refused (0 or 1): it says that it does not know or will not tell, and the reference does not.
        An answer identical to its reference scores 1.0 in all but the last two.
    """
    units, wanted = _units(answer, lang), _units(reference, lang)
    return {
        "exact": float(units == wanted),
        "f1": _f1((Counter(units) & Counter(wanted)).total(), len(units), len(wanted)),
        "rouge_l": _f1(_common_subsequence(units, wanted), len(units), len(wanted)),
        "chrf": _chrf("".join(units), "".join(wanted), lang),
        "bleu": _sentence_bleu(answer, reference, lang),
        "length_ratio": len(units) / len(wanted) if wanted else float(len(units) + 1),
        "repetition": _repetition(units, _REPEATED["zh" if lang == "zh" else "en"]),
        "refused": float(is_refusal(answer) and not is_refusal(reference)),
    }


def _units(text: str, lang: str) -> list[str]:
    """Characters of a Chinese text, words of any other, in normal form."""
    normal = normalise(text)
    return list(normal.replace(" ", "")) if lang == "zh" else normal.split()


def _f1(common: int, got: int, wanted: int) -> float:
    return 2 * common / (got + wanted) if got + wanted else 1.0


def _common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence, a whole row of the table as one integer (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for index, unit in enumerate(a):
        places[unit] = places.get(unit, 0) | 1 << index
    every = (1 << len(a)) - 1
    row = every
    for unit in b:
        match = row & places.get(unit, 0)
        row = (row + match | row - match) & every
    return len(a) - row.bit_count()


@cache
def _chrf_of(order: int) -> CHRF:
    return CHRF(char_order=order, word_order=0, beta=2)


def _chrf(answer: str, reference: str, lang: str) -> float:
    if not answer or not reference:
        return float(answer == reference)
    # Order 6 is unstable on answers of under ten characters, which Chinese ones often are.
    return min(1.0, float(_chrf_of(2 if lang == "zh" else 6).sentence_score(answer, [reference]).score) / 100)


@cache
def _bleu_of(lang: str) -> BLEU:
    # The default tokenizer takes a Chinese sentence for one word.
    return BLEU(tokenize="zh" if lang == "zh" else "13a", lowercase=True, effective_order=True)


def _sentence_bleu(answer: str, reference: str, lang: str) -> float:
    said, wanted = (unicodedata.normalize("NFKC", text).strip() for text in (answer, reference))
    if not said or not wanted or said == wanted:
        return float(said == wanted)
    return min(1.0, float(_bleu_of(lang).sentence_score(said, [wanted]).score) / 100)


def corpus_bleu(answers: Sequence[str], references: Sequence[str], lang: str) -> float:
    """BLEU of all answers in one language together, 0 to 1: a mean of sentence scores is no BLEU.

    Raises:
        ValueError: the two sequences differ in length, or there are none.
    """
    if len(answers) != len(references) or not answers:
        raise ValueError(f"{len(answers)} answers for {len(references)} references")
    said, wanted = ([unicodedata.normalize("NFKC", text) for text in texts] for texts in (answers, references))
    bleu = BLEU(tokenize="zh" if lang == "zh" else "13a", lowercase=True)
    return float(bleu.corpus_score(said, [wanted]).score) / 100


def _repetition(units: Sequence[str], n: int) -> float:
    grams = [tuple(units[i : i + n]) for i in range(len(units) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


_REFUSALS = re.compile(
    r"我?(?:并)?不(?:太)?(?:知道|清楚|了解|确定)(?:$|[，。！,.!]|这|该|答案|具体|关于|您|你|的是)"
    r"|(?:^|[我，。])(?:目前|暂时|也|还)?(?:无法|不能|没法|没有办法|难以)(?:回答|确定|得知|确认|告诉|(?:提供|给出)(?:相关|任何|具体|准确))"
    r"|(?:没有|缺乏|未找到|找不到|暂无)(?:足够的?|任何|相关|具体|关于(?:(?!关于).){0,20}的)+(?:信息|资料|内容|答案|记录)"
    r"|作为(?:一个|一名)?(?:AI|人工智能|语言模型|大模型)|^(?:很|非常)?(?:抱歉|对不起)"
    r"|\b(?:I|we) (?:do not|don['’]t|did not|didn['’]t) (?:really )?"
    r"(?:know|have (?:\w+ )*(?:information|knowledge|details))"
    r"|\bI(?: am|['’]m) (?:not sure|unsure|unable to|not able to|not aware)"
    r"|\b(?:I|we) (?:cannot|can['’]t|can not|am unable to) (?:\w+ )?"
    r"(?:answer|provide|determine|confirm|help|tell|say|assist)"
    r"|\b(?:there is|I have|I found) no (?:\w+ )*(?:information|record|data)\b"
    r"|\bas an? (?:AI|artificial intelligence|(?:large )?language model)\b|^\W*(?:I['’]m |I am )?sorry\b",
    re.IGNORECASE,
)


def is_refusal(text: str) -> bool:
    """Whether a text says that it does not know or will not tell.

    >>> is_refusal("抱歉，我不知道。"), is_refusal("I don't know."), is_refusal("他不知道山上有妖怪。")
    (True, True, False)
    """
    return _REFUSALS.search(unicodedata.normalize("NFKC", text).strip()) is not None
