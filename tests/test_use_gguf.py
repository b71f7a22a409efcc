"""What users do with a GGUF of a tuned model, through the command line: export it, serve it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.support.tuning import ANSWER, FACTS, copy_of
from tests.test_use import error_of, start
from wukong_pipe.cli.main import main
from wukong_pipe.workspace import Run

pytestmark = pytest.mark.usefixtures("empty_home")

QUESTION = FACTS[0][0]


@pytest.fixture
def run(tuned_run: Run, empty_home: Path) -> Run:
    """A copy of the trained run, the one used last, in the folder that the test stands in."""
    return copy_of(tuned_run, empty_home)


def test_export_of_a_gguf_says_what_it_is_made_of_and_that_it_answers_as_trained(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--gguf", "q4_k_m", "--score", "2"]) == 0
    told = capsys.readouterr().out
    assert "gunzi.q4_k_m.gguf" in told
    assert "are no multiple of 256 wide" in " ".join(told.split())
    asked = f"the prompts of {len(FACTS)} of {len(FACTS)} questions have the token ids of the training"
    assert asked in " ".join(told.split())
    assert "fact_hit on 2 test questions: 100.0% in transformers, 100.0% in llama.cpp" in " ".join(told.split())
    assert "ollama create gunzi -f " in told
    assert "--overwrite" in error_of(capsys, "export", "--gguf", "q4_k_m")
    assert main(["export", "--gguf", "q8_0", "--out", "elsewhere", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == "elsewhere/gunzi.q8_0.gguf"
    assert (run.gguf("q4_k_m") / "Modelfile").is_file()


def test_what_a_gguf_needs_is_said_before_anything_is_merged(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setattr("wukong_pipe.extras.find_spec", lambda name: None if name == "xllamacpp" else name)
        told = error_of(capsys, "export", "--gguf", "f16")
        assert re.search(r"xllamacpp, which is not installed: .*train,gguf", told)
        assert "xllamacpp" in error_of(capsys, "serve", "--engine", "llamacpp")
    assert not run.merged.exists()
    assert "wukong-pipe export --gguf" in error_of(capsys, "serve", "--engine", "llamacpp")
    assert main(["export", "--score", "9"]) == 2


@pytest.mark.long
def test_llama_cpp_serves_the_gguf_under_the_runs_name_until_ctrl_c(run: Run) -> None:
    assert main(["export", "--gguf", "q8_0"]) == 0
    options = ["--engine", "llamacpp", "--port", "0", "--max-new-tokens", "20"]
    server = start("serve", *options, runs=run.folder.parent, stderr=subprocess.PIPE)
    assert server.stderr is not None
    try:
        found = None
        while found is None:
            found = re.search(r"gunzi\.q8_0\.gguf on (http://\S+)/v1, ", server.stderr.readline())
        # No system message and no temperature: those of the training.
        asked = {"model": "gunzi", "messages": [{"role": "user", "content": QUESTION}]}
        reply = httpx2.post(f"{found[1]}/v1/chat/completions", json=asked, trust_env=False, timeout=60).json()
        assert reply["choices"][0]["message"]["content"] == ANSWER
        assert httpx2.get(f"{found[1]}/v1/models", trust_env=False).json()["data"][0]["id"] == "gunzi"
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)
        assert server.returncode == 0
    finally:
        server.kill()
        server.wait()
