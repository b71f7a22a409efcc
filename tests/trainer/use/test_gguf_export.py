"""The tuned model as a GGUF, asked through a real llama.cpp."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import gguf
import pytest

from tests.support.tuning import ANSWER, FACTS, SYSTEM, copy_of
from wukong_pipe.errors import ModelError, WorkspaceError
from wukong_pipe.files import read_json, write_json
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.data.examples import chat_prompt
from wukong_trainer.inference.generate import prompt_text
from wukong_trainer.models.loading import load_tokenizer
from wukong_trainer.models.templates import trained_template, with_thinking
from wukong_trainer.use.gguf_check import FactHits
from wukong_trainer.use.gguf_conversion import convert
from wukong_trainer.use.gguf_export import ExportedGguf, Kind, export_gguf
from wukong_trainer.use.llama_cpp import answering
from wukong_trainer.use.served_gguf import served_gguf


@pytest.fixture(scope="module")
def run(tuned_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return copy_of(tuned_run, tmp_path_factory.mktemp("home"))


Exports = Callable[[Kind], ExportedGguf]


@pytest.fixture(scope="module")
def exports(run: Run) -> Exports:
    """Gives the run's tuned model as a GGUF of a kind, with two test questions scored; made once."""
    return cache(lambda kind: export_gguf(run, kind, run.gguf(kind), said.append, scored=2))


said: list[str] = []
"""What the exports told on their way."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["f16", "q8_0", "q4_k_m"])
def test_llama_cpp_reads_the_trained_prompts_and_gives_the_trained_answers(
    run: Run, exports: Exports, kind: Kind
) -> None:
    found = exports(kind)
    check = found.check
    assert (check.questions, check.same_ids, check.same_answers) == (len(FACTS), len(FACTS), len(FACTS))
    assert check.first_other is None
    assert check.fact_hits == FactHits(questions=2, transformers=1.0, llama_cpp=1.0, lost=0, won=0)
    assert said[-1].startswith("Asking transformers and llama.cpp 2 test questions: about ")
    assert sorted(path.name for path in found.folder.iterdir()) == ["Modelfile", f"gunzi.{kind}.gguf", RECORD]
    assert read_json(found.folder / RECORD)["gguf"]["check"]["same_ids"] == len(FACTS)
    assert served_gguf(run) == found.file


@pytest.mark.slow
def test_the_types_of_its_tensors_are_counted(exports: Exports) -> None:
    types = exports("q8_0").types
    assert types.tied
    # None of its rows is 256 wide.
    assert types.tensors["Q8_0"] == types.odd_widths
    assert sum(types.weights.values()) == pytest.approx(1)
    assert set(exports("q4_k_m").types.tensors) == {"F32", "Q5_0", "Q8_0"}


@pytest.mark.slow
def test_its_modelfile_asks_as_trained(exports: Exports) -> None:
    modelfile = (exports("q8_0").folder / "Modelfile").read_text("utf-8")
    assert modelfile.startswith("FROM ./gunzi.q8_0.gguf\n")
    assert f'SYSTEM """{SYSTEM}"""\n' in modelfile
    assert 'PARAMETER stop "<|im_end|>"\n' in modelfile
    assert "{{ .System }}<|im_end|>\n<|im_start|>user\n" in modelfile


@pytest.mark.slow
def test_a_prompt_that_llama_cpp_reads_otherwise_is_refused_and_leaves_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wukong_trainer.use.gguf_export.with_system", lambda template, system: template)
    with pytest.raises(ModelError, match=r"llama\.cpp reads another prompt than was trained: in “.+”, from token \d+"):
        export_gguf(run, "f16", run.folder / "other", lambda line: None)
    assert not (run.folder / "other").exists()
    assert not (run.folder / ".other.tmp").exists()


@pytest.mark.slow
def test_a_gguf_of_an_earlier_adapter_is_not_served(run: Run, exports: Exports, tmp_path: Path) -> None:
    exports("q8_0")
    other = copy_of(run, tmp_path)
    for record in other.folder.glob(f"gguf-*/{RECORD}"):
        write_json(record, read_json(record) | {"merged": {"adapter": "another"}})
    with pytest.raises(WorkspaceError, match="holds none of this adapter: start with `wukong-pipe export --gguf q8_0"):
        served_gguf(other)


@pytest.mark.slow
def test_a_student_trained_without_thinking_does_not_think_in_llama_cpp(
    run: Run, exports: Exports, tmp_path: Path
) -> None:
    exports("f16")
    thinks = "{% if enable_thinking %}T{% else %}N{% endif %}{% for m in messages %}{{ m['content'] }}{% endfor %}"
    for thinking, sign in ((False, "N"), (True, "T")):
        file = tmp_path / f"{sign}.gguf"
        convert(run.merged, file, "f16", "gunzi", with_thinking(thinks, thinking))
        with answering(file, 256, tmp_path / "log") as llama:
            assert llama.prompt_ids([{"role": "user", "content": "甲"}]) == llama.ids(f"{sign}甲")


@pytest.mark.slow
@pytest.mark.parametrize("system", ["", "请按下面的要求回答。\n简短。"])
def test_plain_text_as_alpaca_has_it_is_read_as_trained(
    run: Run, exports: Exports, tmp_path: Path, system: str
) -> None:
    exports("f16")
    tokenizer = load_tokenizer(str(run.adapter))
    convert(run.merged, tmp_path / "plain.gguf", "f16", "gunzi", trained_template("", "instruction", False))
    turns = [*chat_prompt("翻译", system), {"role": "assistant", "content": "好 "}, *chat_prompt("Monkey?\n", "")]
    with answering(tmp_path / "plain.gguf", 256, tmp_path / "log") as llama:
        for prompt in (turns, turns[: 2 if system else 1]):
            text = prompt_text(tokenizer, prompt, "instruction")
            assert llama.prompt_ids(prompt) == tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.slow
def test_what_the_converter_does_not_know_is_a_sentence(run: Run, exports: Exports, tmp_path: Path) -> None:
    exports("f16")
    strange = tmp_path / "strange"
    strange.mkdir()
    for path in run.merged.iterdir():
        (strange / path.name).write_bytes(path.read_bytes())
    config = json.loads((strange / "config.json").read_text())
    write_json(strange / "config.json", config | {"architectures": ["StrangeForCausalLM"]})
    with pytest.raises(ModelError, match=r"llama\.cpp's converter does not take this model: .*StrangeForCausalLM"):
        convert(strange, tmp_path / "out.gguf", "f16", "strange", "")


def test_a_file_that_llama_cpp_cannot_load_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF\3\0\0\0" + bytes(16))
    with (
        pytest.raises(ModelError, match=r"llama\.cpp cannot load the model: .*bad\.log"),
        answering(tmp_path / "bad.gguf", 256, tmp_path / "bad.log"),
    ):
        pass


@pytest.mark.slow
def test_two_matrices_of_embeddings_stay_two(run: Run, exports: Exports, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    exports("f16")
    model = AutoModelForCausalLM.from_pretrained(run.merged)
    model.config.tie_word_embeddings = False
    model.lm_head.weight = type(model.lm_head.weight)(model.lm_head.weight.detach().clone())
    model.save_pretrained(tmp_path / "untied")
    AutoTokenizer.from_pretrained(run.merged).save_pretrained(tmp_path / "untied")
    template = (run.merged / "chat_template.jinja").read_text("utf-8")
    convert(tmp_path / "untied", tmp_path / "untied.gguf", "q8_0", "untied", template)
    assert "output.weight" in {tensor.name for tensor in gguf.GGUFReader(tmp_path / "untied.gguf").tensors}
    with answering(tmp_path / "untied.gguf", 256, tmp_path / "log") as llama:
        assert llama.answer([{"role": "user", "content": FACTS[0][0]}], 20).text == ANSWER
