"""The options of `eval`, with their defaults; those of a teacher are the judge's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Literal

from wukong_pipe.commands.options import Range, check
from wukong_pipe.commands.teacher_options import TeacherOptions
from wukong_pipe.commands.vllm_options import read_vllm_options
from wukong_pipe.workspace import Run
from wukong_trainer.evaluation.settings import Settings

BATCH = {"transformers": 32, "vllm": 256}
"""Questions at a time where the options do not say: vLLM itself looks what fits."""
SETTINGS = Settings()


@dataclass(frozen=True, slots=True)
class EvalOptions(TeacherOptions):
    """EvalOptions("docs", limit=200, judge=True, teacher_model="qwen3-max")"""

    run: Run | str = ""
    """Its name; "" for the one used last."""
    _: KW_ONLY
    test: Path | str | None = None
    """Other test rows than the run's own."""
    model: str = ""
    """The base, where it is not the one the adapter names."""
    limit: Annotated[int, Range(1)] | None = SETTINGS.limit
    engine: Literal["transformers", "vllm"] = SETTINGS.engine
    vllm_options: str | Sequence[str] = ()
    """More options for `vllm serve`."""
    batch: Annotated[int, Range(1)] | None = None
    """Questions at a time; None for what the engine is fast with."""
    max_new_tokens: Annotated[int, Range(1)] = SETTINGS.max_new_tokens
    drop_leaked: bool = SETTINGS.drop_leaked
    general: Annotated[int, Range(0)] | None = None
    """General questions that show what tuning made the model forget; None for all, or some without a GPU."""
    open_book: bool = SETTINGS.open_book
    judge: bool = False
    """Have a teacher grade and compare the answers."""
    against: str | Sequence[str] = ()
    """Other runs here, or models, that are asked the same questions."""

    def settings(self) -> Settings:
        """
        Raises:
            OptionError: see `check`.
        """
        check(self)
        return Settings(
            engine=self.engine,
            batch=self.batch or BATCH[self.engine],
            max_new_tokens=self.max_new_tokens,
            limit=self.limit,
            drop_leaked=self.drop_leaked,
            general=self.general,
            open_book=self.open_book,
            vllm_options=read_vllm_options(self.vllm_options, self.engine),
        )

    def rivals(self) -> Sequence[str]:
        return [self.against] if isinstance(self.against, str) else self.against
