"""The held-out questions for inspect_ai and lm-eval: their files, and the scores that they give, without either tool.

`benchmarks/evaluation_elsewhere.md` has both tools themselves.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from wukong_pipe.errors import DataError, ModelError, WorkspaceError
from wukong_pipe.files import jsonl, read_jsonl, read_object, sha256_of, write_json, write_text
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.data.files import read_training_data
from wukong_trainer.data.thoughts import said
from wukong_trainer.evaluation.questions import read_test_rows
from wukong_trainer.evaluation.records import TestRow
from wukong_trainer.evaluation.sources import NoSources
from wukong_trainer.scoring.facts import fact_scores
from wukong_trainer.use.task_export import ExportedTask, Tool, export_task

yaml: Any = import_module("yaml")  # It has no types.
SUPPORT = Path(__file__).resolve().parents[2] / "support"
SECTION = "Set `verify` to False to turn it off."
ROWS: list[dict[str, Any]] = [
    {"instruction": "How long is it?", "output": "12 km long.", "facts": [["12 km"]], "section_id": "s1"},
    {"instruction": "谁打造了它？", "output": "铁匠。", "facts": [["铁匠"]], "section_id": "s2", "level": "section"},
    {"instruction": "Is it red?", "output": "Yes, it is.", "facts": [["yes"]], "section_id": "s1"},
    {"instruction": "Which option?", "output": "`verify`", "facts": [["`verify`"]], "section_id": "s3"},
    {
        "instruction": "Explain.",
        "output": "A, then B.",
        "facts": [["A"], ["B"]],
        "kind": "explain",
        "level": "question",
    },
    {"instruction": "And then?", "output": "A nap.", "facts": [["nap"]], "history": [["First?", "Tea."]]},
    {"instruction": "Hm?", "output": "hm", "facts": []},
]
ANSWERS = [
    *("It is twelve kilometres long.", "<think>13 km?</think>12 km", "<think>12 km, I", "12 miles", "由一名铁匠打造。"),
    *(
        "由铁匠打造。",
        "不知道",
        "No.",
        "Yes.",
        "Set `verify`.",
        "`verify` or `check_all`",
        "B",
        "A and B",
        "He has a nap.",
    ),
]


class Sections(NoSources):
    def section(self, row: TestRow) -> str | None:
        return SECTION if row.section_id == "s3" else None


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that was trained and evaluated, as far as an export of its questions reads it."""
    run = Run(tmp_path_factory.mktemp("runs") / "出云-1")
    write_text(run.dataset / "test.jsonl", jsonl(ROWS))
    write_json(run.adapter / "adapter_config.json", {})
    record = {"base_fingerprint": "", "system": "Answer briefly.", "style": "chat"}
    write_json(run.adapter / RECORD, record)
    write_json(run.metrics, {"settings": {"max_new_tokens": 77}})
    words = Tokenizer(WordLevel({"<end>": 0, "?": 1}, unk_token="?"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<end>")
    tokenizer.chat_template = "{% for turn in messages %}{{ turn['content'] }}<end>{% endfor %}"
    tokenizer.save_pretrained(run.adapter)
    return run


@pytest.fixture(scope="module")
def tasks(run: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[Tool, ExportedTask]:
    tools: tuple[Tool, ...] = ("inspect", "lm-eval")
    return {tool: export_task(run, tool, tmp_path_factory.mktemp(tool) / "task", Sections()) for tool in tools}


def our_scores(run: Run) -> list[list[dict[str, float | None]]]:
    """What `eval` gives each answer to each question that it scores."""
    rows = [row for row in read_test_rows(run.dataset / "test.jsonl") if row.facts]
    wanted = [row.wanted for row in rows]
    wanted[3] = replace(wanted[3], section=SECTION)
    return [[fact_scores(said(answer), each) for answer in ANSWERS] for each in wanted]


def in_bare_python(script: str, *arguments: str) -> Any:
    """What a script prints, as JSON, where the standard library is all that is installed."""
    command = [sys.executable, "-I", "-S", "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_question_says_what_is_asked_as_eval_asks_and_what_scores_it(tasks: dict[Tool, ExportedTask]) -> None:
    first, *_, asked_on = read_jsonl(tasks["inspect"].folder / "questions.jsonl")
    system = {"role": "system", "content": "Answer briefly."}
    assert first["messages"] == [system, {"role": "user", "content": "How long is it?"}]
    assert (first["part"], first["reference"], first["facts"]) == ("wording", "12 km long.", [["12 km"]])
    turns = [(turn["role"], turn["content"]) for turn in asked_on["messages"]]
    assert turns[1:] == [("user", "First?"), ("assistant", "Tea."), ("user", "And then?")]


def test_parts_are_levels_with_their_yes_or_no_and_explanations_apart(tasks: dict[Tool, ExportedTask]) -> None:
    parts = {"wording": 3, "wording_polar": 1, "question_explained": 1, "section": 1}
    assert [*tasks["inspect"].parts.items()] == [*parts.items()]
    assert (tasks["inspect"].without_facts, tasks["inspect"].in_conversations) == (1, 0)
    assert tasks["lm-eval"].parts == parts | {"wording": 2}
    assert tasks["lm-eval"].in_conversations == 1, "lm-eval cannot say what came before"
    for task in tasks.values():
        readme = (task.folder / "README.md").read_text("utf-8")
        assert "1 question of the run have no facts" in readme
        assert f"{sum(task.parts.values())} questions" in readme
        assert "$" not in readme
        assert ("-M model_path=MODEL_FOLDER -M do_sample=false\n" in readme) == (task is tasks["inspect"])
        assert "keeps the repetition penalty" in readme
        assert ("--model_args pretrained=MODEL_FOLDER --gen_kwargs repetition_penalty=1.0\n" in readme) == (
            task is tasks["lm-eval"]
        )
        assert "did not see" not in readme, "nobody recorded what was trained"
        assert "is not known" in readme


def test_questions_that_were_trained_are_refused_or_left_out_and_counted(run: Run, tmp_path: Path) -> None:
    leaky = Run(tmp_path / "leaky")
    shutil.copytree(run.folder, leaky.folder)
    rows = [{"instruction": "How long is it?", "output": "12 km long."}]
    write_text(leaky.dataset / "train.jsonl", jsonl(rows))
    trained = {"questions": ["How long is it?"], "dataset_hash": read_training_data(leaky.dataset).hash}
    write_json(leaky.adapter / RECORD, read_object(leaky.adapter / RECORD, {}) | trained)
    with pytest.raises(ModelError, match="trained on 1 of these 7 test questions"):
        export_task(leaky, "inspect", tmp_path / "task", Sections())
    task = export_task(leaky, "inspect", tmp_path / "task", Sections(), drop_leaked=True)
    assert (task.leaked, task.leakage, task.parts["wording"]) == (1, "dropped 1, rest unknown", 2)
    assert "1 question of the run were trained" in (task.folder / "README.md").read_text("utf-8")


def test_that_the_training_did_not_see_them_is_said_where_the_build_s_audit_knows_it(run: Run, tmp_path: Path) -> None:
    clean = Run(tmp_path / "clean")
    shutil.copytree(run.folder, clean.folder)
    write_text(clean.dataset / "train.jsonl", jsonl([{"instruction": "Who?", "output": "A smith."}]))
    files = {name: sha256_of(clean.dataset / name) for name in ("train.jsonl", "test.jsonl")}
    write_json(clean.manifest, {"files": files})
    trained = {"questions": ["Who?"], "dataset_hash": read_training_data(clean.dataset).hash}
    write_json(clean.adapter / RECORD, read_object(clean.adapter / RECORD, {}) | trained)
    readme = export_task(clean, "inspect", tmp_path / "task", Sections()).folder / "README.md"
    assert "questions of the run clean that its training did not see, made by" in readme.read_text("utf-8")


def test_an_answer_is_cut_where_the_run_s_evaluation_cut_it(tasks: dict[Tool, ExportedTask]) -> None:
    assert {task.tokens for task in tasks.values()} == {77}


def test_the_inspect_task_scores_as_eval_does_where_nothing_of_ours_is_installed(
    run: Run, tasks: dict[Tool, ExportedTask]
) -> None:
    script = """
import asyncio, json, runpy, sys
from types import SimpleNamespace as Made
sys.path.insert(0, sys.argv[1])
import inspect_stand_in
inspect_stand_in.put_in_place()
written = runpy.run_path(sys.argv[2])
import wukong_pipe
assert wukong_pipe.__file__.startswith(sys.argv[2].removesuffix("task.py"))
task = written["heldout"]()
score = written["facts"]()
def scores(sample, answer):
    return asyncio.run(score(Made(output=Made(completion=answer), metadata=sample.metadata), sample.target)).value
print(json.dumps({
    "scores": [[scores(sample, answer) for answer in json.loads(sys.argv[3])] for sample in task.dataset],
    "input": [sample.input for sample in task.dataset],
    "polar": len(written["heldout"]("wording_polar").dataset),
    "config": vars(task.config),
    "measured": written["by_part"]()([
        Made(value=value, sample_metadata={"part": part, "cluster": cluster})
        for part, cluster, value in (("wording", "a", 1), ("section", "b", 0), ("wording", "c", 0))
    ]),
}))
"""
    file = tasks["inspect"].folder / "task.py"
    found = in_bare_python(script, str(SUPPORT), str(file), json.dumps(ANSWERS))
    assert found["scores"] == our_scores(run)
    assert found["input"][0] == [["system", "Answer briefly."], ["user", "How long is it?"]]
    assert found["config"] == {"temperature": 0, "max_tokens": 77}
    assert found["polar"] == 1
    assert found["measured"] == {"wording": 0.5, "wording stderr": 2, "section": 0, "section stderr": 1}


def test_the_recorded_answers_are_right_and_wrong(run: Run) -> None:
    hits = [[scores["fact_hit"] for scores in scored] for scored in our_scores(run)]
    assert all({0.0, 1.0} <= {*of_question} for of_question in hits)


class Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML as lm-eval reads it: `!function file.name` is a function of a file beside it."""


Loader.add_constructor("!function", lambda loader, node: ("function", loader.construct_scalar(node)))


def written_tasks(folder: Path) -> dict[str, dict[str, Any]]:
    """By the name of the file."""
    return {path.stem: yaml.load(path.read_text("utf-8"), Loader) for path in folder.glob("*.yaml")}


def test_lm_eval_finds_a_task_a_part_and_their_group(tasks: dict[Tool, ExportedTask]) -> None:
    exported = tasks["lm-eval"]
    written = written_tasks(exported.folder)
    assert exported.task == "wukong_出云-1"
    group = written.pop(exported.task)
    assert group == {"group": exported.task, "task": [f"{exported.task}_{part}" for part in exported.parts]}
    assert {*group["task"]} == {*written}
    for name, task in written.items():
        assert task["task"] == name
        assert task["custom_dataset"] == ("function", "heldout.questions")
        assert task["process_results"] == ("function", "heldout.scores")
        asked = task["generation_kwargs"]
        assert asked == {"until": ["<end>"], "max_gen_toks": 77, "do_sample": False, "temperature": 0}


def test_the_lm_eval_task_scores_as_eval_does(
    run: Run, tasks: dict[Tool, ExportedTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    folder = tasks["lm-eval"].folder
    spec = spec_from_file_location("heldout", folder / "heldout.py")
    assert spec is not None
    assert spec.loader is not None
    heldout = module_from_spec(spec)
    spec.loader.exec_module(heldout)
    found = {}
    for task in written_tasks(folder).values():
        if part := task.get("dataset_kwargs", {}).get("part"):
            for row in heldout.questions(part=part, **task["metadata"])["test"]:
                assert row[task["description"]] == "Answer briefly."
                found[row[task["doc_to_text"]]] = [heldout.scores(row, [answer]) for answer in ANSWERS]
    ours = dict(zip([row["instruction"] for row in ROWS if row["facts"]], our_scores(run), strict=True))
    assert found == {question: scores for question, scores in ours.items() if question != "And then?"}


def test_a_folder_in_use_is_refused_and_an_earlier_export_replaced_when_asked(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "task"
    export_task(run, "inspect", out, Sections())
    with pytest.raises(WorkspaceError, match="replace it with --overwrite"):
        export_task(run, "lm-eval", out, Sections())
    export_task(run, "lm-eval", out, Sections(), overwrite=True)
    assert not (out / "task.py").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    write_json(tmp_path / "model" / RECORD, {"base_model": "tiny", "merged": {}})
    write_text(tmp_path / "model" / "config.json", "{}")
    with pytest.raises(WorkspaceError, match="holds a merged model, which this export does not replace"):
        export_task(run, "inspect", tmp_path / "model", Sections(), overwrite=True)
    with pytest.raises(WorkspaceError, match="in use and holds no export"):
        export_task(run, "inspect", tmp_path / "mine", Sections(), overwrite=True)
    with pytest.raises(WorkspaceError, match="in use and holds no export"):
        export_task(run, "inspect", run.adapter, Sections(), overwrite=True)


def test_questions_that_no_score_is_about_are_none_to_export(tmp_path: Path) -> None:
    run = Run(tmp_path / "plain")
    write_text(run.dataset / "test.jsonl", jsonl([{"instruction": "A?", "output": "?"}]))
    write_json(run.adapter / "adapter_config.json", {})
    with pytest.raises(DataError, match="they have no facts to score an answer by"):
        export_task(run, "inspect", tmp_path / "task", Sections())
