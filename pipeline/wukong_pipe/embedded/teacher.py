"""The embedded teacher: pairs and paraphrases by template, from tables, bold lead-ins, lists and sentences.

It needs no key and no network, gives the same replies each time, and works on any Markdown, Chinese or English. It is a
baseline and a way to try the whole path, not a language model, and the manifest says so. It answers the same requests
as a real teacher, in the same JSON, through the same journal and checks.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path

from wukong_pipe.corpus.numbering import numbered
from wukong_pipe.corpus.units import Unit
from wukong_pipe.embedded.answers import answer_sentences
from wukong_pipe.embedded.facts import facts
from wukong_pipe.embedded.questions import Fact, templates
from wukong_pipe.language.hashing import digest
from wukong_pipe.language.key_facts import items_of
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.records import Section
from wukong_pipe.teacher.requests import AnswerTask, BaseQATask, ParaphraseTask, Request

_FAMILY_RANK = {"attribute": 0, "define": 1, "ask": 2, "cloze": 3, "reverse": 4, "list": 5, "compare": 6}
"""Families of short exact answers come first."""


@cache
def teacher_id() -> str:
    """Model id of the embedded teacher: it carries a hash of this folder, so a changed template is a new teacher.

    Invented facts are no part of it: they pre-train the student, and no reply holds one.
    """
    files = (file for file in Path(__file__).parent.iterdir() if file.suffix in {".py", ".toml"})
    room = sorted(file for file in files if file.stem != "invented_facts")
    return f"offline@{digest(*(file.read_text('utf-8') for file in room))[:8]}"


def answer(request: Request, attempt: int) -> str:
    """The embedded teacher's reply to a request, as the JSON text a language model would have sent.

    {"pairs": [{"question": "出云棍的来源是什么？", "answer": "石敢当", "facts": ["石敢当"], "evidence": [2], …}]}

    The first attempt gives all questions it has. A later one could only repeat what the checks refused, so its reply is
    empty.
    """
    task = request.task
    assert task is not None, "templates judge nothing"
    if isinstance(task, AnswerTask):
        return json.dumps({"answers": answer_wordings(task, attempt)}, ensure_ascii=False)
    if isinstance(task, ParaphraseTask):
        return json.dumps({"questions": [] if attempt else paraphrases(task)}, ensure_ascii=False)
    assert isinstance(task, BaseQATask), task
    numbers = {unit: number for number, unit in enumerate(numbered(task.section).units, 1)}
    pairs = [
        {
            "question": fact.question(task.section.lang, 0),
            "answer": fact.answer,
            "facts": items_of(fact.answer),
            "evidence": [numbers[unit] for unit in fact.units],
            "kind": "reverse" if fact.family == "reverse" else "base",
        }
        for fact in ([] if attempt else _best_facts(task))
    ]
    return json.dumps({"pairs": pairs}, ensure_ascii=False)


def _best_facts(task: BaseQATask) -> list[Fact]:
    """As many facts as the task asks for, in the order of the source.

    Where each unit can have a fact, it has one; lists, comparisons and reverse questions then take the place of table
    cells that most rows share. Where there are more units than pairs, those with short exact answers come first.
    """
    lang = task.section.lang
    covered = {normalise(question) for question in task.covered}
    left = [fact for fact in facts(task.section) if normalise(fact.question(lang, 0)) not in covered]
    units = {fact.units[0] for fact in left}
    ranks = [(1, _FAMILY_RANK[fact.family]) for fact in left] if len(units) > task.quota else _ranks_for_all_units(left)
    ranked = sorted(range(len(left)), key=lambda i: (ranks[i], i))
    return [left[i] for i in sorted(ranked[: task.quota])]


def _ranks_for_all_units(left: Sequence[Fact]) -> list[tuple[int, int]]:
    """The rank of each fact, the first fact of each unit before all others."""
    shared = Counter((dict(fact.slots)["attribute"], fact.answer) for fact in left if fact.family == "attribute")
    # A reverse question and the cell it was made from state one fact; both ways of asking it are wanted.
    reversed_facts = {(fact.answer, dict(fact.slots)["value"]) for fact in left if fact.family == "reverse"}
    ranks: list[tuple[int, int]] = []
    units: set[Unit] = set()
    for fact in left:
        slots = dict(fact.slots)
        if fact.units[0] not in units:
            units.add(fact.units[0])
            ranks.append((0, 0))
        elif fact.family in {"reverse", "compare"} or (slots.get("thing"), fact.answer) in reversed_facts:
            ranks.append((1, 0))
        elif fact.family == "attribute":
            ranks.append((2, shared[slots["attribute"], fact.answer]))
        else:
            ranks.append((1, _FAMILY_RANK[fact.family]))
    return ranks


def paraphrases(task: ParaphraseTask) -> list[str]:
    """Other wordings of a question this teacher asked; none where it did not ask it.

    The first template depends on the question, so a dataset of few variants a question still uses all templates.
    """
    lang = task.section.lang
    fact = _fact_asked(task.section, task.question)
    if fact is None:
        return []
    count = len(templates(lang)[fact.family]) - 1
    offset = int(digest(task.question), 16) % count
    wordings = (fact.question(lang, 1 + (offset + i) % count) for i in range(count))
    return list(islice(_uncovered(wordings, task.covered), task.count))


def answer_wordings(task: AnswerTask, attempt: int) -> list[str]:
    """Whole sentences that give the answer to a question this teacher asked; none where it did not ask it.

    A later attempt takes its wordings from the end: the checks refused the first ones.
    """
    fact = _fact_asked(task.section, task.question)
    if fact is None:
        return []
    sentence = fact.units[0].words.strip().rstrip("。.！!；;")
    wordings = answer_sentences(task.section.lang, fact.family, dict(fact.slots), task.answer, sentence)
    left = list(_uncovered(wordings, task.covered))
    return left[-task.count :] if attempt else left[: task.count]


def _fact_asked(section: Section, question: str) -> Fact | None:
    return _facts_by_question(section).get(question)


@lru_cache(maxsize=1024)
def _facts_by_question(section: Section) -> dict[str, Fact]:
    return {fact.question(section.lang, 0): fact for fact in facts(section)}


def _uncovered(wordings: Iterable[str], covered: Iterable[str]) -> Iterator[str]:
    """The wordings that, in normal form, are none of the covered ones."""
    taken = set(map(normalise, covered))
    return (wording for wording in wordings if normalise(wording) not in taken)
