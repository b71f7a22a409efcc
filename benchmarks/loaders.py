"""Do other people's readers get our rows: datasets.load_dataset, TRL's SFTTrainer and LLaMA-Factory's own loader?

Builds the sample corpora with the embedded teacher in every format, has each reader read every split, and compares
questions and answers, row by row, with train.jsonl, val.jsonl and test.jsonl. LLaMA-Factory wants other versions of
the same libraries, so it gets an environment of its own; --llamafactory names the Python of one that is there, else
one is made in a temporary folder (some 7 GB). Prints a Markdown table; see loaders.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from wukong_pipe.commands.build import run_build
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.dataset.formats import FORMATS, Format
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.records import FILES
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.workspace import Run, Workspace

CORPORA = Path(__file__).resolve().parent.parent / "corpora"
PACKAGES = ("llamafactory==0.9.5", "torch==2.11.*", "torchvision==0.26.*")
"""pip alone would take a newer torch than the torchaudio it takes, and that refuses to be imported with it."""
SETTINGS = BuildSettings(variants=8, max_pairs=10, limit=20)
Pairs = list[tuple[str, str]]

IN_LLAMAFACTORY = """
import json, sys
from transformers import AutoTokenizer, Seq2SeqTrainingArguments
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.data.loader import _get_merged_dataset
from llamafactory.extras.env import VERSION
from llamafactory.hparams import DataArguments, ModelArguments

wanted = json.load(sys.stdin)
model = ModelArguments(model_name_or_path=wanted["tokenizer"], cache_dir=wanted["cache"])
training = Seq2SeqTrainingArguments(output_dir=wanted["cache"], use_cpu=True, report_to=[])
read = []
for folder, names in wanted["folders"]:
    for name in names:
        data = DataArguments(dataset=name, dataset_dir=folder, template="qwen", cutoff_len=2048)
        rows = _get_merged_dataset(data.dataset, model, data, training, "sft")
        pairs = [("".join(turn["content"] for turn in row["_prompt"]), row["_response"][0]["content"]) for row in rows]
        tokenizer = AutoTokenizer.from_pretrained(wanted["tokenizer"])
        template = get_template_and_fix_tokenizer(tokenizer, data)
        ready = get_dataset(template, model, data, training, "sft", tokenizer)["train_dataset"]
        trained = [tokenizer.decode([token for token in labels if token != -100], skip_special_tokens=True)
                   for labels in ready["labels"]]
        read.append([folder, name, pairs, trained])
print("\\n" + json.dumps([VERSION, read]))
"""


def built(folder: Path, corpus: str, form: Format) -> Run:
    """The dataset of a corpus, in one format besides our own."""
    workspace = Workspace(folder / form)
    run = workspace.run(corpus)
    run_build(
        workspace,
        run,
        read_sources([CORPORA / f"{corpus}.md"]),
        replace(SETTINGS, format=form),
        TeacherChoice("offline"),
        named=True,
        overwrite=False,
        progress=lambda *_: None,
    )
    return run


def ours(run: Run) -> dict[str, Pairs]:
    """Questions and answers by split, as we read them."""
    return {
        split: [(row["instruction"], row["output"]) for row in read_jsonl(run.dataset / name)]
        for split, name in FILES.items()
        if (run.dataset / name).is_file()
    }


def read_by_datasets(run: Run, form: Format) -> dict[str, Pairs]:
    """What `load_dataset` gives of the folder."""
    import datasets

    loaded = datasets.load_dataset(str(run.dataset), "default" if form == "alpaca" else form)
    return {split: [pair_of(row, form) for row in rows] for split, rows in loaded.items()}


def pair_of(row: dict[str, Any], form: Format) -> tuple[str, str]:
    """Question and answer of a row of a format."""
    if form == "alpaca":
        return row["instruction"], row["output"]
    first, second = row["messages"] if form == "messages" else row["conversations"]
    key = "content" if form == "messages" else "value"
    return first[key], second[key]


def read_by_trl(run: Run, form: Format, tokenizer: Any) -> dict[str, Pairs]:
    """What SFTTrainer's data preparation makes of the rows, decoded again."""
    import datasets
    from trl import SFTConfig, SFTTrainer

    trainer: Any = SimpleNamespace(_tokenizer=tokenizer, chat_template=None, completion_only_loss=False)
    settings = SFTConfig(use_cpu=True, bf16=False, report_to=[], max_length=None)
    found: dict[str, Pairs] = {}
    for split, rows in datasets.load_dataset(str(run.dataset), form).items():
        prepared = SFTTrainer._prepare_dataset(trainer, rows, tokenizer, settings, False, None, split)
        turns = [tokenizer.decode(ids).split("<|im_start|>")[1:] for ids in prepared["input_ids"]]
        roles = ("user\n", "assistant\n") if form == "messages" else ("human\n", "gpt\n")
        found[split] = [
            (asked.removeprefix(roles[0]).split("<|im_end|>")[0], said.removeprefix(roles[1]).split("<|im_end|>")[0])
            for asked, said in turns
        ]
    return found


def environment(folder: Path) -> Path:
    """The Python of a fresh environment that holds LLaMA-Factory."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


def read_by_llamafactory(python: Path, runs: list[Run], tokenizer: Path, cache: Path) -> tuple[str, list[Any]]:
    """LLaMA-Factory's version, and (folder, dataset, pairs, trained answers) of every dataset its index names."""
    folders = [(str(run.dataset), list(read_json(run.dataset / "dataset_info.json"))) for run in runs]
    wanted = {"tokenizer": str(tokenizer), "cache": str(cache), "folders": folders}
    done = subprocess.run(
        [python, "-c", IN_LLAMAFACTORY],
        input=json.dumps(wanted),
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found, read = json.loads(done.stdout.rstrip().rpartition("\n")[2])
    return str(found), read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llamafactory", type=Path, help="the Python of an environment that holds LLaMA-Factory")
    options = parser.parse_args()
    import datasets

    from wukong_trainer.models.quiet import silence_libraries
    from wukong_trainer.models.student import make_tokenizer

    silence_libraries()
    datasets.disable_progress_bars()
    print("| reader | corpus | format | train + validation + test | agree |")
    print("|---|---|---|---|---|")

    def report(reader: str, run: Run, form: str, read: dict[str, Pairs], expected: dict[str, Pairs]) -> None:
        sizes = " + ".join(str(len(read[split])) for split in expected)
        same = sum(one == other for split in expected for one, other in zip(read[split], expected[split], strict=False))
        agree = "all" if read == expected else f"{same} of {sum(map(len, expected.values()))}"
        print(f"| {reader} | {run.name} | {form} | {sizes} | {agree} |", flush=True)

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        datasets.config.HF_DATASETS_CACHE = folder / "cache"
        runs = {(corpus, form): built(folder, corpus, form) for corpus in ("blackwukong", "apollo") for form in FORMATS}
        texts = [text for run in runs.values() for pairs in ours(run).values() for pair in pairs for text in pair]
        tokenizer = make_tokenizer(texts, 2000)
        tokenizer.save_pretrained(folder / "tokenizer")
        for (_, form), run in runs.items():
            report(f"datasets {version('datasets')}", run, form, read_by_datasets(run, form), ours(run))
            if form != "alpaca":
                report(f"TRL {version('trl')}", run, form, read_by_trl(run, form, tokenizer), ours(run))
        python = options.llamafactory or environment(folder / "environment")
        found, read = read_by_llamafactory(python, list(runs.values()), folder / "tokenizer", folder / "lf-cache")
        for (_, form), run in runs.items():
            rows: dict[str, Pairs] = {}
            answers: dict[str, Pairs] = {}
            for where, name, pairs, trained in read:
                split, _, suffix = name.partition("_")
                if where == str(run.dataset) and (suffix or "alpaca") == form:
                    rows[split] = [(asked, answer) for asked, answer in pairs]
                    answers[split] = [("", answer.strip()) for answer in trained]
            report(f"LLaMA-Factory {found}: loader", run, form, rows, ours(run))
            only_answers = {split: [("", answer) for _, answer in pairs] for split, pairs in ours(run).items()}
            report(f"LLaMA-Factory {found}: labels", run, form, answers, only_answers)


if __name__ == "__main__":
    main()
