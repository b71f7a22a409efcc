"""The second reading of a build's pairs and wordings on the page: who read, what came of it, how far the reader is to
be trusted.

{"model": "qwen3-max", "asked": 240, "supported": 221, "rejected": 15, "unanswered": 4, "unread": {"test": 2},
 "calibration": {"zh": {"caught": 12, "of_false": 12, "passed": 11, "of_true": 12, …}}, "sample": {…}}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wukong_trainer.report.blocks import Block
from wukong_trainer.report.difference_records import Ends
from wukong_trainer.report.json_records import UnlikeError, read_as
from wukong_trainer.report.tables import Table
from wukong_trainer.report.words import Words, filled, percent

OUTCOMES = ("yes", "unanswered", "unasked")
"""What a row of the dataset says of its second reading: see `wukong_pipe.records.Verified`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How many planted errors a verifier caught, and how many true items it passed."""

    caught: int
    of_false: int
    passed: int
    of_true: int
    may_clear: bool
    may_deny: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Training wordings without doubt that were read by chance."""

    asked: int
    error_rate: Ends | None = None
    """The share of errors that it implies among those nobody read; None where it implies nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondReading:
    """`verify` of the manifest."""

    model: str
    asked: int
    supported: int
    rejected: int
    unanswered: int
    sample: Sample
    calibration: dict[str, Calibration] = field(default_factory=dict)
    """By language."""
    unread: dict[str, int] = field(default_factory=dict)
    """Held-out rows that nobody read, by split."""


def second_reading(manifest: Mapping[str, Any]) -> SecondReading | None:
    """What the manifest says of the second reading; None where there was none, or another version noted it."""
    try:
        found: SecondReading = read_as(SecondReading, manifest.get("verify"), "verify")
    except UnlikeError:
        return None
    return found


def verification_block(reading: SecondReading, rows: Iterable[Mapping[str, Any]], words: Words) -> Block:
    """Who read what, and a line each for the dataset's pairs and wordings: how many of them were verified."""
    counts = Counter((row.get("variant") == "paraphrase", row.get("verified")) for row in rows)
    lines = [
        (words[name], [str(counts[is_wording, outcome]) for outcome in OUTCOMES])
        for name, is_wording in (("kind_base", False), ("kind_paraphrase", True))
    ]
    table = Table([words[f"verified_{outcome}"] for outcome in OUTCOMES], lines)
    return Block("verification", [*_sentences(reading, words)], table)


def _sentences(reading: SecondReading, words: Words) -> Iterable[str]:
    counts = {name: getattr(reading, name) for name in ("model", "asked", "supported", "rejected", "unanswered")}
    yield words["verified_by"].format(**counts)
    for lang, its in sorted(reading.calibration.items()):
        right = "reader_clears" if its.may_clear else "reader_denies" if its.may_deny else "reader_ignored"
        shown = {"caught": its.caught, "of_false": its.of_false, "passed": its.passed, "of_true": its.of_true}
        yield words["verified_reader"].format(lang=words.get(lang, lang), **shown) + words[right]
    if unread := sum(reading.unread.values()):
        yield words["verified_unread"].format(n=unread)
    if rate := reading.sample.error_rate:
        yield filled(words["verified_sample"], n=reading.sample.asked, share=percent(rate[1], words))
