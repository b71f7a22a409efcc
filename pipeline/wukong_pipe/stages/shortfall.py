"""What a build asked for and did not get: by section, with the reason, and as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wukong_pipe.language.plurals import listed
from wukong_pipe.printable import one_line
from wukong_pipe.records import Reject, Section
from wukong_pipe.stages.answers import RewordedAnswer
from wukong_pipe.stages.base_qa import Answered
from wukong_pipe.stages.paraphrase import Reworded
from wukong_pipe.stages.settings import BuildSettings

NO_MORE = (
    "The embedded teacher says the same again: lower --min-fill or --variants, give it other text, or build with a "
    "language model."
)


@dataclass(frozen=True, slots=True)
class ShortSection:
    """A section of which pairs, wordings or answers stayed under `min_fill` of what was wanted."""

    section: Section
    told: str
    """“1 of 3 pairs”."""
    reason: str

    def __str__(self) -> str:
        return one_line(f"{self.section.title}, {self.told} ({self.reason})")


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
    answered: Sequence[Answered],
    reworded: Sequence[Reworded],
    answers: Sequence[RewordedAnswer],
    settings: BuildSettings,
    teacher: str,
    *,
    askable: bool,
) -> Shortfall:
    """Compare what was wanted of a teacher with what was kept of its replies."""
    pairs = sum(len(result.pairs) for result in answered)
    kept = pairs + sum(len(family.rows) - 1 for family in reworded)
    # A pair that is missing would have had its wordings.
    missing = sum(result.quota - len(result.pairs) for result in answered) * (1 + settings.variants)
    missing += sum(family.missing for family in reworded)
    share = kept / (kept + missing) if kept + missing else 1.0
    short: dict[str, ShortSection] = {}
    for result in answered:
        if result.share < settings.min_fill:
            told = f"{len(result.pairs)} of {result.quota} pairs"
            short[result.section.id] = ShortSection(result.section, told, _main_reason(result.rejects))
    for name, families in (("wordings", reworded), ("answers", answers)):
        for section, its in _by_section(families).items():
            if section.id not in short and any(family.share < settings.min_fill for family in its):
                wanted = sum(family.wanted for family in its)
                told = f"{wanted - sum(family.missing for family in its)} of {wanted} {name}"
                reason = _main_reason(reject for family in its for reject in family.rejects)
                short[section.id] = ShortSection(section, told, reason)
    stages = {reject.stage for result in answered for reject in result.rejects}
    stages |= {reject.stage for family in reworded for reject in family.rejects}
    unreadable = "" if pairs else _unreadable(answered, teacher)
    return Shortfall([*short.values()], share, settings.min_fill, askable, bool(stages - {"surplus"}), unreadable)


def _by_section(families: Iterable[Reworded | RewordedAnswer]) -> dict[Section, list[Reworded | RewordedAnswer]]:
    found: dict[Section, list[Reworded | RewordedAnswer]] = {}
    for family in families:
        found.setdefault(family.section, []).append(family)
    return found


def _main_reason(rejects: Iterable[Reject]) -> str:
    """Why most of what a teacher gave was not kept."""
    reasons = Counter(reject.reason for reject in rejects if reject.stage != "surplus")
    if not reasons:
        return "the teacher gave no more"
    (reason, count), *others = reasons.most_common()
    if count > 1:
        return f"{count} times: {reason}"
    return f"{reason}, and {len(others)} more reasons" if others else str(reason)


_NO_JSON = frozenset(["body-not-json", "body-not-object", "array", "no-object", "broken-json", "bad-number"])
"""Codes of a reply that is no JSON object."""


def _unreadable(answered: Sequence[Answered], teacher: str) -> str:
    """What a teacher does none of whose replies can be read, with its first words; "" where one could be."""
    rejects = [reject for result in answered for reject in result.rejects]
    if not rejects or any(reject.stage != "reply" for reject in rejects):
        return ""
    first = rejects[0]
    no_json = first.reason.code in {
        "body-not-json",
        "body-not-object",
        "array",
        "no-object",
        "broken-json",
        "bad-number",
    }
    does = "does not answer in JSON" if no_json else f"gives no answer that can be read ({first.reason})"
    words = one_line(first.reply[:200]).strip()[:100]
    return f"The teacher {teacher} {does}" + (f"; its first words were “{words}”." if words else ".")
