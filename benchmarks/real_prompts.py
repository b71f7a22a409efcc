"""What a student is asked beside the bare question, to compare tuning with: examples before it, or passages found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import bm25s
import jieba

from wukong_pipe.files import read_jsonl
from wukong_trainer.evaluation.records import TestRow

EXAMPLES = 4
PASSAGES = 3
PASSAGE_LENGTH = 800
"""Characters: three passages leave room for an answer in what the smallest student reads well."""
_LABELLED = Path(__file__).parent / "plausible_errors"
_CORPORA = ("apollo.md", "blackwukong.md")
_ASKED = {
    "zh": "资料：\n{passages}\n\n根据以上资料回答：{question}",
    "en": "Source:\n{passages}\n\nAnswer from the source above: {question}",
}


def with_examples(rows: Sequence[TestRow]) -> list[TestRow]:
    """Each row after four questions and answers about other documents: they show the form, and tell nothing."""
    turns = {
        lang: tuple(
            (pair["question"], pair["answer"])
            for pair in read_jsonl(_LABELLED / lang / "pairs.jsonl")
            if pair["document"] not in _CORPORA
        )[:EXAMPLES]
        for lang in ("zh", "en")
    }
    return [replace(row, example=replace(row.example, history=turns[_lang(row)])) for row in rows]


class Retrieval:
    """The passages of a corpus, found by BM25 (bm25s): words of English, jieba's words of Chinese."""

    def __init__(self, sections: Mapping[str, str]) -> None:
        """
        Args:
            sections: headings and text of each, by id.
        """
        self.passages = [passage for text in sections.values() for passage in passages_of(text)]
        self._index = bm25s.BM25()
        self._index.index([words(passage) for passage in self.passages], show_progress=False)

    def found(self, question: str) -> list[str]:
        """The three best passages, the best first."""
        asked = words(question) or [""]
        places, _ = self._index.retrieve([asked], k=min(PASSAGES, len(self.passages)), show_progress=False)
        return [self.passages[int(i)] for i in places[0]]

    def with_passages(self, row: TestRow) -> TestRow:
        """The row, its question after what is found for it."""
        passages = "\n\n".join(self.found(row.question))
        question = _ASKED[_lang(row)].format(passages=passages, question=row.question)
        return replace(row, example=replace(row.example, instruction=question, input=""))


def passages_of(section: str) -> list[str]:
    """A section cut at its empty lines, each piece under its heading.

    "# Crew\\nArmstrong led it.\\n\\n…" → ["# Crew\\nArmstrong led it.", "# Crew\\n…"]
    """
    heading, _, text = section.partition("\n")
    pieces: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip()):
        if pieces and len(pieces[-1]) + len(block) < PASSAGE_LENGTH:
            pieces[-1] += f"\n\n{block}"
        else:
            pieces += [block[i : i + PASSAGE_LENGTH] for i in range(0, max(len(block), 1), PASSAGE_LENGTH)]
    return [f"{heading}\n{piece}" for piece in pieces]


def words(text: str) -> list[str]:
    """The words of a text in lower case, Chinese by jieba."""
    return [word for word in jieba.lcut(text.lower()) if re.search(r"\w", word)]


def _lang(row: TestRow) -> str:
    return "zh" if row.lang == "zh" else "en"
