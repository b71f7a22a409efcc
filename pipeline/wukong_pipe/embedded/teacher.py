"""The embedded teacher: pairs and paraphrases by template, from tables, bold lead-ins, lists and sentences.

It needs no key and no network, is deterministic and works on any Markdown, Chinese or English. It is a baseline
and a way to try the whole path, not a language model: the manifest says so. It answers the same requests as a
real teacher, in the same JSON, through the same journal and checks.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from pathlib import Path

from wukong_pipe.embedded.answers import reworded
from wukong_pipe.embedded.facts import Fact, facts
from wukong_pipe.embedded.questions import TEMPLATES
from wukong_pipe.language.text import digest, normalise
from wukong_pipe.teacher.requests import AnswerTask, BaseQATask, ParaphraseTask, Request


@lru_cache(maxsize=1)
def teacher_id() -> str:
    """Model id of the embedded teacher: it carries the hash of its code, so a changed template is a new teacher."""
    code = sorted(Path(__file__).parent.glob("*.py"))
    return f"offline@{digest(*(file.read_text('utf-8') for file in code))[:8]}"


def answer(request: Request, attempt: int) -> str:
    """The embedded teacher's reply to a request, as the JSON text a language model would have sent.

    It says all the questions it has at once: a later `attempt` could only repeat what the checks refused, so it is
    empty.
    """
    task = request.task
    assert task is not None, "templates judge nothing"
    if isinstance(task, AnswerTask):
        return json.dumps({"answers": answer_wordings(task, attempt)}, ensure_ascii=False)
    if isinstance(task, ParaphraseTask):
        return json.dumps({"questions": [] if attempt else paraphrases(task)}, ensure_ascii=False)
    assert isinstance(task, BaseQATask), task
    pairs = [
        {
            "question": fact.question(task.section.lang, 0),
            "answer": fact.answer,
            "evidence": [unit.text for unit in fact.units],
            "kind": "reverse" if fact.family == "reverse" else "base",
        }
        for fact in ([] if attempt else _chosen(task))
    ]
    return json.dumps({"pairs": pairs}, ensure_ascii=False)


def _chosen(task: BaseQATask) -> list[Fact]:
    """As many facts as asked for, in the order of the source.

    Where each unit can have one, it has one; lists, comparisons and questions from the answer's side then take the
    place of table cells that most rows share. Where there are more units than pairs, those with short exact answers
    come first.
    """
    covered = {normalise(question) for question in task.covered}
    known = [fact for fact in facts(task.section) if normalise(fact.question(task.section.lang, 0)) not in covered]
    order = {"attribute": 0, "define": 1, "ask": 2, "cloze": 3, "reverse": 4, "list": 5, "compare": 6}
    ranks: list[tuple[int, ...]] = [(1, order[fact.family]) for fact in known]
    of_unit = [fact.units[0] for fact in known]
    if len(set(of_unit)) <= task.quota:
        shared = Counter((dict(fact.slots)["a"], fact.answer) for fact in known if fact.family == "attribute")
        twins = {(fact.answer, dict(fact.slots)["v"]) for fact in known if fact.family == "reverse"}
        for i, fact in enumerate(known):
            slots = dict(fact.slots)
            if of_unit[i] not in of_unit[:i]:
                ranks[i] = (0,)
            elif fact.family in {"reverse", "compare"} or (slots.get("e"), fact.answer) in twins:
                ranks[i] = (1, 0)
            elif fact.family == "attribute":
                ranks[i] = (2, shared[slots["a"], fact.answer])
    ranked = sorted(range(len(known)), key=lambda i: (ranks[i], i))
    return [known[i] for i in sorted(ranked[: task.quota])]


def paraphrases(task: ParaphraseTask) -> list[str]:
    """Other wordings of a question this teacher asked; none where it did not ask it.

    The templates are taken from an offset that depends on the question, so that a dataset of few variants a
    question still holds all of them.
    """
    lang = task.section.lang
    fact = next((fact for fact in facts(task.section) if fact.question(lang, 0) == task.question), None)
    if fact is None:
        return []
    count = len(TEMPLATES[lang][fact.family]) - 1
    offset = int(digest(task.question), 16) % count
    wordings = (fact.question(lang, 1 + (offset + i) % count) for i in range(count))
    covered = {normalise(question) for question in task.covered}
    return [wording for wording in wordings if normalise(wording) not in covered][: task.count]


def answer_wordings(task: AnswerTask, attempt: int) -> list[str]:
    """Whole sentences that give the answer to a question this teacher asked; none where it did not ask it.

    A later attempt takes what it has from the end: what stands first was refused.
    """
    lang = task.section.lang
    fact = next((fact for fact in facts(task.section) if fact.question(lang, 0) == task.question), None)
    if fact is None:
        return []
    said = fact.units[0].words.strip().rstrip("。.！!；;")
    covered = {normalise(wording) for wording in task.covered}
    wordings = reworded(lang, fact.family, dict(fact.slots), task.answer, said)
    left = [wording for wording in wordings if normalise(wording) not in covered]
    return left[-task.count :] if attempt else left[: task.count]
