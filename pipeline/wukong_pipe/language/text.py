"""What two texts have in common, for Chinese and English: normal form, n-grams, sentences, numbers, names.

A leaf: it imports nothing of this project, and both the build and the trainer lean on it, so that a question
held out by one is recognised by the other.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CJK = re.compile(f"[{CJK}]")
_CJK_RUN = re.compile(f"[{CJK}]+")
_NOT_WORD = re.compile(r"[\W_]+")
_SPACE_AT_CJK = re.compile(rf"(?<=[{CJK}]) | (?=[{CJK}])")


def digest(*parts: str) -> str:
    """16 hex digits of SHA-256 over the parts; the separator keeps ("ab", "c") apart from ("a", "bc")."""
    # "surrogatepass": a teacher may send lone surrogates, and a hash must not fail where a check will reject.
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def is_chinese(text: str) -> bool:
    """Whether at least a fifth of the letters are CJK ideographs (a Chinese text full of English names still is)."""
    letters = sum(map(str.isalpha, text))
    return letters > 0 and ideographs(text) * 5 >= letters


def ideographs(text: str) -> int:
    """How many CJK ideographs stand in `text`."""
    return sum(map(len, _CJK_RUN.findall(text)))


def counted(n: int, thing: str) -> str:
    """A number of things in English: "1 section", "1,200 sections"."""
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


LISTED = 3
"""So many things of a kind are named; all are counted."""


def listed(things: Collection[object], separator: str = ", ") -> str:
    """The first things by name, and how many more there are: "a, b, c and 2 more"."""
    more = f" and {len(things) - LISTED} more" if len(things) > LISTED else ""
    return separator.join(map(str, islice(things, LISTED))) + more


@lru_cache(maxsize=65536)
def normalise(text: str) -> str:
    """NFKC, case folded, punctuation gone, single spaces between words and none beside Chinese.

    >>> normalise("《出云棍》 怎样　获得？")
    '出云棍怎样获得'
    >>> normalise("What is  the Saturn-V?")
    'what is the saturn v'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _SPACE_AT_CJK.sub("", _NOT_WORD.sub(" ", folded).strip())


@lru_cache(maxsize=65536)
def ngrams(text: str, n: int = 3) -> frozenset[str]:
    """Character n-grams of the normal form; a text shorter than n is its own single gram, an empty one has none."""
    normal = normalise(text)
    if len(normal) < n:
        return frozenset({normal} if normal else ())
    return frozenset(normal[i : i + n] for i in range(len(normal) - n + 1))


def similarity(a: str, b: str) -> float:
    """Jaccard similarity of character 3-grams, 0.0 to 1.0."""
    grams_a, grams_b = ngrams(a), ngrams(b)
    if not grams_a and not grams_b:
        return 1.0
    return len(grams_a & grams_b) / len(grams_a | grams_b)


# --- sentences -----------------------------------------------------------------------------------------------

_CLOSERS = "”’」』）)】》\"'*_`"
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|e\.g|i\.e|cf|No|Fig|Sec|approx|Inc|Ltd|Co"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)|\.[A-Za-z])$"
)
_ABBREVIATION_IN_LOWER_CASE = re.compile(r"(?:\b(?:mr|mrs|ms|dr|prof|jr|sr|vs|etc|e\.g|i\.e|cf|approx)|\.[a-z])$")
_BEFORE_A_STOP = 8
"""Characters in which an abbreviation, and the letter that it must not follow, stand."""
_NOT_SPACE = re.compile(r"\S")
_CAPITAL = re.compile("[A-Z]")
_SMALL_LETTER = re.compile("[a-z]")
UNCAPITALISED = 200
"""From so many small letters to a capital on, a text does not begin its sentences with one: a transcript of speech."""


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the sentences in running text; together they cover all that is not white space.

    。！？；… end a sentence anywhere; a full stop only before white space or the end, and not after an
    abbreviation or an initial, so `4.0`, `Dr. von Braun` and `U.S. Navy` stay whole, nor before a small letter,
    unless the text has (almost) no capitals. Time is linear in the length of `text`.
    """
    start = 0
    capitalised = _is_capitalised(text)
    abbreviation = _ABBREVIATION if capitalised else _ABBREVIATION_IN_LOWER_CASE
    for match in re.finditer(r"[。！？；…]+|[!?]+|\.+", text):
        end = match.end()
        while end < len(text) and text[end] in _CLOSERS:
            end += 1
        mark = match.group()
        if mark[0] in ".!?":
            if end < len(text) and not text[end].isspace() and not _CJK.match(text[end]):
                continue
            before = text[max(start, match.start() - _BEFORE_A_STOP) : match.start()]
            if mark == "." and (abbreviation.search(before) or (capitalised and _goes_on(text, end))):
                continue
        if start <= end:
            yield from _trimmed(text, start, end)
            start = end
    yield from _trimmed(text, start, len(text))


def _goes_on(text: str, end: int) -> bool:
    """Whether what follows a full stop starts in lower case: then it was no sentence end."""
    following = _NOT_SPACE.search(text, end)
    return following is not None and following.group().islower()


def _is_capitalised(text: str) -> bool:
    """Whether a text is too short to tell, or has at least one capital to `UNCAPITALISED` small letters."""
    small = len(_SMALL_LETTER.findall(text))
    return small < UNCAPITALISED or small < UNCAPITALISED * len(_CAPITAL.findall(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    chunk = text[start:end]
    if chunk.strip():
        yield start + len(chunk) - len(chunk.lstrip()), start + len(chunk.rstrip())


def sentences(text: str) -> list[str]:
    """The sentences of running text, without the white space between them."""
    return [text[start:end] for start, end in sentence_spans(text)]


# --- numbers, names, quoted terms ----------------------------------------------------------------------------

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_BIG_UNITS = {"万": 10_000, "亿": 100_000_000}
LONGEST = 30
"""A numeral of more characters, or spelt in more words, is none that anyone means, and stays as it stands."""
_CHINESE_NUMBER = "[零〇一二两三四五六七八九十百千万亿]"
# A lone 一 or 万 is mostly part of a word (一些, 万物); 第二 and 一百零八 are numbers.
_NUMBER = re.compile(rf"\d+(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|第{_CHINESE_NUMBER}+|{_CHINESE_NUMBER}{{2,}}")
_QUOTED = re.compile(r"《([^《》]+)》|「([^「」]+)」|『([^『』]+)』|“([^“”]+)”|【([^【】]+)】|\"([^\"\n]+)\"")
_LATIN_NAME = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z][A-Za-z0-9'’-]*(?: (?:[A-Z][A-Za-z0-9'’-]*|\d+[A-Za-z]?(?![A-Za-z0-9.])))*"
    r"|[a-z]+\d[A-Za-z0-9-]*)"
)
_POSSESSIVE = re.compile(r"['’]s(?: |$)")
# Words that open a sentence in capitals without being part of the name behind them.
_OPENERS = frozenset(
    [
        "a",
        "about",
        "according",
        "after",
        "all",
        "also",
        "although",
        "among",
        "an",
        "and",
        "are",
        "around",
        "as",
        "at",
        "based",
        "because",
        "before",
        "between",
        "both",
        "but",
        "by",
        "can",
        "complete",
        "could",
        "did",
        "do",
        "does",
        "during",
        "each",
        "every",
        "fill",
        "for",
        "from",
        "given",
        "had",
        "has",
        "have",
        "here",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "let",
        "like",
        "list",
        "look",
        "may",
        "might",
        "must",
        "my",
        "name",
        "no",
        "not",
        "of",
        "on",
        "once",
        "one",
        "or",
        "our",
        "over",
        "please",
        "quick",
        "regarding",
        "say",
        "shall",
        "should",
        "since",
        "so",
        "some",
        "such",
        "tell",
        "that",
        "the",
        "their",
        "then",
        "there",
        "these",
        "this",
        "those",
        "though",
        "through",
        "to",
        "under",
        "until",
        "upon",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "whether",
        "which",
        "while",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "within",
        "would",
        "you",
        "your",
    ]
)
_SEPARATORS = re.compile(r"[、；;\n]|(?<!\d),(?!\d)|，|(?:\band\b)")


def chinese_number(text: str) -> int | None:
    """Value of a Chinese numeral, None where the characters do not form one.

    >>> chinese_number("一百零八"), chinese_number("二〇二四"), chinese_number("三千万")
    (108, 2024, 30000000)
    """
    if all(char in _DIGITS for char in text):
        return int("".join(str(_DIGITS[char]) for char in text))
    total = section = digit = 0
    for char in text:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _UNITS:
            section += (digit or 1) * _UNITS[char]
            digit = 0
        elif char in _BIG_UNITS:
            total = (total + section + digit or 1) * _BIG_UNITS[char]
            section = digit = 0
        else:
            return None
    return total + section + digit


@lru_cache(maxsize=4096)
def numbers(text: str) -> frozenset[str]:
    """Numbers in one spelling: １，０００ and 一千 are both "1000", 第二回 holds "2"."""
    found = set()
    # NFKC would turn the full-width comma, which separates, into the one that groups thousands.
    for match in _NUMBER.finditer(unicodedata.normalize("NFKC", text.replace("，", "；"))):
        token = match.group().removeprefix("第")
        if len(token) > LONGEST:
            found.add(token)
        elif token[0].isdigit():
            plain = token.replace(",", "")
            found.add(plain.rstrip("0").rstrip(".") if "." in plain else str(int(plain)))
        elif (value := chinese_number(token)) is not None:
            found.add(str(value))
    return frozenset(found)


def quoted(text: str) -> frozenset[str]:
    """Terms inside 《》「」『』“”【】 or straight double quotes."""
    return frozenset(next(filter(None, groups)).strip() for groups in _QUOTED.findall(text) if any(groups))


def latin_names(text: str) -> frozenset[str]:
    """Capitalised names and codes: Unreal Engine 5, PS5.

    A sentence's first word is no name on its own, nor part of one where it is a word such as The or Under.
    """
    starts = {start for start, _ in sentence_spans(text)}
    names = set()
    for match in _LATIN_NAME.finditer(text):
        words = match.group().split(" ")
        if match.start() in starts or match.start() - 1 in starts:
            if words[0].casefold() in _OPENERS:
                words = words[1:]
            elif len(words) == 1 and words[0][1:].islower():
                words = []
        if words and words != ["I"]:
            names.add(" ".join(words))
    return frozenset(names)


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What an answer must contain to be right: numbers in any spelling and terms, the latter normalised."""

    numbers: frozenset[str]
    terms: frozenset[str]

    def found_in(self, answer: str) -> bool:
        """Whether `answer` states every one of them."""
        normal = normalise(answer)
        return self.numbers <= numbers(answer) and all(stands_in(term, normal) for term in self.terms)


def stands_in(term: str, normal: str) -> bool:
    """Whether a term stands in a text, both normalised; a Latin word only as a whole one: "air" is not in "chair"."""
    if term not in normal or not term.isascii():
        return term in normal
    return re.search(rf"(?<![a-z0-9]){re.escape(term)}(?![a-z0-9])", normal) is not None


SHORT_ANSWER = 16
"""Up to this many characters (a Latin word counts as two) the whole answer is the fact, item by item."""


@lru_cache(maxsize=65536)
def key_facts(text: str) -> KeyFacts:
    """The checkable content of an answer or question.

    A short text is its own fact, item by item where it is a list. Of a longer one the numbers, the quoted terms
    and the Latin names count; where it has none of these, the whole text does.

    >>> key_facts("白衣秀士、金池长老").terms == {"白衣秀士", "金池长老"}
    True
    >>> sorted(key_facts("After two months in orbit it was NASA's Skylab that they left behind for good.").terms)
    ['nasa', 'skylab']
    """
    items = _items(text)
    if not _is_short(text, items):
        found = numbers(text)
        latin = (part for name in latin_names(text) for part in _POSSESSIVE.split(name))
        terms = frozenset(map(normalise, (*quoted(text), *latin))) - {""}
        if found or terms:
            return KeyFacts(found, terms)
        return KeyFacts(frozenset(), frozenset({normalise(text)} - {""}))
    only_numbers = [item for item in items if re.fullmatch(rf"\s*(?:{_NUMBER.pattern})\s*[。.]?", item)]
    return KeyFacts(
        frozenset().union(*(numbers(item) for item in only_numbers)),
        frozenset(normalise(item) for item in items if item not in only_numbers),
    )


def is_its_own_fact(text: str) -> bool:
    """Whether all of a text counts as a fact, item by item, because it is so short."""
    return _is_short(text, _items(text))


def _items(text: str) -> list[str]:
    return [item for item in _SEPARATORS.split(text) if normalise(item)]


def _is_short(text: str, items: list[str]) -> bool:
    width = len(_CJK.findall(text)) + 2 * len(re.findall(r"[A-Za-z]+", text))
    return width <= SHORT_ANSWER or all(len(normalise(item)) <= SHORT_ANSWER // 2 for item in items)


TAU = 0.7
"""Questions this alike (Jaccard of character 3-grams) that hold the same key facts count as one for a leak. True
rewordings lie between 0.28 and 0.62, a copy with one word changed above 0.7."""


def same_key_facts(a: str, b: str, names: frozenset[str] = frozenset()) -> bool:
    """Whether two questions hold the same numbers and names: near twins may ask of two things.

    A name marked in one question, by quotes, capitals or its being in `names`, must stand in the other however it is
    written there.

    Args:
        names: terms that mark no name by their spelling, as Chinese ones do not.
    """
    if numbers(a) != numbers(b):
        return False
    normal_a, normal_b = normalise(a), normalise(b)
    return all(name in normal_b for name in marked(a, names)) and all(name in normal_a for name in marked(b, names))


@lru_cache(maxsize=65536)
def marked(question: str, names: frozenset[str]) -> frozenset[str]:
    """The names that a question marks as such, or that are in `names`, normalised."""
    found = quoted(question) | latin_names(question) | standing_in(question, names)
    return frozenset(map(normalise, found)) - {""}


_BEGINNING = 4


def standing_in(text: str, names: frozenset[str]) -> set[str]:
    """Which of `names`, none of them empty, stand in a text: in a time that hardly grows with how many there are."""
    beginnings = _by_beginning(names)
    places = ((text[i : i + length], i) for i in range(len(text)) for length in range(1, _BEGINNING + 1))
    return {name for key, i in places for name in beginnings.get(key, ()) if text.startswith(name, i)}


@lru_cache(maxsize=4)
def _by_beginning(names: frozenset[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name[:_BEGINNING], []).append(name)
    return found
