"""Scores of one answer against its reference, for Chinese and English."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import dropwhile, pairwise, takewhile

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from wukong_pipe.language.chinese import is_chinese
from wukong_pipe.language.key_facts import is_its_own_fact, key_facts
from wukong_pipe.language.normal_form import normalise, stands_in
from wukong_pipe.language.numerals import in_figures, numbers
from wukong_pipe.language.quantities import amounts, unknown_amount, without_amounts
from wukong_pipe.language.units import unit_of

PRIMARY = "key_fact_hit"
"""The score that the verdict is about, named before anything is measured."""
LOWER_IS_BETTER = frozenset({"repetition", "refused"})
NO_DIRECTION = frozenset({"length_ratio"})
UNBOUNDED = frozenset({"loglik", "loglik_per_char"})
"""Scores that are no shares: their differences can leave [-1, 1]."""
_REPEATED = {"zh": 6, "en": 4}
"""Units a repeated n-gram is long: about four words in either language."""


def score(answer: str, reference: str, lang: str, question: str = "") -> dict[str, float]:
    """How close an answer is to its reference, by characters for "zh", by words for any other language.

    Args:
        question: what was asked; key_fact_hit then wants of a short reference no more than the question leaves open.

    Returns:
        key_fact_hit (0 or 1): every number with its unit, name and quoted term of the reference stands in the answer.
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
        PRIMARY: float(key_fact_hit(answer, reference, question)),
        "exact": float(units == wanted),
        "f1": _f1((Counter(units) & Counter(wanted)).total(), len(units), len(wanted)),
        "rouge_l": _f1(_common_subsequence(units, wanted), len(units), len(wanted)),
        "chrf": _chrf("".join(units), "".join(wanted), lang),
        "bleu": _sentence_bleu(answer, reference, lang),
        "length_ratio": len(units) / len(wanted) if wanted else float(len(units) + 1),
        "repetition": _repetition(units, _REPEATED["zh" if lang == "zh" else "en"]),
        "refused": float(is_refusal(answer) and not is_refusal(reference)),
    }


def key_fact_hit(answer: str, reference: str, question: str = "") -> bool:
    """Whether every number with its unit, date, name and quoted term of the reference stands in the answer.

    A short reference is its own fact, less what the question says already: asked for the capital of China, 北京 is as
    right as 北京是中国的首都. Numbers count in any spelling: 一百零八, １０８ and 108 are one, so are 12 公里 and
    twelve kilometres. What an answer says beyond the reference is not seen, but for guesses among which the right one
    stands: 北京、上海、广州 is no answer, nor is 北京或上海; and for a "not" right beside what the reference affirms.
    Of a longer reference that holds but a count, an answer must say more than that count, unless the question asks for
    one.
    """
    if answer == reference:
        return True  # "92，828" reads as 92828 whole and as 92 and 828 item by item: even then its own copy is right.
    if not normalise(reference):
        return not normalise(answer)  # No fact at all: "every fact of none" would pass anything.
    known = amounts(answer)
    if unknown_amount(amounts(reference), known):
        return False
    said, wanted = in_figures(answer), in_figures(reference)
    if not numbers(wanted) <= numbers(said) | known.values:
        return False
    # A name such as 九头虫 may become figures in one text and not in the other: as written will do, too. And an amount
    # with its unit was compared, however it is spelt.
    rest = _ABOUT.sub(" ", without_amounts(reference))
    pairs = [(reference, answer), (wanted, said), *([(rest, answer)] if rest != wanted else [])]
    return any(
        all(_stands(term, normalise(text), normalise(question)) for term in key_facts(facts).terms)
        for facts, text in pairs
    ) and not (
        _is_guessing(answer, reference, question)
        or _is_count_alone(answer, reference, question)
        or _is_denied(answer, reference, question)
    )


_ABOUT = re.compile(r"大约|大概|左右|约|\b(?:about|approximately|around|roughly)\b")
_JOINS = re.compile(r"^(?:是|为|在|由|有|的|了|于|叫|被)+|(?:是|为|在|由|有|的|了|于|叫|被)+$")
_SMALL = "a an the is are was were be been it its of in on at by to and for with as either maybe perhaps possibly"
_SMALL_WORDS = frozenset(_SMALL.split())


_DENIAL = re.compile(r"[不没未无非]|\b(?:not|no|never|t)\b")  # don’t is normalised to "don t"


def _stands(term: str, answer: str, question: str) -> bool:
    """Whether a fact's term stands in the answer: whole, or what it says that the question does not; all normalised."""
    if stands_in(term, answer):
        return True
    # Short of the whole sentence a "not" would go unseen.
    denied = _DENIAL.search(answer) is not None and _DENIAL.search(term) is None
    new = list(_not_asked(term, question)) if question and not denied else []
    return bool(new) and all(stands_in(part, answer) for part in new)


_DENIED = re.compile(
    r"(?:(?<!难道)不是|不会是|不可能是|并非|绝非|而非|不在|不叫|没有"
    r"|\b(?:not|never|no|(?:isn|wasn|aren|weren|can|couldn) t)"
    r"(?: (?:really|be|the|an?|in|on|at|by|from|to|of|with|for))*) ?$"
)
_DENIED_AFTER = re.compile(r" ?(?:并?不是|并非|绝非)| (?:is|was|are|were) not\b| (?:isn|wasn|aren|weren) t\b")


def _is_denied(answer: str, reference: str, question: str) -> bool:
    """Whether a "not" stands right beside a key fact wherever the answer names it, and none in the reference."""
    if _DENIAL.search(normalise(reference)):
        return False
    clauses = [normalise(clause) for clause in re.split(rf"[，,、–—]|\s-\s|{_CLAUSES.pattern}", answer)]
    is_alone = is_its_own_fact(reference)
    for term in key_facts(reference).terms:
        around = [
            (clause[: found.start()], clause[found.end() :])
            for clause in clauses
            for found in re.finditer(re.escape(term), clause)
        ]
        if around and all(
            _DENIED.search(before)
            or (_DENIED_AFTER.match(after) and _details(after) & _details(question))
            or (is_alone and before.endswith("不"))
            for before, after in around
        ):
            return True
    return False


def _not_asked(term: str, question: str) -> Iterator[str]:
    """What a term says that the question does not: its runs of words, or its stretches of Chinese."""
    told = ("\n" if word in _SMALL_WORDS or _asked(word, question) else word for word in term.split())
    for run in " ".join(told).split("\n"):
        yield from filter(None, [run.strip()] if run.isascii() else _stretches(run.strip(), question))


def _asked(word: str, question: str) -> bool:
    return word.isascii() and stands_in(word, question)


def _stretches(run: str, question: str) -> list[str]:
    """A run of Chinese without what stands in the question, two characters or more."""
    left, start = run, 0
    while start < len(left):
        longest = min(len(left) - start, len(question))
        shared = next((n for n in range(longest, 1, -1) if left[start : start + n] in question), 0)
        left = left[:start] + " " * bool(shared) + left[start + shared :]
        start += 1
    parts = [part for part in (_JOINS.sub("", part) for part in left.split()) if part]
    # A lone character that is left over is half a word (金箍|棒): then the whole is wanted.
    return [run] if any(len(part) == 1 for part in parts) else parts


_WHICH = re.compile(
    r"[几多哪]|次数|评分|年龄|数量|编号|章节|时候|何时"
    r"|\b(?:how|when|which|number|score|size|age|rank|rating|percentage|share|year|date)\b",
    re.IGNORECASE,
)
"""What a number may answer, be it a count or a place in a row."""


def _is_count_alone(answer: str, reference: str, question: str) -> bool:
    """Whether an answer gives nothing but how many, or which in a row, where that is the only key fact of a longer
    reference and not what was asked: 一共六件 does not say what 石敢当 is."""
    given = amounts(reference)
    counts = all(len(each.value) < 3 and each.unit.split(" ")[0] in ("", "each", "nth") for each in given.quantities)
    if not counts or given.dates or _WHICH.search(question):
        return False
    if is_its_own_fact(reference) or key_facts(in_figures(reference)).terms:
        return False
    return not (_details(reference) - _details(question)) & _details(answer)


def _details(text: str) -> frozenset[str]:
    """Pairs of neighbouring characters of a Chinese text, words of any other but the small ones; none with a figure."""
    normal = normalise(in_figures(text))
    if is_chinese(text):
        told = frozenset(map("".join, pairwise(normal.replace(" ", ""))))
    else:
        told = frozenset(normal.split()) - _SMALL_WORDS
    return frozenset(detail for detail in told if not re.search(r"\d", detail))


_CLAUSES = re.compile(r"[。！？；，：\n|]|(?<=[.!?])\s+|[;:]\s|\b(?:with|including)\b|连同|包括")
"""What stands beside a thing is no other guess at it: “Neil Armstrong, with Buzz Aldrin and Michael Collins”."""
_CHOICES = re.compile(r"、|或者?|还是|(?<=[\w.)])\s*[,/]\s+(?:or |and )?|(?<!\s)\s+(?:or|and|/)\s+")
_CHOICE = re.compile(r"、|或|还是|\b(?:or|and)\b|\s/\s")
_EITHER = re.compile(
    r"或者(?![称叫名说])|或(?![者许多称叫名说])|还是|(?<![,\s])\s+or\s+|,\s+or\s+(?=(?:maybe|perhaps|possibly)\b)"
)
"""What joins two guesses; “, or LM” and 或称 join two names of one thing."""
_FIGURES = re.compile(r"[\d\s]+")
_HEDGES = re.compile("可能|也许|或许|大概|应该|也|是|吧|归根|到底|最终|最后|终究|终归|毕竟|依然|仍然|果然")
_BARE = {"zh": 6, "en": 3}
"""Characters or words up to which an item of a list says nothing but a name or an amount."""
_SIGNS = re.compile("[a-z0-9]+|.")
"""Of a Chinese text in normal form: 2024年8月20日 is 6 characters long."""


_LONGEST_ITEM = 60
"""Characters beyond its question's of a name or an amount in a list."""
_MANY = 4
"""So many items with commas alone are a list; of fewer, “Cape Kennedy, Florida, USA” is one place."""


def _is_guessing(answer: str, reference: str, question: str) -> bool:
    """Whether the answer lists things of which the reference holds some, and at least as many, and two, others; or
    gives the reference's and another with an "or" between them, where the reference has no "or".

    Only bare names and amounts count, less what the question says: a longer answer has clauses between its commas, and
    what it tells besides is none of ours. Names are no guesses at an amount, nor amounts at a name, nor is an amount in
    another unit, which may be the right one converted; a name that holds the right one says it too, as do its initials.
    """
    right, asked = (normalise(in_figures(text)) for text in (reference, question))
    right += "\n" + "".join(_stretches(right, asked))  # Less what the question says, as the items are.
    # What is said without an "or", too, has been decided.
    alone = "\n".join(normalise(clause) for clause in _CLAUSES.split(answer) if not _EITHER.search(clause))
    terms, units = key_facts(reference).terms, {quantity.unit for quantity in amounts(reference).quantities}
    for parts, is_either in _lists(answer, is_decided=_EITHER.search(reference) is None):
        listed = [(_bare(part, asked), amounts(part)) for part in parts]
        listed = [(item, said) for item, said in listed if item and not stands_in(item, asked)]
        named = {item for item, said in listed if not said.values}
        counted = {
            item for item, said in listed if said.values and {each.unit for each in said.quantities} <= {"", *units}
        }
        for told in (named, counted):
            held = {item for item in told if stands_in(item, right) or any(stands_in(term, item) for term in terms)}
            others = told - held - {"".join(word[0] for word in item.split()) for item in held}
            if is_either and any(stands_in(item, alone) for item in held):
                continue
            if held and len(others) >= (1 if is_either else max(2, len(held))):
                return True
    return False


def _lists(answer: str, is_decided: bool) -> Iterator[tuple[list[str], bool]]:
    """What an answer lists, clause by clause; with True, where it has to decide, the two that stand beside an "or"."""
    clauses = [clause for clause in _CLAUSES.split(answer) if clause.strip()]
    if len({re.sub(r"\d[\d.]*", "#", in_figures(clause).strip(" .")) for clause in clauses}) == 1:
        yield clauses, False  # A guess a sentence, the amounts apart.
    for clause in clauses:
        if _FIGURES.fullmatch(clause):
            yield clause.split(), False
        parts = _CHOICES.split(clause)
        if _CHOICE.search(clause) or len(parts) >= _MANY:
            yield parts, False
        for left, right in pairwise(_EITHER.split(clause)) if is_decided else ():
            yield [_beside(left, -1), _beside(right, 0)], True


def _beside(side: str, end: int) -> str:
    """What stands next to an "or", at the end (-1) or the beginning (0) of one side of it: in Chinese an item of a
    list, cut where it is longer than a name, in English a name or an amount."""
    item = _CHOICES.split(side)[end]
    if is_chinese(item):
        return item if end == 0 else "".join(_SIGNS.findall(normalise(item))[-_BARE["zh"] :])
    nearest = 1 if end == 0 else -1
    words = dropwhile(lambda word: word.casefold() in _SMALL_WORDS, in_figures(item).split()[::nearest])
    return " ".join([*takewhile(_is_named, words)][::nearest])


def _bare(item: str, asked: str) -> str:
    """A list's item in normal form, less what the question says; "" where it is more than a name or an amount."""
    normal = normalise(in_figures(item))
    if len(normal) > _LONGEST_ITEM + len(asked):
        return ""
    if is_chinese(normal):
        left = _HEDGES.sub("", "".join(_stretches(normal, asked)) if asked else normal)
        return left if len(_SIGNS.findall(left)) <= _BARE["zh"] else ""
    named = list(filter(_is_named, re.findall(r"[^\W_]+", item)))
    words = [word for word in normal.split() if word not in _SMALL_WORDS and not _asked(word, asked)]
    return " ".join(words) if 0 < len(words) <= min(_BARE["en"], len(named)) else ""


def _is_named(word: str) -> bool:
    """Whether a word may be of a name, which is written with capitals, or of an amount: a plain word is no guess."""
    return word[0].isupper() or word[0].isdigit() or bool(unit_of(word.strip(".,").casefold()))


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
