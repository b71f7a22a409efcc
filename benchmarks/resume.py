"""Does a training that was killed with SIGKILL and resumed end as one that never was?

    python -m benchmarks.resume

trains a student with the command line, whole and killed at three points, in fp32 and in bf16, goes on with `--resume`,
compares every loss and every trained weight, and writes `benchmarks/resume.md`. It takes four minutes of a CPU.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load_file
from tests.trainer.conftest import FACTS, SMALL, SYSTEM, pairs

from wukong_pipe.files import jsonl, read_jsonl
from wukong_pipe.workspace import Run
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.student import make_student
from wukong_trainer.recipe import load_recipe, overridden, to_toml
from wukong_trainer.training.checkpoints import STATE, last_checkpoint, step_of

PAGE = Path(__file__).with_suffix(".md")
STEPS, SAVE_EVERY, BATCH = 80, 10, 10
EPOCHS = 5.0
ROWS = int(STEPS * BATCH / EPOCHS)
WAIT = 300
"""Seconds within which a point of a training is reached."""

HEAD = f"""\
# A training killed with SIGKILL and resumed, against one never stopped

`python -m benchmarks.resume`: the QLoRA recipe of the embedded student (NF4, embeddings trained, dropout 0.1 so that a
lost random state shows) on a small student; {STEPS} steps of {BATCH} rows, a checkpoint every {SAVE_EVERY} steps, a
validation loss every 20. Each training is a `wukong-pipe train` of its own, killed with `kill -9` from outside and
continued with `wukong-pipe train --resume`. *Largest gap* is over all {STEPS} training losses and the validation
losses of the log, against the training that was never stopped; *weights* is the largest difference of any trained
weight.

| in | killed | left there | resumed from | losses | largest gap of a loss | largest gap of a weight |
|---|---|---|---:|---:|---:|---:|
"""


@dataclass(frozen=True, slots=True)
class Kill:
    """When a training is killed."""

    name: str
    there: str
    """The file or folder in train/ whose appearance is waited for."""
    after: float = 0.0
    """Seconds more."""


KILLS = [
    Kill("while its second checkpoint is being written", f"checkpoint-{2 * SAVE_EVERY}"),
    Kill("between two checkpoints, half-way", f"checkpoint-{STEPS // 2}/{STATE}", 0.15),
    Kill("while its last checkpoint but one gets its last file", f"checkpoint-{STEPS - SAVE_EVERY}/{STATE}"),
]


def main() -> None:
    silence_libraries()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        prepare(home)
        rows = []
        for precision in ("fp32", "bf16"):
            whole = Run(home / "runs" / f"{precision}-whole")
            ended(started(home, precision, whole.name))
            rows += [
                killed_and_resumed(home, precision, f"{precision}-killed{number}", kill, whole)
                for number, kill in enumerate(KILLS)
            ]
    PAGE.write_text(HEAD + "\n".join(rows) + "\n", "utf-8")
    print(PAGE.read_text("utf-8"))


def prepare(home: Path) -> None:
    """Write the student, the rows and the recipe."""
    facts = [(f"{question}（{n}）", answer) for n in range(ROWS // len(FACTS) + 1) for question, answer in FACTS]
    texts = [text for fact in FACTS for text in fact]
    student = make_student(home / "student", texts, pairs(), SYSTEM, size=SMALL)
    # A twentieth more rows than are trained on: those that are watched.
    held = ROWS // 20
    rows = [{"instruction": question, "input": "", "output": answer} for question, answer in facts]
    (home / "train.jsonl").write_text(jsonl(rows[:ROWS]), "utf-8")
    (home / "validation.jsonl").write_text(jsonl(rows[ROWS : ROWS + held]), "utf-8")
    recipe = overridden(
        load_recipe("tiny"),
        model=str(student),
        system=SYSTEM,
        epochs=EPOCHS,
        batch=BATCH,
        r=8,
        alpha=8,
        dropout=0.1,
        save_every=SAVE_EVERY,
        evaluate_every=20,
    )
    (home / "recipe.toml").write_text(to_toml(recipe, {}), "utf-8")


def started(home: Path, precision: str, name: str, *options: str) -> subprocess.Popen[bytes]:
    """A `wukong-pipe train` of that run."""
    command = [sys.executable, "-m", "wukong_pipe.cli", "train", "--runs-dir", str(home / "runs"), "--run", name]
    rest = ["--data", str(home), "--recipe", str(home / "recipe.toml"), "--precision", precision]
    return subprocess.Popen(
        [*command, *rest, *options],
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"TOKENIZERS_PARALLELISM": "false"},
    )


def ended(process: subprocess.Popen[bytes]) -> None:
    """Wait for a training that must end well."""
    _, said = process.communicate()
    if process.returncode:
        sys.exit(said.decode())


def killed_and_resumed(home: Path, precision: str, name: str, kill: Kill, whole: Run) -> str:
    """One row of the table."""
    run = Run(home / "runs" / name)
    process = started(home, precision, name)
    awaited(process, run.train / kill.there)
    time.sleep(kill.after)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    if process.returncode != -signal.SIGKILL or run.adapter.exists():
        sys.exit(f"The training was over before it could be killed {kill.name}.")
    left = sorted((path for path in run.train.glob("checkpoint-*")), key=step_of)
    checkpoint = last_checkpoint(run)
    if checkpoint is None:
        sys.exit(f"No whole checkpoint was left {kill.name}.")
    whole_until = step_of(checkpoint)
    said = ", ".join(f"{path.name} {'whole' if step_of(path) <= whole_until else 'half written'}" for path in left)
    ended(started(home, precision, name, "--resume"))
    before, after = curve(whole), curve(run)
    if before.keys() != after.keys():
        sys.exit(f"The log of the training killed {kill.name} has other steps than the whole one.")
    gap = max(abs(before[key] - after[key]) for key in before)
    old, new = (load_file(each.adapter / "adapter_model.safetensors") for each in (whole, run))
    apart = max(float((old[key].float() - new[key].float()).abs().max()) for key in old)
    return (
        f"| {precision} | {kill.name} | {said} | step {step_of(checkpoint)} | {len(after)} | {gap:.1e} | {apart:.1e} |"
    )


def awaited(process: subprocess.Popen[bytes], path: Path) -> None:
    """Wait until `path` is there."""
    deadline = time.monotonic() + WAIT
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{path.name} was never written: {process.communicate()[1].decode()}")
        time.sleep(0.001)


def curve(run: Run) -> dict[tuple[int, str], float]:
    """Every loss of training and validation, by step and kind."""
    return {
        (line["step"], kind): float(line[kind])
        for line in read_jsonl(run.train / "log.jsonl")
        for kind in ("loss", "eval_loss")
        if kind in line
    }


if __name__ == "__main__":
    main()
