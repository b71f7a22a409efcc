"""`BuildSettings`: what shapes a dataset, besides the corpus and the teacher."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wukong_pipe.dataset.formats import Format
from wukong_pipe.records import Lang
from wukong_pipe.verify.scope import Scope


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """What shapes a dataset, besides corpus and teacher; it stands in the manifest."""

    variants: int = 14
    """Other wordings asked for each trained question (the tutorial's figure)."""
    heldout_wordings: int = 0
    """Wordings written for test and validation of each pair that is tested so; 0 where some of those that would be
    trained are held out instead, as of templates."""
    answer_variants: int = 0
    """Other wordings asked for each trained answer."""
    spellings: int = 0
    """Other spellings asked for each fact, at most."""
    verify: Scope = "none"
    """What is read a second time before it is kept."""
    max_pairs: int = 40
    """Pairs asked for a section at most, so that a reply fits its max_tokens."""
    holdout: float = 0.1
    """Share of sections, of pairs with a sibling and of wordings that is held out."""
    min_fill: float = 0.8
    """Share of a quota below which it is asked for again, and of all pairs and wordings below which a build falls
    short; what the checks kept counts."""
    lang: Lang | None = None
    """The language to ask in; None asks each section in its own."""
    prompts: Path | None = None
    """A folder whose prompt files replace those shipped."""
    about: str = ""
    """What the documents are about, for the prompts: where no title says it."""
    limit: int | None = None
    """Only the first sections of the corpus."""
    format: Format = "alpaca"
    """The format that the rows are also written in; it changes none of them, and is not in the manifest's settings."""

    @property
    def drawn(self) -> float:
        """The share of trained wordings that is held out: none where wordings are written for the test."""
        return 0.0 if self.heldout_wordings else self.holdout
