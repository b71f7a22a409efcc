"""The primary score: whether an answer states every key fact of its reference.

| rule | question | reference | answer | hit |
|---|---|---|---|---|
| a number counts in any spelling | 要集齐多少颗？ | 108 颗 | 一共一百零八颗。 | yes |
| another number, unit or date is no hit | How far? | 12 km | 12 miles | no |
| every name and quoted term must stand in the answer | Who flew? | Armstrong and Aldrin | Aldrin | no |
| what the question says need not be said again | 中国的首都是哪里？ | 北京是中国的首都。 | 北京 | yes |
| a list of guesses is no answer | 中国的首都是哪里？ | 北京 | 北京、上海、广州 | no |
| nor are two guesses with an "or" between them | 中国的首都是哪里？ | 北京 | 北京或上海 | no |
| a fact with a "not" beside it is denied | 中国的首都是哪里？ | 北京 | 不是北京。 | no |
| a count is not all of a longer reference | 石敢当是什么？ | 石敢当是妖王，集齐六颗佛目珠才能唤醒。 | 一共六件。 | no |

A hit is no proof that the rest of the answer is right: what it says beyond the facts is not read.
`benchmarks/metric_traps.md` counts how often the rules are wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import dropwhile, pairwise, takewhile

from wukong_pipe.language.chinese import is_chinese
from wukong_pipe.language.key_facts import is_its_own_fact, key_facts
from wukong_pipe.language.measure_units import unit_of
from wukong_pipe.language.normal_form import normalise, stands_in
from wukong_pipe.language.numerals import in_figures, numbers
from wukong_pipe.language.quantities import amounts, unknown_amount, without_amounts


def key_fact_hit(answer: str, reference: str, question: str = "") -> bool:
    """Whether every number with its unit, date, name and quoted term of the reference stands in the answer.

    The table above has the rules. A short reference is its own fact: “白衣秀士” must stand in the answer whole.

    Args:
        question: what was asked; without it a short reference must be repeated whole, and any count may be an answer.
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


# --- terms, and what the question says of them already ---------------------------------------------------

_ABOUT = re.compile(r"大约|大概|左右|约|\b(?:about|approximately|around|roughly)\b")
_JOINS = re.compile(r"^(?:是|为|在|由|有|的|了|于|叫|被)+|(?:是|为|在|由|有|的|了|于|叫|被)+$")
_SMALL = "a an the is are was were be been it its of in on at by to and for with as either maybe perhaps possibly"
_SMALL_WORDS = frozenset(_SMALL.split())


def _stands(term: str, answer: str, question: str) -> bool:
    """Whether a fact's term stands in the answer: whole, or what it says that the question does not; all normalised."""
    if stands_in(term, answer):
        return True
    # Short of the whole sentence a "not" would go unseen.
    denied = _DENIAL.search(answer) is not None and _DENIAL.search(term) is None
    new = list(_not_asked(term, question)) if question and not denied else []
    return bool(new) and all(stands_in(part, answer) for part in new)


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


# --- denials ---------------------------------------------------------------------------------------------

_DENIAL = re.compile(r"[不没未无非]|\b(?:not|no|never|t)\b")  # don’t is normalised to "don t"
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


# --- counts ----------------------------------------------------------------------------------------------

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


# --- guesses ---------------------------------------------------------------------------------------------

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
