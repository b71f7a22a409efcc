"""The facts of a tuned model that its card is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from wukong_pipe.files import Kinds, read_object
from wukong_pipe.workspace import MANIFEST, RECORD, Run
from wukong_trainer.models.known_models import KnownModel
from wukong_trainer.models.locating import known_model
from wukong_trainer.recipe import TINY

_HUB_ID = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)?")
Form = Literal["adapter", "full", "merged", "gguf"]
"""An adapter or all weights as they were trained; the adapter merged into its base; and that as a GGUF."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a card is made of."""

    name: str
    form: Form
    record: Mapping[str, Any]
    """What the model was trained on, as it stands in wukong.json."""
    recipe: str = ""
    """The text of recipe.toml, with the run's facts as comments; empty where there is none."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """metrics.json; empty where nothing was evaluated."""
    manifest: Mapping[str, Any] = field(default_factory=dict)
    """The dataset's; empty where no build made it."""
    repo: str = ""
    """OWNER/NAME on the Hub; "" where the card stands beside the weights."""
    licence: str = ""
    """The publisher's word for it, an identifier of the Hub's; "" where nobody said one."""
    gguf: str = ""
    """The name of the GGUF's file."""

    @classmethod
    def of(cls, run: Run, folder: Path, form: Form | None = None, **others: str) -> ModelFacts:
        """The facts of a run about what stands in a folder of it.

        Raises:
            DataError: a file of the run cannot be read.
        """
        record = _object(folder / RECORD)
        recipe = run.train / "recipe.toml"
        return cls(
            name=run.name,
            form=form or ("full" if record.get("method") == "full" else "adapter"),
            record=record,
            recipe=recipe.read_text("utf-8") if recipe.is_file() else "",
            metrics=_object(run.metrics),
            manifest=_object(run.manifest, MANIFEST),
            **others,
        )

    @property
    def base(self) -> str:
        return str(self.record.get("base_model", ""))

    @property
    def known(self) -> KnownModel | None:
        return known_model(self.base)

    @property
    def hub_base(self) -> str:
        """The base's id on the Hub; "" where it is on none."""
        return self.known.hub if self.known else self.base if _on_hub(self.base) else ""

    @property
    def shown_base(self) -> str:
        """What the base is called to readers."""
        return self.known.title if self.known else self.hub_base or _name_of(self.base)

    @property
    def trained(self) -> dict[str, str]:
        """The facts that recipe.toml holds as comments."""
        return dict(re.findall(r"^# ([^:\n]+): (.*)$", self.recipe, re.MULTILINE))


def _object(path: Path, kinds: Kinds | None = None) -> dict[str, Any]:
    return read_object(path, kinds or {}) if path.is_file() else {}


def _on_hub(base: str) -> bool:
    return _HUB_ID.fullmatch(base) is not None and base != TINY and not Path(base).exists()


def _name_of(base: str) -> str:
    """What a base model that is on no hub is called to readers."""
    return "the embedded student of wukong-pipe" if base == TINY else Path(base).name or "a local model"
