"""What train's options mean: which recipe and which rows, of a new training or of one that is resumed."""

from __future__ import annotations

import shlex
from dataclasses import KW_ONLY, asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from wukong_pipe.commands.options import Call, Range
from wukong_pipe.edits.reviewed import accepted_rows
from wukong_pipe.errors import DataError, ModelError, WorkspaceError
from wukong_pipe.extras import training_installed
from wukong_pipe.workspace import Run, Workspace
from wukong_trainer.data.files import Hub
from wukong_trainer.data.selection import OWN
from wukong_trainer.recipe import Method, Peft, Precision, Tracker

if TYPE_CHECKING:
    from wukong_trainer.data.examples import Example, TrainingData
    from wukong_trainer.recipe import Recipe

SETTLED = {"batch", "accumulation", "packing", "gradient_checkpointing", "modules_to_save"}
"""Values of a recipe that a training may have changed itself: fewer rows a pass, and what its adapter cannot do."""
ACCEPTED = "the accepted rows"
"""What `TrainingData.source` calls them."""


@dataclass(frozen=True, slots=True)
class TrainOptions(Call):
    """The options of `train` as they were given; None or an empty text is an option that was not.

    TrainOptions(data="qa.parquet", columns="instruction=q,output=a", model="tiny", epochs=3.0)
    """

    run: Run | str = ""
    """Its name; "" for the one named after `data`, or without that the one used last."""
    _: KW_ONLY
    data: Path | str | None = None
    """File, folder or a hub's id of the rows; None for the run's own dataset."""
    hub: Hub = "hf"
    columns: str = ""
    mix: str = ""
    recipe: str = ""
    model: str = ""
    method: Method | None = None
    peft: Peft | None = None
    precision: Precision | None = None
    packing: bool | None = None
    report_to: Tracker | None = None
    system: str | None = None
    epochs: Annotated[float, Range(0, low_open=True)] | None = None
    lr: Annotated[float, Range(0, 1, low_open=True)] | None = None
    validation: Annotated[float, Range(0, 1, high_open=True)] | None = None
    sample: Annotated[float, Range(0, 1, low_open=True)] | None = None
    accepted_only: bool = False
    overwrite: bool = False
    resume: bool = False

    def place(self) -> tuple[Workspace, Run]:
        """The workspace and the run.

        Raises:
            WorkspaceError: there is no such run, and no data to begin one with; or none was used yet.
        """
        if self.data is None or isinstance(self.run, Run):
            return self.run_of(self.run)
        workspace = self.workspace
        return workspace, workspace.run(self.run) if self.run else workspace.run_after(Path(self.data))

    def source(self) -> dict[str, str]:
        """The options that name the rows, in a form that holds from any folder.

        {"data": "/home/me/qa.parquet", "columns": "instruction=q,output=a", "mix": "/home/me/chat.json:0.1"}
        """
        source: dict[str, str] = {}
        if self.data:
            is_here = Path(self.data).exists()
            source = {"data": str(Path(self.data).resolve())} if is_here else {"data": str(self.data), "hub": self.hub}
        if self.columns:
            source["columns"] = self.columns
        if self.mix:
            file, _, share = self.mix.rpartition(":")
            source["mix"] = self.mix if file == OWN else f"{Path(file).resolve()}:{share}"
        if self.accepted_only:
            source["only"] = ACCEPTED
        return source

    def recipe_changes(self) -> dict[str, Any]:
        """The values of the recipe that these options replace, by the recipe's names."""
        values = {
            "model": self.model or None,
            "method": self.method,
            "peft": self.peft,
            "precision": self.precision,
            "packing": self.packing,
            "report_to": self.report_to,
            "system": self.system,
            "epochs": self.epochs,
            "learning_rate": self.lr,
            "validation": self.validation,
            "sample": self.sample,
        }
        return {name: value for name, value in values.items() if value is not None}


def chosen_recipe(options: TrainOptions) -> Recipe:
    """The recipe that the options name, with the values that they change.

    Raises:
        ModelError: there is no such recipe, or it is not as it must be.
    """
    from wukong_trainer.recipe import load_recipe, overridden, shipped_recipes

    # The students for a CPU have a recipe each, of their own name.
    name = options.recipe or (options.model if options.model in shipped_recipes() else "qlora")
    recipe = overridden(load_recipe(name), **options.recipe_changes())
    if recipe.method == "full" and options.peft:
        raise ModelError(f"--peft {options.peft} is an adapter, and --method full trains none: use qlora or lora.")
    return recipe


def resumed_recipe(run: Run, options: TrainOptions) -> Recipe:
    """The recipe of the run's unfinished training, with which the options must agree.

    Raises:
        WorkspaceError: there is nothing to go on with.
        ModelError: an option has another value than the training was begun with.
    """
    with training_installed():
        from wukong_trainer.models.locating import names_same
        from wukong_trainer.recipe import TINY, load_recipe
        from wukong_trainer.training.checkpoints import unfinished

    begun = unfinished(run)
    if begun is None:
        raise WorkspaceError(f"The run “{run.name}” has no training to go on with: leave out --resume.")
    given = (asdict(load_recipe(options.recipe)) if options.recipe else {}) | options.recipe_changes()
    if given.get("model") == TINY:
        given["model"] = str(run.student)
    elif "model" in given and names_same(given["model"], begun.recipe.model):
        given["model"] = begun.recipe.model
    # An empty system prompt was replaced by one in the language of the rows.
    settled = SETTLED if given.get("system") else SETTLED | {"system"}
    differing = [name for name, value in given.items() if name not in settled and value != getattr(begun.recipe, name)]
    if differing:
        raise ModelError(
            f"The training was begun with another {', '.join(differing)}: leave the option out to go on with --resume, "
            "or start over with --overwrite."
        )
    return begun.recipe


def resumed_options(run: Run, options: TrainOptions) -> TrainOptions:
    """The options with those that named the rows of the run's unfinished training, where --data names none.

    Raises:
        DataError: a file that the training was begun on is gone.
    """
    from wukong_trainer.training.checkpoints import unfinished

    begun = None if options.data else unfinished(run)
    if begun is None:
        return options
    source = begun.source
    for file in (source.get("data", ""), source.get("mix", "").rpartition(":")[0]):
        # A hub's id is no absolute path.
        if Path(file).is_absolute() and not Path(file).exists():
            raise DataError(
                f"The training was begun on {file}, which is no longer there: put it back; or name where the rows are "
                f"now with --data FILE --run {shlex.quote(run.name)} and all else that was said of them, --columns and "
                "--mix."
            )
    return replace(
        options,
        data=source.get("data"),
        hub="modelscope" if source.get("hub") == "modelscope" else options.hub,
        columns=options.columns or source.get("columns", ""),
        mix=options.mix or source.get("mix", ""),
        accepted_only=options.accepted_only or source.get("only") == ACCEPTED,
    )


def chosen_data(run: Run, recipe: Recipe, options: TrainOptions) -> TrainingData:
    """The rows that the options name, as the recipe cleans, samples, splits and mixes them.

    Args:
        run: whose dataset is read where --data names no other rows, and whose test rows are not mixed in.

    Raises:
        WorkspaceError: no rows are named, and the run has none; or only what is accepted is wanted, and nothing is, or
            what was decided is not in the dataset yet.
        WukongError: the rows cannot be read, or an option is not as it must be.
    """
    if options.data and options.accepted_only:
        raise DataError("--accepted-only is about the run's own dataset: leave out --data, or --accepted-only.")
    if not options.data and not (run.dataset / "train.jsonl").is_file():
        raise WorkspaceError(f"The run “{run.name}” has no dataset: start with `wukong-pipe build PATH`.")
    accepted = accepted_rows(run).holds if options.accepted_only else None
    with training_installed():
        from wukong_trainer.data.columns import parse_columns
        from wukong_trainer.data.files import read_training_data
        from wukong_trainer.data.selection import parse_mix, selected

        mix = parse_mix(options.mix) if options.mix else None
        source = options.data or run.dataset
        columns = parse_columns(options.columns)
        data = read_training_data(source, columns=columns, hub=options.hub, accepted=accepted)
        data = selected(data, recipe, mix, tested_rows(run) if mix else [])
        return replace(data, source=options.source())


def tested_rows(run: Run) -> list[Example]:
    """The run's test rows, where it has a dataset.

    Raises:
        DataError: they cannot be read.
    """
    from wukong_trainer.data.files import read_raw, read_rows

    test = run.dataset / "test.jsonl"
    return [example for _, example in read_rows(read_raw(test), str(test))[0]] if test.is_file() else []
