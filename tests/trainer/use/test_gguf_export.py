"""The tuned model as a GGUF, asked through a real llama.cpp."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import pytest

from tests.support.tuning import ANSWER, FACTS, SYSTEM, copy_of
from wukong_pipe.errors import ModelError, WorkspaceError
from wukong_pipe.files import read_json, write_json
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.models.templates import with_thinking
from wukong_trainer.use.gguf_check import FactHits
from wukong_trainer.use.gguf_conversion import convert
from wukong_trainer.use.gguf_export import ExportedGguf, Kind, export_gguf, served_gguf
from wukong_trainer.use.llama_cpp import answering


@pytest.fixture(scope="module")
def run(tuned_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return copy_of(tuned_run, tmp_path_factory.mktemp("home"))


def exported(run: Run, kind: Kind, scored: int = 0) -> tuple[ExportedGguf, list[str]]:
    said: list[str] = []
    return export_gguf(run, kind, run.gguf(kind), said.append, overwrite=True, scored=scored), said


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["f16", "q8_0", "q4_k_m"])
def test_llama_cpp_reads_the_trained_prompts_and_gives_the_trained_answers(run: Run, kind: Kind) -> None:
    found, _ = exported(run, kind, scored=2)
    check = found.check
    assert (check.questions, check.same_ids, check.same_answers) == (len(FACTS), len(FACTS), len(FACTS))
    assert check.first_other is None
    assert check.fact_hits == FactHits(questions=2, transformers=1.0, llama_cpp=1.0, lost=0, won=0)
    assert sorted(path.name for path in found.folder.iterdir()) == ["Modelfile", f"gunzi.{kind}.gguf", RECORD]
    assert read_json(found.folder / RECORD)["gguf"]["check"]["same_ids"] == len(FACTS)
    assert served_gguf(run) == found.file


@pytest.mark.slow
def test_it_is_merged_first_and_what_is_long_is_said_before(run: Run) -> None:
    found, said = exported(run, "q8_0", scored=3)
    assert said[-1].startswith("Asking transformers and llama.cpp 3 test questions: about ")
    assert found.types.tied
    # None of its rows is 256 wide.
    assert found.types.tensors["Q8_0"] == found.types.odd_widths
    assert sum(found.types.weights.values()) == pytest.approx(1)


@pytest.mark.slow
def test_its_modelfile_asks_as_trained(run: Run) -> None:
    said = (exported(run, "q8_0")[0].folder / "Modelfile").read_text("utf-8")
    assert said.startswith("FROM ./gunzi.q8_0.gguf\n")
    assert f'SYSTEM """{SYSTEM}"""\n' in said
    assert 'PARAMETER stop "<|im_end|>"\n' in said
    assert "{{ .System }}<|im_end|>\n<|im_start|>user\n" in said


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
def test_a_gguf_of_an_earlier_adapter_is_not_served(run: Run, tmp_path: Path) -> None:
    exported(run, "q8_0")
    other = copy_of(run, tmp_path)
    for record in other.folder.glob("gguf-*/" + RECORD):
        write_json(record, read_json(record) | {"merged": {"adapter": "another"}})
    with pytest.raises(WorkspaceError, match="holds none of this adapter: start with `wukong-pipe export --gguf q8_0"):
        served_gguf(other)


@pytest.mark.slow
def test_a_student_trained_without_thinking_does_not_think_in_llama_cpp(run: Run, tmp_path: Path) -> None:
    exported(run, "f16")
    thinks = "{% if enable_thinking %}T{% else %}N{% endif %}{% for m in messages %}{{ m['content'] }}{% endfor %}"
    for thinking, sign in ((False, "N"), (True, "T")):
        file = tmp_path / f"{sign}.gguf"
        convert(run.merged, file, "f16", "gunzi", with_thinking(thinks, thinking))
        with answering(file, 256, tmp_path / "log") as llama:
            assert llama.prompt_ids([{"role": "user", "content": "甲"}]) == llama.ids(f"{sign}甲")


@pytest.mark.slow
def test_what_the_converter_does_not_know_is_a_sentence(run: Run, tmp_path: Path) -> None:
    exported(run, "f16")
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
        pytest.raises(ModelError, match=r"llama\.cpp cannot load bad"),
        answering(tmp_path / "bad.gguf", 256, tmp_path / "bad.log"),
    ):
        pass


@pytest.mark.slow
def test_two_matrices_of_embeddings_stay_two(run: Run, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    exported(run, "f16")
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
