"""What a build asked for and did not get: by section, with the reason, and as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from wukong_pipe.language.plurals import counted, listed
from wukong_pipe.printable import one_line
from wukong_pipe.records import Reject
from wukong_pipe.stages.base_qa import Pairs
from wukong_pipe.stages.families import AllWordings
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.journalled import JournalledTeacher

NO_MORE = (
    "The embedded teacher says the same again: lower --min-fill or --variants, give it other text, or build with a "
    "language model."
)


@dataclass(frozen=True, slots=True)
class ShortSection:
    """A section of which pairs, wordings or answers stayed under `min_fill` of what was wanted."""

    title: str
    amount: str
    """“1 of 3 pairs”."""
    reason: str

    def __str__(self) -> str:
        return one_line(f"{self.title}, {self.amount} ({self.reason})")


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What is missing of a build."""

    sections: list[ShortSection]
    share: float
    """Of the pairs and wordings that were wanted, those that the teacher gave and the checks kept. Duplicates and what
    the leak audit drops count as given: to ask again would not bring more."""
    min_fill: float
    askable: bool
    """Whether the teacher may answer otherwise when it is asked again: the embedded one does not."""
    rejected: bool
    """Whether the checks rejected any of what it gave."""
    unreadable: str = ""
    """What a teacher does of whom no reply at all could be read; empty where one could."""
    unsettled: int = 0
    """Sections about which the verifier left something unanswered."""

    @property
    def enough(self) -> bool:
        """Whether the dataset as a whole is what was asked for."""
        return self.share >= self.min_fill

    @property
    def line(self) -> str:
        """Which sections stayed short and why; "" where none did."""
        if not self.sections:
            return ""
        return f"Short of what was asked for: {listed(self.sections, '; ')}."

    @property
    def unanswered(self) -> str:
        """What the verifier left unanswered; "" where it left nothing."""
        if not self.unsettled:
            return ""
        return (
            f"The verifier's server did not answer about {counted(self.unsettled, 'section')}, and so no more was "
            "asked there. The same command goes on from there."
        )

    @property
    def sentence(self) -> str:
        """Why the dataset as a whole is not enough."""
        if self.unreadable:
            return f"{self.unreadable} All it said is in rejected.jsonl."
        why = "; what was not kept is in rejected.jsonl with its reason" if self.rejected else ""
        cure = "" if self.askable else f" {NO_MORE}"
        return (
            f"The checks kept {self.share:.0%} of the pairs and wordings that were asked for, and --min-fill wants "
            f"{self.min_fill:.0%}{why}.{cure}"
        )


def shortfall(
    pairs: Sequence[Pairs],
    wordings: AllWordings,
    settings: BuildSettings,
    teacher: JournalledTeacher,
) -> Shortfall:
    """Compare what was wanted of a teacher with what was kept of its replies."""
    kept = missing = 0
    rejected = False
    short: dict[str, ShortSection] = {}
    unsettled = set[tuple[str, int]]()
    stages: dict[str, Sequence[Harvest[Any, Any]]] = {
        "pairs": pairs,
        "wordings": wordings.questions,
        "held-out wordings": wordings.tests,
        "answers": wordings.answers,
        "facts with spellings": wordings.spellings,
    }
    for name, asked in stages.items():
        # Those of a section stand one after the other.
        for section, group in groupby(asked, key=lambda harvest: harvest.section):
            its = [*group]
            for harvest in its:
                if not harvest.is_settled:
                    unsettled.add((section.id, section.first_line))
                if name in _COUNTED:
                    kept += len(harvest.kept)
                    missing += _missing_of_pairs(harvest, settings) if name == "pairs" else harvest.missing
                    rejected = rejected or any(reject.stage != "surplus" for reject in harvest.rejects)
            if section.id not in short and any(harvest.share < settings.min_fill for harvest in its):
                amount = f"{sum(len(one.kept) for one in its)} of {sum(one.wanted for one in its)} {name}"
                reason = _main_reason(reject for harvest in its for reject in harvest.rejects)
                short[section.id] = ShortSection(section.title, amount, reason)
    share = kept / (kept + missing) if kept + missing else 1.0
    unreadable = "" if any(harvest.kept for harvest in pairs) else _unreadable(pairs, teacher.model)
    sections, askable = [*short.values()], teacher.is_language_model
    return Shortfall(sections, share, settings.min_fill, askable, rejected, unreadable, len(unsettled))


_COUNTED = ("pairs", "wordings", "held-out wordings")
"""What the share of a build counts."""


def _missing_of_pairs(harvest: Harvest[Any, Any], settings: BuildSettings) -> int:
    """How many pairs and wordings are missing of a section."""
    # A pair that is missing would have had its wordings.
    missing = (harvest.wanted - len(harvest.kept)) * (1 + settings.variants)
    # Nor was a wording asked for where the verifier's server did not answer about the pairs.
    return missing if harvest.is_settled else missing + len(harvest.kept) * settings.variants


def _main_reason(rejects: Iterable[Reject]) -> str:
    """Why most of what a teacher gave was not kept."""
    reasons = Counter(reject.reason for reject in rejects if reject.stage != "surplus")
    if not reasons:
        return "the teacher gave no more"
    (reason, count), *others = reasons.most_common()
    if count > 1:
        return f"{count} times: {reason}"
    return f"{reason}, and {len(others)} more reasons" if others else str(reason)


_NO_JSON = {"body-not-json", "body-not-object", "array", "no-object", "broken-json", "bad-number"}
"""Codes of a reply that is no JSON object."""


def _unreadable(pairs: Sequence[Pairs], teacher: str) -> str:
    """What a teacher does none of whose replies can be read, with its first words; "" where one could be."""
    first = None
    for reject in (reject for harvest in pairs for reject in harvest.rejects):
        if reject.stage != "reply":
            return ""
        first = first or reject
    if first is None:
        return ""
    does = (
        "does not answer in JSON"
        if first.reason.code in _NO_JSON
        else f"gives no answer that can be read ({first.reason})"
    )
    words = one_line(first.reply[:200]).strip()[:100]
    return f"The teacher {teacher} {does}" + (f"; its first words were “{words}”." if words else ".")
