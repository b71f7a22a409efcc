"""Asking models through vLLM: against a stand-in that serves real models, and, marked long, against a real vLLM."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.living import lives
from tests.support.tuning import ANSWER
from tests.support.vllm_stand_in import StandIn, vllm_stand_in
from tests.trainer.conftest import FACTS
from wukong_pipe.cli.main import main
from wukong_pipe.errors import MissingDependency, ModelError, WorkspaceError
from wukong_pipe.files import read_json
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import Message, chat_prompt
from wukong_trainer.evaluation.evaluate import evaluate
from wukong_trainer.evaluation.history import history, history_of
from wukong_trainer.evaluation.settings import Settings
from wukong_trainer.inference.answer_cache import AnswerCache
from wukong_trainer.inference.asked_models import Contender, Loader, at_work
from wukong_trainer.inference.generate import Answer, Likelihood
from wukong_trainer.inference.vllm_server import Vllm, serving, telling, vllm_executable, vllm_version
from wukong_trainer.models.loading import choose_place, load_model, load_tokenizer
from wukong_trainer.use.export import export

PROMPTS: list[list[Message]] = [chat_prompt(question, "") for question, _ in FACTS[:5]]
REFERENCES = [answer for _, answer in FACTS[:5]]
TOKENS = 12
DTYPE = str(choose_place().dtype).removeprefix("torch.")
NEAR = 1e-4 if DTYPE == "float32" else 0.1
"""Nats a token: in bf16 a batch rounds otherwise than one prompt alone."""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A `vllm` on PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with vllm_stand_in(tmp_path) as stand_in:
        yield stand_in


@pytest.fixture
def vllm(stand_in: StandIn, tmp_path: Path) -> Vllm:
    return Vllm(str(stand_in.executable), "0", DTYPE, True, tmp_path / "eval" / "vllm.log")


def nothing(step: str, done: int, total: int) -> None:
    """No progress is shown."""


def asked(
    contender: Contender, kept: Path, vllm: Vllm | None, prompts: list[list[Message]] = PROMPTS, batch: int = 4
) -> tuple[list[Answer], list[Likelihood]]:
    """What the contender answers to the prompts, and how likely it finds the references."""
    with at_work(contender, Loader(), AnswerCache(kept), batch, nothing, vllm=vllm) as at:
        answers = at.engine.answers(prompts, TOKENS, batch, lambda done, total: None)
        return answers, at.engine.likelihoods(prompts, REFERENCES[: len(prompts)], batch, lambda done, total: None)


def until(happened: Callable[[], Any]) -> None:
    """Wait for it, half a minute at most."""
    for _ in range(300):
        if happened():
            return
        time.sleep(0.1)
    raise AssertionError(happened)


def test_vllm_gives_what_transformers_gives_of_the_same_weights(
    tuned_run: Run, vllm: Vllm, stand_in: StandIn, tmp_path: Path
) -> None:
    weights = tmp_path / "weights"
    export(tuned_run, weights)
    contender = Contender("tuned", str(weights), "lora", str(tuned_run.adapter), "")
    tokenizer = load_tokenizer(str(weights))
    end, (first, second, *_) = tokenizer.eos_token_id, tokenizer(ANSWER, add_special_tokens=False)["input_ids"]
    # What the weights ask for besides has no say, and every end that they name is one.
    for number, (ends, text) in enumerate([([end], ANSWER), ([end, second], tokenizer.decode([first]))]):
        own = {"eos_token_id": ends, "pad_token_id": 0, "repetition_penalty": 0.01}
        (weights / "generation_config.json").write_text(json.dumps(own))
        of_transformers = asked(contender, tmp_path / f"transformers{number}", None)
        of_vllm = asked(contender, tmp_path / f"vllm{number}", vllm)
        assert of_vllm[0] == of_transformers[0]
        assert Answer(text, True) in of_vllm[0]
        for one, other in zip(of_vllm[1], of_transformers[1], strict=True):
            assert one.per_token == pytest.approx(other.per_token, abs=NEAR)
            assert one.per_char == pytest.approx(other.per_char, abs=NEAR)
    assert [server["model"] for server in stand_in.started] == [str(weights)] * 2


def test_what_is_known_is_not_asked_again_and_starts_no_server(
    student: Path, vllm: Vllm, stand_in: StandIn, tmp_path: Path
) -> None:
    contender = Contender("base", str(student), "lora", str(student), "")
    first = asked(contender, tmp_path / "kept", vllm)
    asked_before = len(stand_in.asked)
    assert asked(contender, tmp_path / "kept", vllm) == first
    assert (len(stand_in.started), len(stand_in.asked)) == (1, asked_before)
    asked(contender, tmp_path / "kept", replace(vllm, version="1"))
    assert len(stand_in.asked) == 2 * asked_before, "another vLLM may answer otherwise"


def test_it_stands_on_loopback_alone_without_proxies_and_sees_no_key(
    student: Path, vllm: Vllm, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("VLLM_API_KEY", "sk-secret")
    monkeypatch.setenv("GITHUB_TOKEN", "sk-secret")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sk-secret")
    monkeypatch.setenv("HF_TOKEN", "hf")
    asked(Contender("base", str(student), "lora", str(student), ""), tmp_path / "kept", vllm)
    (server,) = stand_in.started
    assert server["host"] == "127.0.0.1"
    assert "sk-secret" not in server["environment"].values()
    assert server["environment"]["VLLM_NO_USAGE_STATS"] == "1"
    assert not lives(server["pid"])


def test_an_answer_is_cut_where_the_model_s_context_ends_and_a_longer_prompt_is_refused_in_a_sentence(
    student: Path, vllm: Vllm, stand_in: StandIn, tmp_path: Path
) -> None:
    contender = Contender("base", str(student), "lora", str(student), "")
    whole, _ = asked(contender, tmp_path / "whole", vllm, PROMPTS[:1])
    length = len(stand_in.asked[0]["prompt"])
    stand_in.asked.clear()
    stand_in.max_model_len = length + 2
    with pytest.raises(ModelError, match=rf"is \d+ tokens long, and vLLM reads fewer than {length + 2} .*leave"):
        asked(contender, tmp_path / "cut", vllm, PROMPTS[:1])
    (answered,) = stand_in.asked
    assert answered["max_tokens"] == 2
    with at_work(contender, Loader(), AnswerCache(tmp_path / "cut"), 4, nothing, vllm=vllm) as at:
        (cut,) = at.engine.answers(PROMPTS[:1], TOKENS, 4, lambda done, total: None)
    assert not cut.stopped_by_eos
    assert whole[0].text.startswith(cut.text)
    assert len(stand_in.asked) == 2, "it may be longer another time, and is not kept"


def test_a_model_that_computes_nan_has_no_likelihoods(
    student: Path, vllm: Vllm, stand_in: StandIn, tmp_path: Path
) -> None:
    del stand_in
    model = load_model(str(student), "full", choose_place())
    with torch.no_grad():
        model.model.norm.weight.fill_(math.nan)
    model.save_pretrained(tmp_path / "diverged")
    contender = Contender("base", str(tmp_path / "diverged"), "full", str(student), "")
    with at_work(contender, Loader(), AnswerCache(tmp_path / "kept"), 4, nothing, vllm=vllm) as at:
        found = at.engine.likelihoods(PROMPTS[:2], REFERENCES[:2], 4, lambda done, total: None)
    assert all(math.isnan(likelihood.per_token) for likelihood in found)


def test_an_answer_that_vllm_gave_up_is_no_answer(student: Path, vllm: Vllm, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.gives_up = "abort"
    contender = Contender("base", str(student), "lora", str(student), "")
    with pytest.raises(ModelError, match="finish_reason abort"):
        asked(contender, tmp_path / "kept", vllm, PROMPTS[:1])
    assert not (tmp_path / "kept").exists()


def test_a_vllm_that_does_not_start_is_told_by_the_root_of_its_log(
    student: Path, vllm: Vllm, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contender = Contender("base", str(student), "lora", str(student), "")
    stand_in.dies_at_start = True
    with pytest.raises(ModelError) as caught:
        asked(contender, tmp_path / "kept", vllm)
    assert str(caught.value) == (
        "vLLM did not start: ValueError: Available memory on node 0 (19.53/23.54 GiB) on kv cache allocation is less "
        f"than requested memory for kv (4000.0 GiB) (its log: {vllm.log}). Without --engine vllm, transformers asks "
        "the models as they are."
    )
    stand_in.dies_at_start, stand_in.hangs_at_start = False, True
    monkeypatch.setattr("wukong_trainer.inference.vllm_server.SILENCE", 6.0)
    with pytest.raises(ModelError, match=r"has said nothing after “ValueError: Available memory"):
        asked(contender, tmp_path / "kept", vllm)
    assert not lives(stand_in.started[-1]["pid"])


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("vllm: error: unrecognized arguments: --no-such 1\n", "vllm: error: unrecognized arguments: --no-such 1"),
        (
            "Traceback (most recent call last):\npydantic_core.ValidationError: 1 validation error for ModelConfig\n"
            "  Value error, The checkpoint has model type `bloop`. [type=value_error]\n"
            "    For further information visit https://errors.pydantic.dev/2.14/v/value_error\n",
            "Value error, The checkpoint has model type `bloop`. [type=value_error]",
        ),
        ("Triton is installed.\nended with SIGILL\n", "ended with SIGILL"),
        ("Triton is installed.\n\n", "Triton is installed"),
        ("", "it said nothing"),
    ],
)
def test_a_log_is_told_by_its_last_error_or_else_its_last_line(log: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(log)
    assert telling(tmp_path / "log") == said


def test_a_vllm_that_dies_half_way_loses_no_answer(
    student: Path, vllm: Vllm, stand_in: StandIn, tmp_path: Path
) -> None:
    contender = Contender("base", str(student), "lora", str(student), "")
    stand_in.dies_after = 3
    with pytest.raises(ModelError, match=r"vLLM failed: .*; .*EngineDeadError: EngineCore .* What it answered is kept"):
        asked(contender, tmp_path / "kept", vllm, batch=1)
    assert len(stand_in.asked) == 3
    stand_in.dies_after = None
    asked(contender, tmp_path / "kept", vllm)
    prompts = [tuple(body["prompt"]) for body in stand_in.asked if "prompt_logprobs" not in body]
    assert len(prompts) == len(set(prompts)) == len(PROMPTS)


def test_another_server_on_its_port_is_not_taken_for_it(student: Path, vllm: Vllm, stand_in: StandIn) -> None:
    with serving(vllm, str(student)) as one, serving(vllm, str(student)) as other:
        assert one.name != other.name
        status, reply = stand_in.reply(
            "/v1/completions", {"server": 0, "body": {"model": other.name, "prompt": [1], "max_tokens": 1}}
        )
    assert (status, reply["error"]["type"]) == (404, "NotFoundError")


def test_vllm_is_started_with_the_options_of_the_user(student: Path, vllm: Vllm, stand_in: StandIn) -> None:
    with serving(replace(vllm, options=("--tensor-parallel-size", "2")), str(student)):
        assert stand_in.started[-1]["tensor_parallel_size"] == "2"


def test_vllm_ends_with_an_evaluation_that_is_killed(student: Path, stand_in: StandIn, tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from wukong_trainer.inference.vllm_server import Vllm, serving\n"
        "with serving(Vllm(sys.argv[1], '0', 'float32', True, Path(sys.argv[2])), sys.argv[3]):\n"
        "    print('up', flush=True); time.sleep(600)"
    )
    arguments = [str(stand_in.executable), str(tmp_path / "log"), str(student)]
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        with subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as starter:
            assert starter.stdout is not None
            assert starter.stdout.readline() == "up\n"
            pid = stand_in.started[-1]["pid"]
            assert lives(pid)
            starter.send_signal(number)
        until(lambda pid=pid: not lives(pid))  # type: ignore[misc]


def test_a_vllm_that_cannot_even_say_its_version_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependency, match="pip install vllm"):
        vllm_executable()
    script = tmp_path / "vllm"
    script.write_text("#!/bin/sh\necho 'PackageNotFoundError: No package metadata was found for vllm' >&2\nexit 1\n")
    script.chmod(0o755)
    with pytest.raises(ModelError, match=r"--version fails: PackageNotFoundError: No package .* leave out --engine"):
        vllm_version(vllm_executable())
    script.write_text("#!/bin/sh\nkill -ILL $$\n")
    with pytest.raises(ModelError, match=r"--version fails: it ended with code -4 and said nothing"):
        vllm_version(vllm_executable())


# --- evaluations ----------------------------------------------------------------------------------------


@pytest.fixture
def run(tuned_run: Run, tmp_path: Path) -> Run:
    """A copy of the trained run, with test questions that it was not trained on."""
    run = Run(tmp_path / "runs" / tuned_run.name)
    shutil.copytree(tuned_run.folder, run.folder)
    rows = [{"instruction": f"第{n}山的石头后来归谁所有？", "input": "", "output": ANSWER} for n in range(3)]
    (run.dataset / "test.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return run


def check_evaluation(run: Run, version: str) -> None:
    """Evaluate through the `vllm` on PATH, and through transformers, and compare."""
    settings = Settings(engine="vllm", max_new_tokens=16, general=2)
    metrics, answers = evaluate(run, settings, rivals=[str(run.folder / "merged")])
    assert re.fullmatch(version, metrics["settings"]["engine"])
    assert metrics["settings"]["precision"] in ("float32", "bfloat16")
    assert read_json(run.metrics)["settings"]["engine"] == metrics["settings"]["engine"]
    assert metrics["primary"]["tuned"] == 1.0
    _, of_transformers = evaluate(run, replace(settings, engine="transformers"))
    for one, other in zip(answers, of_transformers, strict=True):
        assert one["tuned"]["answer"] == other["tuned"]["answer"] == ANSWER
        assert one["tuned"]["stopped_by_eos"]
        assert one["against"][str(run.folder / "merged")] == one["tuned"]
        # NF4 is another base than the one that vLLM has, though a near one.
        assert one["base"]["loglik"] == pytest.approx(other["base"]["loglik"], abs=0.5)
    engines = [entry["settings"]["engine"].split()[0] for entry in history(history_of(run))]
    assert engines == ["vllm", "transformers"]


def test_an_evaluation_asks_vllm_for_the_base_and_for_the_export_and_says_so(run: Run, stand_in: StandIn) -> None:
    with pytest.raises(WorkspaceError, match="wukong-pipe export"):
        evaluate(run, Settings(engine="vllm"))
    export(run, run.merged)
    check_evaluation(run, r"vllm 0\.32\.0\+cpu")
    base = read_json(run.adapter / "wukong.json")["base_model"]
    assert [server["model"] for server in stand_in.started][1:] == [str(run.merged)], "of the rival all is known"
    assert stand_in.started[0]["model"] == base
    weights = run.adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\x00\x00\x80\x3f")
    with pytest.raises(WorkspaceError, match="holds none of this adapter"):
        evaluate(run, Settings(engine="vllm"))


def test_the_command_line_takes_the_engine_and_more_questions_at_a_time_for_vllm(
    run: Run, stand_in: StandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Settings] = []

    def evaluate(run: Run, settings: Settings, *rest: Any, **more: Any) -> None:  # noqa: ARG001
        asked.append(settings)
        raise ModelError("Enough.")

    monkeypatch.setattr("wukong_trainer.evaluation.evaluate.evaluate", evaluate)
    command = ["eval", "--run", run.name, "--runs-dir", str(run.folder.parent)]
    spread = ["--vllm-options", "--tensor-parallel-size 2"]
    for more in ([], ["--engine", "vllm"], ["--engine", "vllm", "--batch", "8", *spread]):
        assert main([*command, *more]) == 1
    assert [(settings.engine, settings.batch, settings.vllm_options) for settings in asked] == [
        ("transformers", 32, ()),
        ("vllm", 256, ()),
        ("vllm", 8, ("--tensor-parallel-size", "2")),
    ]
    assert not stand_in.started
    assert "Enough." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--vllm-options", "--tensor-parallel-size 2"], "name both"),
        (["--engine", "vllm", "--vllm-options", "--port=80"], "--port is given by this program"),
        (["--engine", "vllm", "--vllm-options", "2"], "with their dashes"),
        (["--engine", "vllm", "--vllm-options", "--a 'b"], "cannot be read"),
    ],
)
@pytest.mark.parametrize("command", ["eval", "serve"])
def test_options_that_vllm_cannot_be_started_with_are_refused(
    command: str, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, *more]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.long
def test_a_real_vllm_does_the_same(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.environ.get("WUKONG_VLLM")
    if not real:
        pytest.skip("WUKONG_VLLM names no vllm executable")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "vllm").symlink_to(real)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    export(run, run.merged)
    check_evaluation(run, r"vllm \d+\.\d+\.\S+")
