"""What users do with a tuned model, through the command line and as processes: ask, export, runs; chat, serve."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.tuning import ANSWER, FACTS, copy_of
from wukong_pipe.cli.main import main
from wukong_pipe.cli.options import err
from wukong_pipe.commands.chat import run_chat
from wukong_pipe.commands.serve import run_serve, vllm_command
from wukong_pipe.errors import MissingDependency, WorkspaceError
from wukong_pipe.workspace import Run
from wukong_trainer.inference.generate import Answer
from wukong_trainer.use.tuned_model import load_tuned

pytestmark = pytest.mark.usefixtures("empty_home")

QUESTION = FACTS[0][0]


@pytest.fixture
def run(tuned_run: Run, empty_home: Path) -> Run:
    """A copy of the trained run, the one used last, in the folder that the test stands in."""
    return copy_of(tuned_run, empty_home)


def start(*arguments: str, runs: Path, **streams: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "wukong_pipe.cli", *arguments, "--runs-dir", str(runs)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    return subprocess.Popen(command, text=True, encoding="utf-8", env=environment, **streams)  # type: ignore[call-overload, no-any-return]


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one sentence of a command that must fail."""
    capsys.readouterr()
    assert main(list(arguments)) == 1
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.strip().split("\n")
    return line


@pytest.mark.usefixtures("run")
def test_ask_prints_the_answer_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", f" {QUESTION} "]) == 0
    assert capsys.readouterr() == (f"{ANSWER}\n", "")


def test_ask_shows_base_and_tuned_side_by_side_and_says_what_was_cut(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", QUESTION, "--base", "--max-new-tokens", "9"]) == 0
    told = capsys.readouterr()
    assert told.out.split("\n")[0].split() == ["base", "tuned"]
    assert ANSWER in told.out
    assert told.err == "Cut at --max-new-tokens: base.\n"
    assert main(["ask", QUESTION, "--base", "--max-new-tokens", "9", "--json"]) == 0
    asked = json.loads(capsys.readouterr().out)
    assert (asked["run"], asked["question"]) == (run.name, QUESTION)
    assert asked["tuned"] == {"answer": ANSWER, "stopped_by_eos": True}
    assert not asked["base"]["stopped_by_eos"]


@pytest.mark.usefixtures("run")
def test_ask_says_what_to_do_first(capsys: pytest.CaptureFixture[str]) -> None:
    Path("runs/other/dataset").mkdir(parents=True)
    assert "wukong-pipe train --run other" in error_of(capsys, "ask", "x", "--run", "other")
    assert "empty" in error_of(capsys, "ask", "  ")
    assert "UTF-8" in error_of(capsys, "ask", "\udcff")


@pytest.mark.usefixtures("run")
def test_words_of_a_model_move_no_cursor(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wukong_trainer.use.tuned_model.ask", lambda *arguments: Answer("\x1b[2J甲\u202e乙", True))
    assert main(["ask", QUESTION]) == 0
    assert capsys.readouterr().out == "\\x1b[2J甲\\u202e乙\n"


def test_export_writes_into_the_run_says_how_near_it_is_and_overwrites_nothing(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--merge"]) == 0
    told = capsys.readouterr().out
    assert f"{len(FACTS)} of {len(FACTS)} greedy answers are the same" in told
    assert (run.merged / "model.safetensors").is_file()
    assert "--overwrite" in error_of(capsys, "export", "--merge")
    assert main(["export", "--out", "elsewhere", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["folder"] == "elsewhere"


def test_vllm_serves_the_export_on_loopback_once_it_is_there_and_new(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WorkspaceError, match="wukong-pipe export"):
        vllm_command(run, 8000)
    assert main(["export"]) == 0
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependency, match="pip install vllm"):
        vllm_command(run, 8000)
    vllm = tmp_path / "vllm"
    vllm.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n')
    vllm.chmod(0o755)
    command = vllm_command(run, 8000, ("--tensor-parallel-size", "2"))
    imports = "from wukong_pipe.cli.options import err\nfrom wukong_pipe.commands.serve import replace_by"
    code = f"{imports}\nreplace_by({command!r}, err)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split("\n")
    assert told[:2] == ["serve", str(run.merged)]
    assert told[told.index("--host") + 1] == "127.0.0.1"
    assert told[told.index("--served-model-name") + 1] == run.name
    assert told[told.index("--tensor-parallel-size") + 1] == "2"
    weights = run.adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\x00\x00\x80\x3f")
    with pytest.raises(WorkspaceError, match="holds none of this adapter"):
        vllm_command(run, 8000)


def test_runs_shows_what_each_run_has_come_to_and_marks_the_last(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    (run.dataset / "manifest.json").write_text(json.dumps({"splits": {"train": 4, "validation": 0, "test": 4}}))
    (run.folder / "eval").mkdir()
    run.metrics.write_text(json.dumps({"primary": {"verdict": "better", "base": 0.0, "tuned": 0.75}}))
    broken = run.folder.parent / "坏" / "dataset"
    broken.mkdir(parents=True)
    (broken / "manifest.json").write_text("{")
    assert main(["runs", "--json"]) == 0
    entries = {entry["run"]: entry for entry in json.loads(capsys.readouterr().out)["runs"]}
    assert entries["gunzi"]["last"]
    assert entries["gunzi"]["rows"] == {"train": 4, "test": 4}
    assert entries["gunzi"]["adapter"] == "qlora"
    assert entries["gunzi"]["size"] == sum(path.stat().st_size for path in run.folder.rglob("*") if path.is_file())
    assert "manifest.json" in entries["坏"]["damaged"]
    assert main(["runs"]) == 0
    told = capsys.readouterr()
    assert "better (0 % → 75 %)" in told.out
    assert told.err.startswith("坏: ")


def test_runs_before_any_run_names_the_first_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0
    assert "wukong-pipe build" in capsys.readouterr().out


def test_bash_completes_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    words = 'COMP_WORDS=(wukong-pipe exp); COMP_CWORD=1; _wukong_pipe_completion wukong-pipe; echo "${COMPREPLY[@]}"'
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", f"{script}\n{words}"], capture_output=True, text=True, env=os.environ | path)
    assert done.stdout == "export\n"


# --- processes ----------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def talking(tuned_run: Run) -> Iterator[subprocess.Popen[str]]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start("chat", "--run", "gunzi", "--max-new-tokens", "20", runs=tuned_run.folder.parent, **pipes)
    yield process
    process.kill()
    process.communicate()


def said(process: subprocess.Popen[str], line: str) -> str:
    """What chat answers to a line."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return process.stdout.readline()


def until(process: subprocess.Popen[str], words: str) -> None:
    """Read stderr up to the line with those words."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(words)


@pytest.mark.long
def test_chat_and_serve_answer_until_ctrl_c_and_end_well(talking: subprocess.Popen[str], tuned_run: Run) -> None:
    port = free_port()
    server = start("serve", "--run", "gunzi", "--port", str(port), runs=tuned_run.folder.parent, stderr=subprocess.PIPE)
    try:
        until(talking, "/exit leaves")
        assert said(talking, QUESTION) == f"{ANSWER}\n"
        assert said(talking, f"/clear\n\n{QUESTION}") == f"{ANSWER}\n"
        talking.send_signal(signal.SIGINT)
        until(talking, "once more leaves")
        assert said(talking, f"/clear\n{QUESTION}") == f"{ANSWER}\n"
        for _ in range(2):
            talking.send_signal(signal.SIGINT)
            time.sleep(0.5)
        assert talking.wait(120) == 0

        until(server, "Serving gunzi")
        asked = {"prompt": QUESTION}
        reply = httpx2.post(f"http://127.0.0.1:{port}/generate", json=asked, trust_env=False, timeout=60)
        assert reply.json() == {"response": ANSWER}
        with pytest.raises(WorkspaceError, match=r"Port \d+ cannot be used .*--port"):
            run_serve(tuned_run, port=port, model="", max_new_tokens=8, err=err)
        server.send_signal(signal.SIGINT)
        _, told = server.communicate(timeout=120)
        assert (server.returncode, told) == (0, "Stopped.\n")
    finally:
        server.kill()
        server.wait()


def test_ctrl_c_stops_an_answer_and_the_conversation_goes_on(
    tuned_run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned = load_tuned(tuned_run)
    # The base has not learnt to stop: all that it may say takes minutes.
    tuned.model.disable_adapter_layers()
    monkeypatch.setattr("wukong_trainer.use.tuned_model.load_tuned", lambda run, model: tuned)

    class Lines:
        """A question that is interrupted while it is answered, and then the end."""

        asked = False

        def isatty(self) -> bool:
            return False

        def readline(self) -> str:
            if self.asked:
                return "/exit\n"
            self.asked = True
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
            return f"{QUESTION}\n"

    monkeypatch.setattr("sys.stdin", Lines())
    before = threading.active_count()
    run_chat(tuned_run, model="", max_new_tokens=50_000, err=err)
    assert "Stopped; Ctrl-C once more leaves." in capsys.readouterr().err
    assert threading.active_count() == before
