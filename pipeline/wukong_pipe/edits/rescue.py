"""Rejects that a user lets in after all: each becomes the row that it would have been.

The reject 5c1e… of stage verify, {"question": "出云棍由谁掉落？", "answer": "石敢当", "evidence": [2], …}, becomes the
base row of a pair; {"base": "出云棍怎样获得？", "question": "怎么拿到出云棍？"} becomes another wording of its pair,
or a test question where it was written as one. No teacher is asked anything: the pair gets no wordings, and its section
is held out or trained as before.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wukong_pipe.checks.candidates import read_pair
from wukong_pipe.dataset.facts import fact_id_among
from wukong_pipe.edits.edits_file import Edit
from wukong_pipe.edits.mending import mended, problem_of
from wukong_pipe.ids import IdIndex
from wukong_pipe.language.hashing import number
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Facts, Lang, QAPair, Reject, Row, Section
from wukong_pipe.stages.base_qa import pair_of
from wukong_pipe.stages.heldout_wordings import STAGE, too_like
from wukong_pipe.stages.paraphrase import base_row
from wukong_pipe.teacher.prompt_files import Prompt
from wukong_pipe.teacher.requests import is_excerpt

_OF_STAGE = {
    "reply": "rescue-reply",
    "answers": "rescue-answer",
    "spellings": "rescue-spelling",
    "edit": "rescue-edited",
    "dedupe": "rescue-duplicate",
    "held_form": "rescue-leak",
    "audit": "rescue-leak",
}
"""Why nothing of a stage can be rescued."""
_OF_CODE = {
    **dict.fromkeys(("repeats-question", "repeats-question-wording"), "rescue-duplicate"),
    **dict.fromkeys(("like-own-question", "like-other-question"), "rescue-leak"),
    **dict.fromkeys(
        ("no-unit-cited", "evidence-not-in-section", "evidence-says-nothing", "too-much-evidence"), "rescue-no-evidence"
    ),
}
"""Why nothing that was rejected for that reason can be, whatever its question and answer are."""


def rescuable(reject: Mapping[str, Any]) -> Reason | None:
    """Why a line of rejected.jsonl cannot be let in; None where it can, if need be with words of the user's own.

    What the checks and the verifier said of its meaning is for the user to decide; whether it repeats a row, or gives a
    test question away, is not.
    """
    code = _OF_STAGE.get(str(reject.get("stage"))) or _OF_CODE.get(str(reject.get("code")))
    if code:
        return Reason.of(code)
    candidate = reject.get("candidate")
    item = candidate if isinstance(candidate, dict) else {}
    if "base" in item and "answer" in item:
        return Reason.of("rescue-answer")
    texts = [item.get(key) for key in (("question",) if "base" in item else ("question", "answer"))]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        return Reason.of("rescue-no-text")
    if any(is_excerpt(str(text)) for text in texts):
        return Reason.of("rescue-cut")
    return None if "base" in item or item.get("evidence") else Reason.of("rescue-no-evidence")


@dataclass(frozen=True, slots=True)
class Known:
    """What a build knows of a reject's surroundings."""

    pairs: Mapping[str, QAPair]
    """Those that were kept, by id."""
    by_section: Mapping[str, Sequence[QAPair]]
    """All that the checks and the verifier kept of a section, each with the id of its fact."""
    rows: frozenset[str]
    """Ids of the rows that are there already."""
    facts: Mapping[str, Facts]
    """Of each pair, in all spellings."""
    teacher: str
    prompts: Mapping[tuple[str, str], str]
    """The name of the prompt of a stage and language."""

    @staticmethod
    def of(
        pairs: Iterable[QAPair],
        candidates: Iterable[QAPair],
        rows: Sequence[Row],
        teacher: str,
        prompts: Mapping[str, Mapping[Lang, Prompt]],
    ) -> Known:
        """What a build knows that kept `pairs` of the `candidates`, and made `rows` of them."""
        by_section: dict[str, list[QAPair]] = {}
        for pair in candidates:
            by_section.setdefault(pair.section.id, []).append(pair)
        return Known(
            pairs={pair.id: pair for pair in pairs},
            by_section=by_section,
            rows=frozenset(row.id for row in rows),
            facts={row.pair_id: row.facts for row in rows},
            teacher=teacher,
            prompts={
                (stage, lang): prompt.name for stage, by_lang in prompts.items() for lang, prompt in by_lang.items()
            },
        )


@dataclass(frozen=True, slots=True)
class Rescued:
    """What became of the decisions to let rejects in."""

    rows: list[Row] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    """Reject id → row id, of those that came in."""
    refused: list[tuple[Edit, Reason]] = field(default_factory=list)
    """Decisions on rejects that stay rejects, and why."""

    @property
    def row_ids(self) -> frozenset[str]:
        return frozenset(self.ids.values())

    def sections_among(self, sections: Iterable[Section]) -> list[Section]:
        """Those that something was rescued of."""
        ids = {row.section_id for row in self.rows}
        return [section for section in sections if section.id in ids]

    def warnings(self, path: Path) -> list[str]:
        """What the author of the decisions should know, a sentence each."""
        return [f"{path}, line {edit.line} rescues nothing: {reason}." for edit, reason in self.refused]


NOTHING_RESCUED = Rescued()


def rescue(rejects: Iterable[Reject], edits: Iterable[Edit], known: Known) -> Rescued:
    """The rows of the rejects that the edits let in, in the order of the rejects.

    Args:
        rejects: each with its id.
    """
    by_id = {edit.id: edit for edit in edits if edit.rescue}
    rescued, ids = Rescued(), set(known.rows)
    for reject in rejects:
        edit = by_id.get(reject.id)
        if edit is None:
            continue
        row = rescuable(reject.to_json()) or _row(reject, edit, known)
        if isinstance(row, Row) and row.id in ids:
            row = Reason.of("rescue-duplicate")
        if isinstance(row, Row):
            row = problem_of(row, reject.section) or row
        if isinstance(row, Reason):
            rescued.refused.append((edit, row))
            continue
        ids.add(row.id)
        rescued.ids[reject.id] = row.id
        rescued.rows.append(row)
    return rescued


def _row(reject: Reject, edit: Edit, known: Known) -> Row | Reason:
    assert isinstance(reject.candidate, dict)
    subject, _, _ = reject.place.rpartition("/")
    if subject == reject.section.id:
        return _of_pair(reject, reject.candidate, edit, known)
    pair_id, _, stage = subject.partition("/")
    pair = known.pairs.get(pair_id)
    if pair is None or "base" not in reject.candidate:
        return Reason.of("rescue-no-text")
    return _of_wording(reject, reject.candidate["question"], edit, pair, stage or "paraphrase", known)


def _of_pair(reject: Reject, item: Mapping[str, Any], edit: Edit, known: Known) -> Row | Reason:
    """The base row of a rejected pair: its evidence must stand in its section, whatever else it says."""
    section = reject.section
    words = {"question": edit.instruction, "answer": edit.output}
    read = read_pair({**item, **{key: text for key, text in words.items() if text is not None}}, section)
    if isinstance(read, Reason):
        return read
    # Its id is that of the teacher's words, as an edited row's is.
    read = replace(read, question=item["question"].strip(), answer=item["answer"].strip())
    prompt = known.prompts["base_qa", section.lang]
    pair = pair_of(read, section, known.teacher, prompt, reject.call)
    pair = replace(pair, fact_id=fact_id_among(pair, known.by_section.get(section.id, ())))
    return mended(base_row(pair), edit.instruction, [edit])


def _of_wording(reject: Reject, question: str, edit: Edit, pair: QAPair, stage: str, known: Known) -> Row | Reason:
    """Another row of a pair, trained or tested as what it was written for."""
    prompt = known.prompts[stage, reject.section.lang]
    row = Row.of(pair, question.strip(), "paraphrase", prompt, reject.call)
    row = mended(replace(row, facts=known.facts[pair.id]), edit.instruction, [edit])
    if stage != STAGE:
        return row
    others = [other.question for other in known.by_section.get(pair.section.id, ())]
    if too_like(row.instruction, pair.question, others):
        # The audit would drop what is trained for its sake.
        return Reason.of("rescue-leak")
    return replace(row, split="test", level="wording")


def with_rescued(rows: Sequence[Row], rescued: Sequence[Row], sections: Sequence[Section]) -> Iterator[Row]:
    """The rows in order, each rescued one behind those of its pair, else behind those of its section."""
    if not rescued:
        yield from rows
        return
    by_id = IdIndex(number(section.id) for section in sections)

    def order(row: Row) -> int:
        return by_id.places(number(row.section_id))[0]

    pairs = {row.pair_id for row in rescued}
    last_of_pair = {row.pair_id: at + 1 for at, row in enumerate(rows) if row.pair_id in pairs}
    places = array("Q", map(order, rows))
    behind: dict[int, list[Row]] = {}
    for row in sorted(rescued, key=lambda row: (order(row), row.pair_id not in last_of_pair)):
        at = last_of_pair.get(row.pair_id, bisect_right(places, order(row)))
        behind.setdefault(at, []).append(row)
    for at, row in enumerate(rows):
        yield from behind.get(at, ())
        yield row
    yield from behind.get(len(rows), ())
