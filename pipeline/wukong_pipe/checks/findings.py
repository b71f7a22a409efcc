"""What a check found: its reason, and whether that rejects a candidate or is a doubt that a verifier may clear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from wukong_pipe.reasons import Reason


@dataclass(frozen=True, slots=True)
class Finding:
    """Finding(reason=Reason("number-new", (("number", "13"),)), weight="doubt")"""

    reason: Reason
    weight: Literal["reject", "doubt"]
    """A reject needs no meaning and stands; of a doubt the meaning decides, which a verifier may read."""


def findings(rejects: Iterable[Reason | None], doubts: Iterable[Reason | None]) -> tuple[Finding, ...]:
    """The first reject alone, for what is rejected needs no doubts; else all doubts. Each is worked out when needed."""
    if reject := next(filter(None, rejects), None):
        return (Finding(reject, "reject"),)
    return tuple(Finding(doubt, "doubt") for doubt in doubts if doubt)


def worst(found: Iterable[Finding]) -> Reason | None:
    """Why a candidate is rejected where no verifier is there: the reject, else the first doubt."""
    return next((finding.reason for finding in sorted(found, key=lambda finding: finding.weight == "doubt")), None)


def rejected(found: Iterable[Finding]) -> Reason | None:
    """Why a candidate is rejected whoever reads it, or None: what a person wrote on purpose needs no verifier."""
    return next((finding.reason for finding in found if finding.weight == "reject"), None)
