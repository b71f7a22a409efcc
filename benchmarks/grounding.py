"""How many spoilt answers and paraphrases do the checks catch, and how many honest ones do they reject?

    python benchmarks/grounding.py [--half tuning|quoting] [--part answers|paraphrases|wordings|third] [--rows]

runs the checks of a build on `benchmarks/grounding/*.jsonl` and prints Markdown tables. The rows were written without
sight of the checks. Whether a section belongs to the half that the checks were tuned on or to the half that figures are
quoted from is decided by a hash of its heading; `--rows` lists what the checks got wrong. The third set has no halves
and stays sealed: it is run before and after a round of work on the checks, and its rows are never listed.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wukong_pipe.checks.answer_wordings import check_answer
from wukong_pipe.checks.candidates import Candidate, read_pair
from wukong_pipe.checks.findings import worst
from wukong_pipe.checks.pairs import check_pair, doubtful
from wukong_pipe.checks.question_wordings import check_paraphrase
from wukong_pipe.corpus.split import split
from wukong_pipe.language.hashing import digest
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Lang, QAPair, Section

HERE = Path(__file__).parent
CORPORA: tuple[tuple[str, Lang, str, str], ...] = (
    ("apollo", "en", "apollo.jsonl", "paraphrases_en.jsonl"),
    ("blackwukong", "zh", "blackwukong.jsonl", "paraphrases_zh.jsonl"),
)
HONEST = ("free", "verbatim")


@dataclass(frozen=True)
class Verdict:
    """What the checks said of one row."""

    row: dict[str, Any]
    check: str
    """The code of the reason against it; empty where all let it pass."""
    reason: str
    doubtful: bool = False
    """Whether a pair that passed is one that an optional judge would look at."""

    @property
    def wrong(self) -> bool:
        return bool(self.check) == (self.row["kind"] in HONEST)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("tuning", "quoting", "both"), default="both")
    parser.add_argument("--part", choices=("answers", "paraphrases", "wordings", "third"), action="append")
    parser.add_argument("--rows", action="store_true", help="list what the checks got wrong")
    args = parser.parse_args()
    for part in args.part or ("answers", "paraphrases", "wordings", "third"):
        for corpus, lang, answers, paraphrases in CORPORA:
            if part == "third":
                verdicts = list(judged(corpus, lang, answers, f"third_{lang}.jsonl"))
                for kind in ("answers", "paraphrases"):
                    print(f"\n### third set, {kind} on {corpus}.md\n")
                    print("\n".join(table(v for v in verdicts if ("paraphrase" in v.row) == (kind == "paraphrases"))))
                continue
            if part == "wordings":
                verdicts = list(reworded(corpus, lang, answers))
            else:
                verdicts = list(judged(corpus, lang, answers, answers if part == "answers" else paraphrases))
            for half in ("tuning", "quoting") if args.half == "both" else (args.half,):
                chosen = [verdict for verdict in verdicts if half_of(verdict.row) == half]
                print(f"\n### {part} on {corpus}.md, {half} half\n")
                print("\n".join(table(chosen)))
                if args.rows:
                    print("\n" + "\n".join(listed(chosen)))


def half_of(row: dict[str, Any]) -> str:
    """Which half a row's section belongs to."""
    return "tuning" if int(digest(row["heading"]), 16) % 2 else "quoting"


def rows_of(file: str) -> Iterator[dict[str, Any]]:
    """The rows of one of the data files."""
    for line in (HERE / "grounding" / file).read_text("utf-8").splitlines():
        yield json.loads(line)


def judged(corpus: str, lang: Lang, answers: str, file: str) -> Iterator[Verdict]:
    """The checks' verdict on every row of a file; a paraphrase's evidence stands with its pair in `answers`."""
    text = (HERE.parent / "corpora" / f"{corpus}.md").read_text("utf-8")
    sections = {section.title: section for section in split(text, f"{corpus}.md", lang=lang)}
    evidence_of = {(row["heading"], row["question"]): row["evidence"] for row in rows_of(answers) if not row["of"]}
    for row in rows_of(file):
        section = sections[row["heading"]]
        if "paraphrase" in row:
            row = {"evidence": evidence_of.get((row["heading"], row["question"]), ())} | row
            yield Verdict(row, *on_paraphrase(row, section))
        else:
            yield Verdict(row, *on_answer(row, section), doubtful=is_doubtful(row, section))


def reworded(corpus: str, lang: Lang, answers: str) -> Iterator[Verdict]:
    """The verdict on other wordings of the honest answers: honest ones, and the spoilt answers taken as such."""
    text = (HERE.parent / "corpora" / f"{corpus}.md").read_text("utf-8")
    sections = {section.title: section for section in split(text, f"{corpus}.md", lang=lang)}
    honest = {row["id"]: row for row in rows_of(answers) if not row["of"]}
    spoilt = [row | {"wording": row["answer"]} for row in rows_of(answers) if row["of"] and row["kind"] != "evidence"]
    for row in [*rows_of(f"wordings_{lang}.jsonl"), *spoilt]:
        base = honest[row["of"]]
        if row["wording"] != base["answer"]:
            yield Verdict(base | row, *on_wording(row["wording"], base, sections[base["heading"]]))


def on_wording(wording: str, base: dict[str, Any], section: Section) -> tuple[str, str]:
    """The same as `on_answer` for another wording of an answer that is taken as good."""
    pair = QAPair(section, base["question"], base["answer"], tuple(base["evidence"]), (1, 1), "base", "", "", "")
    return told(worst(check_answer(wording, pair)))


def on_answer(row: dict[str, Any], section: Section) -> tuple[str, str]:
    """The code of the reason against an answer, and the reason; both empty where there is none."""
    candidate = read_pair(row, section)
    return told(candidate if isinstance(candidate, Reason) else worst(check_pair(candidate, section)))


def told(reason: Reason | None) -> tuple[str, str]:
    return (reason.code, str(reason)) if reason else ("", "")


def is_doubtful(row: dict[str, Any], section: Section) -> bool:
    candidate = read_pair(row, section)
    return (
        isinstance(candidate, Candidate) and not check_pair(candidate, section) and bool(doubtful(candidate, section))
    )


def on_paraphrase(row: dict[str, Any], section: Section) -> tuple[str, str]:
    """The same for a paraphrase of a question whose answer is taken as good."""
    pair = QAPair(section, row["question"], row["answer"], tuple(row["evidence"]), (1, 1), "base", "", "", "")
    return told(worst(check_paraphrase(row["paraphrase"], pair)))


def table(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """A Markdown table: one line a kind, honest kinds first."""
    kinds: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        kinds[verdict.row["kind"]].append(verdict)
    spoilt = [verdict for kind, found in kinds.items() if kind not in HONEST for verdict in found]
    yield "| kind | n | rejected | 95 % interval | doubtful | by which reason |"
    yield "|---|---|---|---|---|---|"
    for kind in sorted(kinds, key=lambda kind: (kind not in HONEST, kind)):
        yield line(f"{kind} (honest)" if kind in HONEST else kind, kinds[kind])
    yield line("**all spoilt**", spoilt)


def line(name: str, verdicts: list[Verdict]) -> str:
    """One line of the table."""
    caught = Counter(verdict.check for verdict in verdicts if verdict.check)
    low, high = wilson(caught.total(), len(verdicts))
    by = ", ".join(f"{check} {count}" for check, count in caught.most_common())
    doubted = sum(verdict.doubtful for verdict in verdicts) / len(verdicts)
    share = caught.total() / len(verdicts)
    return f"| {name} | {len(verdicts)} | {share:.1%} | {low:.1%}–{high:.1%} | {doubted:.1%} | {by} |"


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Score interval of a share (Wilson 1927), `z` standard deviations wide on either side."""
    share = hits / n
    middle = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z * z / n)), min(1.0, (middle + spread) / (1 + z * z / n))


def listed(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """What the checks got wrong, a line each."""
    wrong = [verdict for verdict in verdicts if verdict.wrong]
    for verdict in sorted(wrong, key=lambda verdict: (verdict.row["kind"] not in HONEST, verdict.row["kind"])):
        row = verdict.row
        said = row.get("paraphrase") or row.get("wording") or row["answer"]
        yield f"- {row['id']} {row['kind']}: {row['question'][:80]} → {said[:160]} [{verdict.reason or 'not caught'}]"


if __name__ == "__main__":
    main()
