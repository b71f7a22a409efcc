"""Near repeats: rows that ask nearly the same as an earlier row, looked for in parts of the rows.

Two rows can be one question only within a group: with one answer, or of one pair. So the rows are split into parts of
whole groups, and what repeats what in a part depends on nothing else: parts are done one after the other, so that
memory holds the join of one of them, or at the same time by other processes and machines.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from wukong_pipe.ids import IdIndex
from wukong_pipe.language.hashing import number
from wukong_pipe.language.names import first_of_equal, names_in
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import numbers
from wukong_pipe.language.plain_words import CHINESE_DECISIVE, DECISIVE
from wukong_pipe.language.similarity import KeyFacts
from wukong_pipe.records import Row
from wukong_pipe.spilled import made

NEAR = 0.85
"""Two questions of different pairs are one question from this similarity on, if key facts and answers are equal."""
NEAR_IN_FAMILY = 0.95
"""Two wordings of one pair are one wording from this similarity on: wordings are meant to be alike."""
MANY = 50
"""A group of more rows than this is split by the numbers and decisive words of its questions."""
LARGE = 1_000
"""One of more rows than this, by their names, too: to find these takes as long as to compare a few hundred rows."""

_WORDS = "|".join(DECISIVE).replace("*", r"\w*").replace("'", "['’]")
_DECISIVE = re.compile(rf"[{CHINESE_DECISIVE}]|\b(?:{_WORDS})\b", re.IGNORECASE)
"""Words that make another question of it, though their spelling shows neither a number nor a name: before, after."""

Repeat = tuple[int, int, float]
"""The place of a row, that of the earlier, kept one that it nearly repeats, and how alike they are."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Some whole groups of rows, as columns: what decides which rows repeat each other, and nothing else.

    `Groups(places=[0, 7], questions=["Who fell?", "So who fell?"], answers=[91, 91], pairs=[5, 6], group=[0, 0], …)`
    """

    places: array[int]
    """Of each row among all rows, in their order."""
    questions: Sequence[str]
    answers: array[int]
    """A hash of each answer."""
    pairs: array[int]
    """A hash of each pair."""
    group: array[int]
    """The number of each row's group."""
    names: frozenset[str]
    """Terms of the whole corpus that make two questions different."""


def near_repeats(part: Groups) -> list[Repeat]:
    """The rows that ask nearly the same as an earlier, kept one."""
    from wukong_pipe.dataset.similar_pairs import join  # Imported here: --help must not load numpy.

    questions, names = part.questions, first_of_equal(part.names)
    removed, repeats = set[int](), list[Repeat]()

    @lru_cache(maxsize=8192)  # Of a thousand questions with one answer each can be like all others.
    def asked(at: int) -> tuple[list[str], KeyFacts]:
        return _decisive_words(questions[at]), KeyFacts.of(questions[at], names)

    for i, j, alike in join(map(normalise, questions), NEAR, part.group):
        if i in removed or j in removed:
            continue
        is_family = part.pairs[i] == part.pairs[j]
        if alike < NEAR_IN_FAMILY if is_family else part.answers[i] != part.answers[j]:
            continue
        (decisive, facts), (others, other) = asked(i), asked(j)
        if decisive == others and facts.agree_with(other):
            removed.add(j)
            repeats.append((part.places[j], part.places[i], alike))
    return repeats


def _decisive_words(question: str) -> list[str]:
    return sorted(word.casefold() for word in _DECISIVE.findall(question))


def parts_of(
    rows: Sequence[Row],
    left: Sequence[int],
    answers: Sequence[int],
    pairs: Sequence[int],
    names: frozenset[str],
    size: int,
) -> Sequence[Groups]:
    """Parts of about so many rows, each made when it is asked for; a row that is alone in its group is in none.

    A group stands in one part, however large it is: of a million rows with one answer, and with the same numbers,
    decisive words and names, all are in one part, and that part takes the memory of a million.

    Args:
        left: the places of the rows whose questions differ in their normal form.
        answers, pairs: hashes of the answer and the pair of each row.
    """
    import numpy as np

    groups = np.asarray(_groups(rows, left, answers, pairs, names))
    sizes = np.bincount(groups, minlength=len(groups))
    # The groups in the order of their first rows, those of one left out: each is in the part in which it would begin.
    sizes[sizes == 1] = 0
    begins = np.cumsum(sizes)
    begins -= sizes
    begins //= size
    part = begins.astype(np.uint32)[groups]
    members = np.flatnonzero(sizes[groups]).astype(np.uint32)
    del sizes, begins
    members = members[np.argsort(part[members], kind="stable")]
    bounds = np.flatnonzero(np.diff(part[members], prepend=-1, append=-1))

    def part_at(at: int) -> Groups:
        own = members[bounds[at] : bounds[at + 1]]
        places = array("I", (left[i] for i in own.tolist()))
        return Groups(
            places,
            [rows[place].instruction for place in places],
            array("Q", (answers[place] for place in places)),
            array("Q", (pairs[place] for place in places)),
            array("I", np.unique(groups[own], return_inverse=True)[1].astype(np.uint32).tobytes()),
            names,
        )

    return made(max(0, len(bounds) - 1), part_at)


def _groups(
    rows: Sequence[Row], left: Sequence[int], answers: Sequence[int], pairs: Sequence[int], names: frozenset[str]
) -> Sequence[int]:
    """Of each left row the first one of its group; two rows of different groups are never one question.

    Rows that ask the same have one answer or belong to one pair, and hold the same numbers, decisive words and names.
    Without groups, rows from templates (“Does chapter 12 …?”, “Yes.”) are so alike that comparing them all would take
    the square of their number.
    """
    # Union-find: rows with the same answer and rows of the same pair get the same top.
    parents = array("I", range(len(left)))

    def top(node: int) -> int:
        while parents[node] != node:
            parents[node] = node = parents[parents[node]]
        return node

    for keys in (answers, pairs):
        for at, earlier in enumerate(IdIndex(keys[i] for i in left).firsts()):
            parents[top(at)] = top(int(earlier))
    questions = made(len(left), lambda at: rows[left[at]].instruction)
    groups = _split(array("I", map(top, range(len(left)))), questions, _numbers_and_decisive_words, MANY)
    large = (question for question, is_large in zip(questions, _are_over(LARGE, groups), strict=True) if is_large)
    return _split(groups, questions, _MarkedAlways(names, large).names_of, LARGE)


def _split(
    groups: Sequence[int], questions: Sequence[str], key: Callable[[str], Iterable[str]], most: int
) -> Sequence[int]:
    """Of each question the first one of its group, where a group of more than `most` is one for each key."""
    parts = (
        number(str(group), *key(question)) if is_large else number(str(group))
        for group, question, is_large in zip(groups, questions, _are_over(most, groups), strict=True)
    )
    firsts: Sequence[int] = IdIndex(parts).firsts()
    return firsts


def _are_over(most: int, groups: Sequence[int]) -> Iterator[bool]:
    """Of each row whether its group has more rows than that."""
    import numpy as np

    large = np.bincount(groups) > most if len(groups) else np.zeros(0, bool)
    return map(bool, large[groups])


def _numbers_and_decisive_words(question: str) -> list[str]:
    return [*sorted(numbers(question)), "", *_decisive_words(question)]


class _MarkedAlways:
    """The names that some questions write so each time that they count as names; the others count or not, as `level`
    does where `Level` is a name.

    Two questions that ask the same hold the same ones of these: each must hold what counts as a name in the other.
    """

    def __init__(self, names: frozenset[str], questions: Iterable[str]) -> None:
        self._names = names
        normals = frozenset(map(normalise, names)) - {""}
        self._others = {
            name for question in questions for name in names_in(normalise(question), normals) - self._in(question)
        }

    def _in(self, question: str) -> set[str]:
        return {normalise(name) for name in names_in(question, self._names)}

    def names_of(self, question: str) -> list[str]:
        """Those that a question holds, in normal form and in order."""
        return sorted(self._in(question) - self._others - {""})
