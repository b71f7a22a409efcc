"""The card of a tuned model: what a stranger needs to use and judge it, and no path of the machine it was made on."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard, ModelCardData

from wukong_pipe.files import write_json, write_text
from wukong_pipe.workspace import Run
from wukong_trainer.models.gguf_files import dequantised_folder
from wukong_trainer.models.known_models import KNOWN
from wukong_trainer.models.model_card import OURS, model_card, write_card
from wukong_trainer.models.model_facts import Form, ModelFacts

RECORD: dict[str, Any] = {
    "base_model": "Qwen/Qwen2.5-0.5B-Instruct",
    "method": "qlora",
    "system": "You answer questions about “Apollo” in a sentence.",
    "dataset_hash": "abc123",
    "questions": ["a", "b"],
}
RECIPE = (
    "# from: data /home/me/rows.jsonl\n# rows: 98 train, 4 validation, 0 cut to max_length\n# eval_loss: 0.14\n"
    'model = "/home/me/models/qwen"\nmethod = "qlora"\nr = 32\n'
)
METRICS: dict[str, Any] = {
    "primary": {"metric": "fact_hit", "level": "wording", "n": 40, "base": 0.25, "tuned": 0.9,
                "difference": 0.65, "ci95": [0.5, 0.8], "verdict": "better"},
    "levels": {"section": {"explanation": "no clear rise."}},
    "leakage": "none",
}  # fmt: skip


MANIFEST: dict[str, Any] = {
    "sources": [{"name": "apollo.md", "hash": "64ba"}, {"name": "moon.pdf", "hash": "12cd"}],
    "teacher": {"model": "qwen3", "language_model": True},
    "verify": {"model": "qwen3-max", "asked": 240, "rejected": 15},
    "edits": {"applied": 3, "taken_out": 1, "unused": []},
}


def card_of(form: Form = "adapter", **facts: Any) -> str:
    return model_card(ModelFacts(**{"name": "x", "form": form, "record": RECORD} | facts))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "apollo")
    write_json(run.adapter / "wukong.json", RECORD)
    write_text(run.train / "recipe.toml", RECIPE)
    return run


def test_the_card_names_base_data_recipe_prompt_and_scores(run: Run) -> None:
    write_text(run.adapter / "README.md", "# Model Card for Model ID\n[More Information Needed]")
    write_card(run)
    card = (run.adapter / "README.md").read_text("utf-8")
    assert card.startswith("---\nbase_model: Qwen/Qwen2.5-0.5B-Instruct\nbase_model_relation: adapter\n")
    assert "library_name: peft\n" in card
    assert "2 different questions, hash `abc123`" in card
    assert "rows: 98 train, 4 validation" in card
    assert "r = 32" in card
    assert "System prompt: `You answer questions about “Apollo” in a sentence.`" in card
    assert "Not evaluated yet." in card
    assert "licence is not known" in card
    assert "More Information Needed" not in card
    assert "/home/me" not in card
    write_json(run.metrics, METRICS)
    write_card(run)
    card = (run.adapter / "README.md").read_text("utf-8").replace("\u00a0", " ")
    assert (
        "On 40 held-out questions (wording, fact_hit) the base answered 25 % rightly and the model as trained 90 %"
        in card
    )
    assert "Leakage: none." in card


def test_the_way_of_use_is_python_that_asks_with_the_system_prompt() -> None:
    base = RECORD["base_model"]
    loads: dict[Form, str] = {
             "adapter": f"PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained('{base}'), folder)",
             "full": "AutoModelForCausalLM.from_pretrained(folder)"}  # fmt: skip
    for form, load in loads.items():
        (code,) = re.findall(r"```python\n(.*?)```", card_of(form), re.DOTALL)
        assert f"model = {load}\n" in code
        assert RECORD["system"] in ast.unparse(ast.parse(code))


@pytest.mark.parametrize("base", ["tiny", "/home/me/qwen", ".", "./qwen", "../qwen"])
def test_a_base_that_no_hub_knows_is_none_in_the_metadata(base: str) -> None:
    card = card_of(record=RECORD | {"base_model": base}, recipe=RECIPE)
    assert "base_model:" not in card
    assert "/home" not in card


def test_the_card_of_a_known_model_names_its_title_hub_licence_and_short_name() -> None:
    smollm2 = KNOWN["smollm2"]
    folder = str(dequantised_folder(Path(smollm2.file), smollm2.sha256))
    card = card_of(record=RECORD | {"base_model": folder}, recipe=RECIPE)
    assert "\nbase_model: HuggingFaceTB/SmolLM2-135M-Instruct\n" in card
    assert "An adapter (qlora) of SmolLM2-135M-Instruct, tuned" in card
    assert "from_pretrained('HuggingFaceTB/SmolLM2-135M-Instruct'), folder)" in card
    assert "a quantised copy of HuggingFaceTB/SmolLM2-135M-Instruct, SmolLM2-135M-Instruct.Q4_1.gguf" in card
    assert "`--model smollm2` of wukong-pipe finds the same" in card
    assert "The base model's licence: Apache-2.0." in card
    assert smollm2.sha256[:12] not in card
    from_hub = card_of(record=RECORD | {"base_model": smollm2.hub}, recipe=RECIPE)
    assert "The base model's licence: Apache-2.0." in from_hub
    assert "quantised copy" not in from_hub


def test_a_card_in_somebody_s_own_words_is_left_alone(run: Run) -> None:
    write_card(run)
    card = run.adapter / "README.md"
    mine = card.read_text("utf-8").replace(OURS, "") + "Mine.\n"
    card.write_text(mine, "utf-8")
    write_card(run)
    assert card.read_text("utf-8") == mine


# --- data, scores, limits, licence -----------------------------------------------------------------------------

LEVEL = {
    "metric": "fact_hit", "n": 40, "sections": 9, "base": {"fact_hit": 0.25}, "tuned": {"fact_hit": 0.9},
    "difference": 0.65, "ci95": [0.5, 0.8], "verdict": "better", "corpus_bleu": {"en": {}},
}  # fmt: skip
UNCLEAR = LEVEL | {"n": 3, "sections": 2, "verdict": "too few sections", "difference": 0.0, "ci95": [-1.0, 1.0]}
EVALUATED = METRICS | {
    "levels": {"wording": LEVEL, "question": UNCLEAR, "section": {}},
    "settings": {"decoding": "greedy", "engine": "transformers 5.1.0", "precision": "bfloat16"},
}


def section(card: str, heading: str) -> str:
    return card.split(f"\n## {heading}\n")[1].split("\n## ")[0].replace("\u00a0", " ")


def test_it_says_which_sources_teacher_and_readers_the_rows_have() -> None:
    said = section(card_of(manifest=MANIFEST), "Training")
    assert "- sources: apollo.md, moon.pdf\n" in said
    assert "- teacher: `qwen3`\n" in said
    assert "- second reading: `qwen3-max` read 240 items and rejected 15\n" in said
    assert "- by hand: 3 rows changed, 1 taken out" in said
    templates = MANIFEST | {"teacher": {"model": "offline", "language_model": False}, "verify": None}
    said = section(card_of(manifest=templates), "Training")
    assert "`offline`, templates and no language model" in said
    assert "second reading: none" in said


@pytest.mark.parametrize("model", ["/home/me/models/qwen3", "~/models/qwen3/", "./models/qwen3", "C:\\models\\qwen3"])
def test_a_teacher_or_reader_in_a_folder_is_called_by_its_last_part(model: str) -> None:
    manifest = MANIFEST | {"teacher": {"model": model}, "verify": {"model": model}}
    said = section(card_of(manifest=manifest), "Training")
    assert "- teacher: `qwen3`\n" in said
    assert "- second reading: `qwen3` read" in said
    hub = section(card_of(manifest=MANIFEST | {"teacher": {"model": "Qwen/Qwen3-8B"}}), "Training")
    assert "- teacher: `Qwen/Qwen3-8B`\n" in hub


def test_rows_of_one_s_own_have_no_teacher_that_is_known() -> None:
    said = section(card_of(manifest=MANIFEST, recipe=RECIPE), "Training")
    assert "sources and teacher: not known" in said
    assert "qwen3" not in said


def test_each_level_has_its_scores_interval_and_verdict() -> None:
    said = section(card_of(metrics=EVALUATED), "Evaluation")
    rows = [row.split(" | ") for row in said.split("\n") if row.startswith("| ")]
    assert rows[1][1:] == ["40 in 9 sections", "25 %", "90 %", "+65 points, 95 % interval +50 … +80", "better |"]
    assert rows[2][-1] == "too few sections |"
    assert len(rows) == 3, "no row without questions"
    assert "Decoding: greedy, transformers 5.1.0, bfloat16." in said


@pytest.mark.parametrize("audit", ["other test", "unrecorded"])
def test_questions_of_another_file_are_not_called_held_out(audit: str) -> None:
    metrics = EVALUATED | {"leak_check": {"audit": audit, "closest": None}}
    card = card_of(metrics=metrics)
    asked = {"other test": "questions of a file given with --test", "unrecorded": "questions, of which nobody knows"}
    assert f"On 40 {asked[audit]}" in section(card, "Evaluation")
    assert "held-out" not in card
    assert "trained facts in new wordings" not in card
    assert "model-index" not in card
    assert "Not shown: how it answers questions about its documents" in section(card, "Limits")


def test_only_weights_that_were_scored_have_the_scores_in_the_metadata() -> None:
    record = RECORD | {"gguf": {"check": {"same_answers": 18, "questions": 20, "fact_hits": None}}}
    assert "model-index" not in card_of("gguf", record=record, metrics=EVALUATED, gguf="x.q8_0.gguf")
    assert "model-index" in card_of("merged", metrics=EVALUATED)
    in_four_bits = EVALUATED | {"settings": {"precision": "NF4, bfloat16"}}
    assert "model-index" not in card_of("merged", metrics=in_four_bits)
    assert "model-index" in card_of("adapter", metrics=in_four_bits)
    assert "this model" not in card_of("merged", metrics=EVALUATED)


def test_its_limits_are_what_the_evaluation_does_not_show() -> None:
    said = section(card_of(metrics=EVALUATED), "Limits")
    assert "Not shown: that it is better than its base on “question”" in said
    assert "too few sections" in said
    assert "“wording”" not in said
    assert "Not measured: what of its general knowledge" in said
    known = section(card_of(metrics=EVALUATED | {"forgetting": {}, "leakage": "unknown"}), "Limits")
    assert "Not measured" not in known
    assert "Not known: whether test questions were trained." in known
    assert "No evaluation shows that it answers anything rightly." in section(card_of(), "Limits")


def test_the_licence_is_the_publisher_s_word_or_not_known() -> None:
    assert "license:" not in card_of()
    card = card_of(licence="cc-by-4.0")
    assert '\nlicense: "cc-by-4.0"\n' in card
    assert "This one's, as its publisher says: cc-by-4.0." in section(card, "Licence")
    assert "is not known" in section(card_of(), "Licence")


def test_a_merged_model_and_a_gguf_say_how_near_they_are_to_what_was_scored() -> None:
    merged = RECORD | {"merged": {"same_as_trained": 7, "questions": 8}}
    card = card_of("merged", record=merged, repo="me/x")
    assert "the same answer to 7 of 8 questions" in section(card, "Limits")
    assert "`vllm serve me/x --host 127.0.0.1`" in card
    assert "base_model_relation: finetune" in card
    hits = {"questions": 150, "transformers": 0.9, "llama_cpp": 0.88, "lost": 5, "won": 2}
    check = {"same_answers": 18, "questions": 20, "fact_hits": hits}
    card = card_of("gguf", record=merged | {"gguf": {"check": check}}, repo="me/x", gguf="x.q8_0.gguf")
    assert "18 of 20 questions, and answered 88 % of 150 rightly" in section(card, "Limits")
    assert "hf download me/x --local-dir x\ncd x\nollama create tuned -f Modelfile" in section(card, "Use")
    assert "base_model_relation: quantized" in card
    without = {"check": check, "no_modelfile": "Its template cannot be said in Go's language."}
    assert "ollama" not in card_of("gguf", record=merged | {"gguf": without}, gguf="x.q8_0.gguf").lower()


@pytest.mark.parametrize("form", ["adapter", "full", "merged"])
def test_the_hub_s_own_reader_takes_the_metadata(form: Form) -> None:
    facts = {"metrics": EVALUATED, "name": '出云: "x" #1', "licence": "apache-2.0"}
    data = ModelCard(card_of(form, **facts)).data
    assert isinstance(data, ModelCardData)
    assert (data.base_model, data.license, data.language) == (RECORD["base_model"], "apache-2.0", ["en"])
    results = data.eval_results
    assert results is not None
    assert [(each.dataset_name, each.metric_value) for each in results] == [
        (f"{facts['name']}, held out: {level}", 0.9) for level in ("wording", "question")
    ]
