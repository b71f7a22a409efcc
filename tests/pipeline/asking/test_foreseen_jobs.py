"""What the pairs of one section will need, told before those of the others are there."""

from __future__ import annotations

from collections import Counter

from wukong_pipe.asking.foreseen_jobs import ForeseenJobs
from wukong_pipe.corpus.split import split
from wukong_pipe.records import QAPair, Section
from wukong_pipe.stages.base_qa import Pairs
from wukong_pipe.stages.settings import BuildSettings

BOOK = "# 书\n" + "".join(f"\n## 第{n}章\n\n甲{n}的兵器是乙{n}刀。丙{n}的住处是丁{n}山。\n" for n in range(1, 41))
SECTIONS = [section for section in split(BOOK, "book.md") if "兵器" in section.text]
SETTINGS = BuildSettings(heldout_wordings=3, spellings=4, holdout=0.2)


def harvest(section: Section, *questions: str) -> Pairs:
    text, lines = section.text.split("\n")[2], (section.first_line + 2, section.first_line + 2)
    told = {"kind": "base", "teacher": "m", "prompt": "base_qa.zh@1", "call": "call", "facts": (("乙字刀",),)}
    pairs = [QAPair(section, question, "乙字刀", (text,), lines, **told) for question in questions]  # type: ignore[arg-type]
    return Pairs(section, section.id, len(pairs), kept=pairs)


def kinds(foreseen: ForeseenJobs, found: Pairs) -> Counter[str]:
    return Counter(job.kind for job in foreseen.of(found))


def test_of_a_section_that_is_held_out_only_the_spellings_are_needed() -> None:
    foreseen = ForeseenJobs(SECTIONS, SETTINGS, 1.0)
    of_each = [kinds(foreseen, harvest(section, f"{section.title}的兵器是什么？")) for section in SECTIONS]
    assert all(jobs["spellings"] == 1 for jobs in of_each)
    worded = sum(bool(jobs["paraphrase"]) for jobs in of_each)
    # A fifth of the sections and of the pairs may be held out.
    assert len(SECTIONS) / 2 < worded < len(SECTIONS)


def test_a_question_that_was_met_is_not_asked_about_again_before_dedupe_decides() -> None:
    foreseen = ForeseenJobs(SECTIONS, BuildSettings(holdout=0.0), None)
    assert kinds(foreseen, harvest(SECTIONS[0], "谁有刀？", "刀在哪里？")) == {"paraphrase": 2}
    assert kinds(foreseen, harvest(SECTIONS[1], "谁有刀", "刀是谁的？")) == {"paraphrase": 1}
