"""Models and adapters that somebody made to harm, or that were damaged: a sentence, and none of their code is run."""

from __future__ import annotations

import ast
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from tests.support.tuning import FACTS, copy_of
from wukong_pipe.cli.main import main
from wukong_pipe.errors import ModelError
from wukong_pipe.files import jsonl, read_json, write_json
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.models.loading import load_tokenizer
from wukong_trainer.models.template_trial import check_template
from wukong_trainer.models.templates import rendered

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run(tuned_run: Run, empty_home: Path) -> Run:
    """A copy of the trained run, the one used last, in the folder that the test stands in."""
    run = copy_of(tuned_run, empty_home)
    # What was trained may not be asked.
    (run.dataset / "test.jsonl").write_text(jsonl([{"instruction": "戊己庚辛？", "output": "壬癸"}]), "utf-8")
    return run


USES = (["ask", FACTS[0][0]], ["chat"], ["serve", "--port", "0"], ["export"], ["eval"])
"""The commands that load a tuned model."""


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The last line of a command that ends with exit code 1."""
    capsys.readouterr()
    assert main(list(arguments)) == 1
    told = capsys.readouterr()
    lines = [line for line in told.err.strip().split("\n") if line]
    assert lines[-1].startswith("Error: ")
    return lines[-1]


# --- code that a folder brings ------------------------------------------------------------------------------------


def with_code(folder: Path, canary: Path) -> None:
    """Make a model folder one that transformers loads only with the folder's own code, which leaves a trace."""
    code = f"import pathlib\npathlib.Path({str(canary)!r}).write_text('ran')\n"
    classes = (
        "from transformers import PretrainedConfig, Qwen2ForCausalLM, Qwen2Tokenizer\n"
        "class Configuration(PretrainedConfig):\n    model_type = 'own'\n"
        "class Model(Qwen2ForCausalLM):\n    pass\n"
        "class Tokenizer(Qwen2Tokenizer):\n    pass\n"
    )
    (folder / "own.py").write_text(code + classes)
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate" / "generate.py").write_text(code + "def generate(model, **given):\n    pass\n")
    config = read_json(folder / "config.json")
    auto = {"AutoConfig": "own.Configuration", "AutoModelForCausalLM": "own.Model", "AutoModel": "own.Model"}
    write_json(folder / "config.json", config | {"model_type": "own", "auto_map": auto})
    tokenizer = read_json(folder / "tokenizer_config.json")
    own = {"tokenizer_class": "Tokenizer", "auto_map": {"AutoTokenizer": ["own.Tokenizer", "own.Tokenizer"]}}
    write_json(folder / "tokenizer_config.json", tokenizer | own)


@pytest.mark.parametrize("typed", ["", "y\n" * 9])
def test_a_model_folders_own_code_is_never_run_nor_asked_about(run: Run, empty_home: Path, typed: str) -> None:
    base, canary = empty_home / "base", empty_home / "canary"
    shutil.copytree(read_json(run.adapter / RECORD)["base_model"], base)
    with_code(base, canary)
    arguments = ["train", "--model", str(base), "--method", "lora", "--overwrite", "--run", run.name]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", "wukong_pipe.cli", *arguments],
        input=typed,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (error,) = [line for line in done.stderr.split("\n") if line.startswith("Error")]
    assert str(base) in error
    assert "which is never done here" in error
    assert "[y/N]" not in done.stderr
    assert not canary.exists()


@pytest.mark.parametrize("use", USES, ids=lambda use: use[0])
def test_a_base_or_an_adapter_with_code_of_its_own_is_refused_by_every_command(
    run: Run, empty_home: Path, use: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*prompt: str) -> str:
        raise AssertionError(prompt)

    monkeypatch.setattr("builtins.input", ask)
    base, canary = empty_home / "base", empty_home / "canary"
    shutil.copytree(read_json(run.adapter / RECORD)["base_model"], base)
    with_code(base, canary)
    told = refused(capsys, *use, "--model", str(base))
    assert str(base) in told
    assert "which is never done here" in told
    shutil.copy(base / "tokenizer_config.json", run.adapter)
    shutil.copy(base / "own.py", run.adapter)
    told = refused(capsys, *use)
    assert "“auto_map” in tokenizer_config.json" in told
    assert not canary.exists()


def test_every_call_that_may_run_a_folders_code_says_that_it_must_not() -> None:
    calls = [
        (path, node)
        for path in [*ROOT.glob("trainer/**/*.py"), *ROOT.glob("pipeline/**/*.py")]
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in {"from_pretrained", "from_config"} and ast.unparse(node.func.value).startswith("Auto")
    ]
    assert len(calls) >= 6
    for path, call in calls:
        said = {word.arg: ast.unparse(word.value) for word in call.keywords}
        # As `**arguments` in load_model, which the tests above run.
        assert said.get("trust_remote_code") == "False" or None in said, f"{path}:{call.lineno}"


# --- adapters that cannot be loaded -------------------------------------------------------------------------------


class Harm:
    """Its pickle, read without care, leaves a trace."""

    def __reduce__(self) -> Any:
        return (os.system, ("touch canary",))


def pickled(adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").unlink()
    (adapter / "adapter_model.bin").write_bytes(pickle.dumps(Harm()))


def cut(adapter: Path) -> None:
    weights = adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def scrambled(adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\n" * 9)


def listed(adapter: Path) -> None:
    header = b"[" * 5000 + b"]" * 5000
    (adapter / "adapter_model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)


def emptied(adapter: Path) -> None:
    weights = adapter / "adapter_model.safetensors"
    tensors = {name: tensor for name, tensor in load_file(weights).items() if "lora" not in name}
    save_file(tensors, weights, {"format": "pt"})


def of_no_kind(adapter: Path) -> None:
    write_json(adapter / "adapter_config.json", read_json(adapter / "adapter_config.json") | {"peft_type": "WUZHI"})


def deep_config(adapter: Path) -> None:
    (adapter / "adapter_config.json").write_text("[" * 100_000)


def no_config(adapter: Path) -> None:
    (adapter / "adapter_config.json").write_text('["LORA"]')


def of_another_size(adapter: Path) -> None:
    write_json(adapter / "adapter_config.json", read_json(adapter / "adapter_config.json") | {"r": 5})


def record_of_a_list(adapter: Path) -> None:
    (adapter / RECORD).write_text("[]")


def record_of_nonsense(adapter: Path) -> None:
    write_json(adapter / RECORD, read_json(adapter / RECORD) | {"method": ["x"], "system": {}, "precision": "fp8"})


def deep_record(adapter: Path) -> None:
    (adapter / RECORD).write_text('{"a":' * 100_000)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (pickled, "adapter_model.bin is a pickle"),
        (cut, "adapter_model.safetensors ends within its tensors"),
        (scrambled, "adapter_model.safetensors is no safetensors file"),
        (listed, "adapter_model.safetensors is no safetensors file"),
        (emptied, "cannot be loaded: UserWarning: Found missing adapter keys"),
        (of_no_kind, "'WUZHI'"),
        (deep_config, "adapter"),
        (no_config, "adapter_config.json describes no adapter"),
        (of_another_size, "cannot be loaded: RuntimeError: Error(s) in loading state_dict"),
        (record_of_a_list, f"{RECORD} is no record of a training"),
        (record_of_nonsense, f"{RECORD} is damaged: method, system, precision is not what training writes"),
        (deep_record, RECORD),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_damaged_adapter_is_a_sentence_that_names_its_file_or_folder(
    run: Run, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None], told: str
) -> None:
    damage(run.adapter)
    for use in USES:
        said = refused(capsys, *use)
        assert str(run.adapter) in said.replace("runs/", str(run.folder.parent) + "/")
        assert told in said
        assert any(cure in said for cure in ("train again", "fetch", "Fetch", "restore", "put"))
    assert not Path("canary").exists()


def test_broken_weights_of_a_base_are_named_by_train_before_anything_is_trained(
    run: Run, empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = empty_home / "base"
    shutil.copytree(read_json(run.adapter / RECORD)["base_model"], base)
    cut_at = (base / "model.safetensors").read_bytes()
    (base / "model.safetensors").write_bytes(cut_at[:-100])
    train = ["train", "--model", str(base), "--method", "lora", "--overwrite"]
    assert "model.safetensors ends within its tensors" in refused(capsys, *train)
    (base / "config.json").write_text(json.dumps({"model_type": "qwen2", "hidden_size": "many"}))
    assert str(base) in refused(capsys, *train)
    assert (run.adapter / "adapter_model.safetensors").is_file()


# --- templates ----------------------------------------------------------------------------------------------------

LOOPS = "{% for a in range(99999) %}" * 3 + "{% endfor %}" * 3
TEMPLATES = {
    "loops": (LOOPS, "does not come to an end within"),
    "calls": (
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
        "does not come to an end within",
    ),
    "grows": ("{{ 'x' * 9999999999 }}", "needs more than 512 MB"),
    "writes": ("{% for a in range(99999) %}{{ messages[0].content }}{% endfor %}", "writes more than"),
    "raises": ("{{ raise_exception('not\\nyou') }}", "does not take this conversation (TemplateError: not)"),
    "divides": ("{{ 1 / 0 }}", "does not take this conversation (ZeroDivisionError"),
    "escapes": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "does not take this conversation (SecurityError"),
    "no template": ("{% if %}", "does not take this conversation (TemplateSyntaxError"),
}


@pytest.fixture
def student_tokenizer(tuned_run: Run) -> Any:
    return load_tokenizer(str(tuned_run.adapter))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_that_is_broken_or_made_to_harm_is_a_sentence(
    run: Run, empty_home: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    template, told = TEMPLATES[name]
    base = empty_home / "base"
    shutil.copytree(read_json(run.adapter / RECORD)["base_model"], base)
    # As an adapter of somebody else, and as a student.
    (run.adapter / "chat_template.jinja").write_text(template)
    (base / "chat_template.jinja").write_text(template)
    for use in (["ask", "x"], ["train", "--model", str(base), "--method", "lora", "--overwrite"]):
        said = refused(capsys, *use)
        assert told in said
        assert "chat_template.jinja" in said
        assert (str(base) if "train" in use else "gunzi/adapter") in said


def test_a_template_that_refuses_only_some_conversations_is_taken(student_tokenizer: Any) -> None:
    own = student_tokenizer.chat_template
    student_tokenizer.chat_template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + own
    )
    check_template(student_tokenizer, "a model")
    with pytest.raises(ModelError, match="System role not supported"):
        rendered(student_tokenizer, [{"role": "system", "content": "x"}])
    assert "x" in rendered(student_tokenizer, [{"role": "user", "content": "x"}])
