"""The options of `build`, with their defaults: what is built, by which teacher, and into which run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from wukong_pipe.commands.askers import LOCAL
from wukong_pipe.commands.options import Range, check
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.commands.teacher_options import TeacherOptions
from wukong_pipe.dataset.formats import Format
from wukong_pipe.dataset.holdout_plan import MOST
from wukong_pipe.errors import OptionError
from wukong_pipe.stages.heldout_wordings import A_PAIR
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.spellings import MOST_SPELLINGS
from wukong_pipe.teacher.attempts import Reask
from wukong_pipe.teacher.shard import WHOLE, Shard
from wukong_pipe.verify.scope import Scope
from wukong_pipe.workspace import Run, Workspace

MOST_VARIANTS = 100
"""More wordings of one question than anybody needs, or a teacher has: a slip of the finger would be paid for."""
MOST_WORKERS = 256
SHAPE = BuildSettings()


@dataclass(frozen=True, slots=True)
class BuildOptions(TeacherOptions):
    """BuildOptions(["docs/"], run="docs", teacher_model="qwen3-max", variants=4)"""

    paths: Path | str | Sequence[Path | str]
    """Documents, or folders of them."""
    _: KW_ONLY
    run: Run | str = ""
    """Its name; "" for the first source's."""
    teacher: Literal["openai", "offline"] = "openai"
    """A server that speaks OpenAI's protocol, or the embedded templates."""
    variants: Annotated[int, Range(0, MOST_VARIANTS)] = SHAPE.variants
    answer_variants: Annotated[int, Range(0, MOST_VARIANTS)] = SHAPE.answer_variants
    verify: Scope | None = None
    """None for all that a language model wrote, and nothing of the embedded teacher's."""
    verifier_model: str = ""
    verifier_base_url: str = ""
    """Its key is $VERIFIER_API_KEY."""
    max_pairs: Annotated[int, Range(1)] = SHAPE.max_pairs
    holdout: Annotated[float, Range(0, MOST)] = SHAPE.holdout
    min_fill: Annotated[float, Range(0, 1)] = SHAPE.min_fill
    batch: bool = False
    lang: Literal["auto", "zh", "en"] = "auto"
    about: str = SHAPE.about
    format: Format = SHAPE.format
    prompts: Path | str | None = None
    limit: Annotated[int, Range(1)] | None = SHAPE.limit
    reask: str | Sequence[str] = ()
    shard: Shard = WHOLE
    workers: Annotated[int, Range(1, MOST_WORKERS)] | None = 1
    """Processes that check the replies; None for one a core where there is much to check. They import the caller's
    script, which must start its work under `if __name__ == "__main__"`."""
    engine: Literal["local", "ray"] = LOCAL.name
    """ray: the workers of a Ray cluster do the work; it changes nothing of what comes out."""
    ray_address: str = LOCAL.address
    """Of the cluster's head; "" for $RAY_ADDRESS, else a cluster on this machine alone."""
    overwrite: bool = False
    """Replace dataset files that were edited by hand."""

    def sources(self) -> list[Path]:
        """
        Raises:
            OptionError: there are none.
        """
        given = [self.paths] if isinstance(self.paths, Path | str) else self.paths
        if not given:
            raise OptionError("Name the documents to build from, or a folder of them.")
        return [Path(path) for path in given]

    def place(self) -> tuple[Workspace, Run]:
        """The workspace and the run, be it there or not."""
        if isinstance(self.run, Run):
            return Workspace(self.run.folder.parent), self.run
        return self.workspace, (
            self.workspace.run(self.run) if self.run else self.workspace.run_after(self.sources()[0])
        )

    def settings(self) -> BuildSettings:
        """
        Raises:
            OptionError: see `check`; or a verifier is wanted, and there is none.
        """
        check(self)
        if self.teacher == "offline" and self.verify not in (None, "none") and not self.is_verifier_named:
            raise OptionError("--verify needs a language model: name one with --verifier-model or --verifier-base-url.")
        self.check_engine()
        prompts = None if self.prompts is None else Path(self.prompts)
        if prompts and not prompts.is_dir():
            raise OptionError(f"--prompts {prompts} is no folder.")
        return BuildSettings(
            variants=self.variants,
            heldout_wordings=A_PAIR if self.teacher != "offline" and self.holdout else 0,
            answer_variants=self.answer_variants,
            spellings=MOST_SPELLINGS if self.teacher != "offline" and self.holdout else 0,
            verify=self.verify or ("none" if self.teacher == "offline" else "all"),
            max_pairs=self.max_pairs,
            holdout=self.holdout,
            min_fill=self.min_fill,
            lang=None if self.lang == "auto" else self.lang,
            prompts=prompts,
            about=" ".join(self.about.split()),
            limit=self.limit,
            format=self.format,
        )

    def check_engine(self) -> None:
        """
        Raises:
            OptionError: what is asked for cannot be done where it is to be done.
        """
        if self.ray_address and self.engine != "ray":
            raise OptionError("--ray-address goes with --engine ray.")
        if self.engine == "ray" and (self.batch or self.shard != WHOLE):
            raise OptionError(
                "--engine ray sends calls one by one, and shares them out itself: without --batch and --shard."
            )
        if self.batch and "," in self.base_url:
            raise OptionError("--batch goes to one server: give one --base-url.")

    @property
    def is_verifier_named(self) -> bool:
        return bool(self.verifier_model or self.verifier_base_url)

    def reasked(self) -> Reask:
        return Reask(*([self.reask] if isinstance(self.reask, str) else self.reask))

    def whole_choice(self) -> TeacherChoice:
        """The teacher and the verifier."""
        return replace(
            self.choice(self.teacher, batch=self.batch),
            verifier_model=self.verifier_model,
            verifier_base_url=self.verifier_base_url,
            verifier_key=os.environ.get("VERIFIER_API_KEY", ""),
        )
