"""Training by several processes, as torchrun starts them; here two on a CPU, which talk through gloo."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trainer.conftest import FACTS
from wukong_pipe.files import jsonl, read_json, read_jsonl
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.workspace import Run
from wukong_trainer.recipe import Recipe, overridden, to_toml
from wukong_trainer.training import checkpoints

pytestmark = pytest.mark.long
MINUTES = 5 * 60


@pytest.fixture
def home(tmp_path: Path) -> Path:
    rows = [{"instruction": question, "input": "", "output": answer} for question, answer in FACTS]
    (tmp_path / "train.jsonl").write_text(jsonl(rows[:20]), "utf-8")
    (tmp_path / "validation.jsonl").write_text(jsonl(rows[20:]), "utf-8")
    return tmp_path


def training(
    home: Path, name: str, recipe: Recipe, processes: int, *options: str, node: tuple[str, ...] = ("--standalone",)
) -> subprocess.Popen[str]:
    """`wukong-pipe train` of that run by as many processes on this node."""
    (home / f"{name}.toml").write_text(to_toml(recipe, {}), "utf-8")
    # Without the dashes torchrun takes our --run for an abbreviation of its own --run-path.
    torchrun = ["torch.distributed.run", *node, "--nproc-per-node", str(processes), "-m", "--"]
    rest = ["--data", str(home), "--run", name, "--recipe", f"{name}.toml", *options]
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            *(torchrun if processes > 1 or node != ("--standalone",) else []),
            "wukong_pipe.cli",
            "train",
            *rest,
        ],
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def curve(run: Run) -> dict[tuple[int, str], float]:
    """Every loss, by step and kind."""
    return {
        (line["step"], kind): line[kind]
        for line in read_jsonl(run.train / "log.jsonl")
        for kind in ("loss", "eval_loss")
        if kind in line
    }


def test_two_processes_with_half_the_rows_each_have_the_losses_of_one(home: Path, recipe: Recipe) -> None:
    one, two = Run(home / "runs" / "one"), Run(home / "runs" / "two")
    recipe = overridden(recipe, precision="fp32")
    alone = training(home, "one", recipe, 1)
    _, said = alone.communicate(timeout=MINUTES)
    assert alone.returncode == 0, said
    both = training(home, "two", overridden(recipe, batch=recipe.batch // 2), 2)
    shown, said = both.communicate(timeout=MINUTES)
    assert both.returncode == 0, said
    assert (shown.count("steps in"), said.count("to train on"), said.count("6/6")) == (1, 1, 1)
    assert curve(two).keys() == curve(one).keys()
    gaps = {key: abs(loss - curve(two)[key]) for key, loss in curve(one).items()}
    trained, watched = (max(gap for (_, kind), gap in gaps.items() if kind == each) for each in ("loss", "eval_loss"))
    print(f"largest gap of the training losses {trained:.1e}, of the validation losses {watched:.1e}")
    assert trained < 1e-3
    # A mean over tokens in both, so only what the weights differ by is left.
    assert watched < 1e-5
    assert "# processes: 2, each with 5 rows a pass" in (two.train / "recipe.toml").read_text("utf-8")
    assert (two.adapter / "adapter_model.safetensors").is_file()


def test_the_first_process_has_the_student_make_its_own_rows_and_both_train_them(
    home: Path, recipe: Recipe, asking: Path
) -> None:
    both = training(home, "own", overridden(recipe, model=str(asking), system=""), 2, "--mix", "own:0.2")
    _, said = both.communicate(timeout=MINUTES)
    assert both.returncode == 0, said
    run = Run(home / "runs" / "own")
    (file,) = run.train.glob("own_rows-*.jsonl")
    made = {normalise(row["instruction"]) for row in read_jsonl(file)}
    assert made <= set(read_json(run.adapter / "wukong.json")["questions"])


def test_two_nodes_of_one_process_have_the_losses_of_one(home: Path, recipe: Recipe) -> None:
    """Each node has a launcher of its own, as on two machines that share a folder."""
    one, two = Run(home / "runs" / "one"), Run(home / "runs" / "two")
    recipe = overridden(recipe, precision="fp32")
    training(home, "one", recipe, 1).communicate(timeout=MINUTES)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = ("--master-addr", "127.0.0.1", "--master-port", str(probe.getsockname()[1]))
    half = overridden(recipe, batch=recipe.batch // 2)
    nodes = [
        training(home, "two", half, 1, node=("--nnodes", "2", "--node-rank", str(rank), *address)) for rank in (0, 1)
    ]
    told = [node.communicate(timeout=MINUTES) for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], told
    assert [shown.count("steps in") for shown, _ in told] == [1, 0]
    assert curve(two).keys() == curve(one).keys()
    assert max(abs(loss - curve(two)[key]) for key, loss in curve(one).items()) < 1e-3
    assert (two.adapter / "adapter_model.safetensors").is_file()


def test_a_signal_to_one_of_two_processes_stops_both_with_a_checkpoint_to_go_on_from(
    home: Path, recipe: Recipe
) -> None:
    recipe = overridden(recipe, batch=5, epochs=40.0, save_every=2)
    run = Run(home / "runs" / "halves")
    both = training(home, "halves", recipe, 2)
    while not (run.train / "checkpoint-2" / checkpoints.STATE).is_file():
        assert both.poll() is None, both.communicate()[1]
    # The first process holds the lock, and its file says which that is.
    os.kill(int((home / "runs" / ".lock").read_text()), signal.SIGTERM)
    _, said = both.communicate(timeout=MINUTES)
    assert both.returncode
    assert "Training was stopped at step" in said
    stopped = checkpoints.last_checkpoint(run)
    assert stopped is not None
    assert checkpoints.step_of(stopped) < 80
    both = training(home, "halves", recipe, 2, "--resume")
    _, said = both.communicate(timeout=MINUTES)
    assert both.returncode == 0, said
    assert sum(kind == "loss" for _, kind in curve(run)) == 80
