"""The held-out questions of a run as a task of inspect_ai or of lm-evaluation-harness, with the scorer in it.

The scorer is copied, not imported: a user of those tools has nothing of this project, and a task whose scores change
with an installed version compares nothing. `benchmarks/evaluation_elsewhere.md` holds their scores beside ours.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Any, Literal

from wukong_pipe.errors import DataError, WorkspaceError
from wukong_pipe.files import half_of, jsonl, read_object, sha256_of, write_json, write_text
from wukong_pipe.language.plurals import counted
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.evaluation.questions import leakage_of, read_test_set
from wukong_trainer.evaluation.records import TestRow
from wukong_trainer.evaluation.sources import Sources
from wukong_trainer.models.loading import load_tokenizer
from wukong_trainer.models.trained_model import tuned_folder
from wukong_trainer.use.export import check_free, put
from wukong_trainer.use.task_questions import TaskQuestion, asked_alone

Tool = Literal["inspect", "lm-eval"]
ANSWER_TOKENS = 256
"""Where an answer is cut, in a run that no evaluation has cut elsewhere."""
SCORER = {
    "wukong_pipe": ("__init__.py", "language"),
    "wukong_trainer": (
        "__init__.py",
        "data/__init__.py",
        "data/thoughts.py",
        "scoring/__init__.py",
        "scoring/facts.py",
        "use/__init__.py",
        "use/task_questions.py",
    ),
}
"""What scores an answer: files and folders of both packages. They need the standard library alone."""
TESTS = {
    "wording": "new wordings of trained questions",
    "question": "questions never asked, about trained sections",
    "section": "sections never trained: the control, on which nothing should rise",
}


@dataclass(frozen=True, slots=True)
class ExportedTask:
    """A folder that one of the two tools runs.

    {"folder": "apollo-inspect", "task": "wukong_apollo", "tokens": 256, "parts": {"wording": 245, "section": 30},
     "leakage": "none", "leaked": 0, "without_facts": 2, "in_conversations": 0}
    """

    folder: Path
    task: str
    """Its name in the tool; in lm-eval that of the group of its parts."""
    tokens: int
    """Where an answer is cut."""
    parts: dict[str, int]
    """The number of questions of each."""
    leakage: str
    """What is known of questions that the model was trained on, as `leakage_of` says it."""
    leaked: int
    """Questions that are left out, as the model was trained on them."""
    without_facts: int
    """Questions that are left out, as no score of ours is about them."""
    in_conversations: int
    """Questions that are left out, as lm-eval cannot say the turns before."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"folder": str(self.folder)}


def export_task(
    run: Run, tool: Tool, out: Path, sources: Sources, *, overwrite: bool = False, drop_leaked: bool = False
) -> ExportedTask:
    """Write the run's held-out questions to `out` as a task, with the system prompt of its training and our scorer.

    Args:
        sources: they know the sections, beside which an answer's identifiers are read.
        overwrite: replace an earlier export in `out`.
        drop_leaked: leave out questions that the model was trained on, instead of refusing them.

    Raises:
        WorkspaceError: nothing was trained, there are no questions, or `out` holds something.
        DataError: a row is wrong, or no question has facts.
        ModelError: the model was trained on some of the questions.
    """
    folder, record = tuned_folder(run)
    check_free(out, overwrite, "task")
    file = run.dataset / "test.jsonl"
    tests = read_test_set(run, None, record, sources, None, drop_leaked)
    scored = [_question(row, record) for row in tests.rows if row.facts]
    questions = asked_alone(scored) if tool == "lm-eval" else scored
    if not questions:
        raise DataError(f"None of the questions in {file} can be exported: they have no facts to score an answer by.")
    exported = ExportedTask(
        folder=out,
        task=f"wukong_{run.name}",
        tokens=_answer_tokens(run),
        parts=dict(sorted(Counter(question.part for question in questions).items(), key=_place)),
        leakage=leakage_of(record, tests.dropped, tests.audit.hash),
        leaked=tests.dropped,
        without_facts=len(tests.rows) - len(scored),
        in_conversations=len(scored) - len(questions),
    )
    half = half_of(out)
    shutil.rmtree(half, ignore_errors=True)
    try:
        write_text(half / "questions.jsonl", jsonl(question.to_json() for question in questions))
        _copy_scorer(half / "scorer")
        for name, text in _task_files(run, tool, exported, folder).items():
            write_text(half / name, text)
        write_json(
            half / RECORD, {"run": run.name, "tool": tool, "test": sha256_of(file), "version": version("wukong-pipe")}
        )
        put(half, out)
    except OSError as error:
        raise WorkspaceError(f"{out} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return exported


def _question(row: TestRow, record: dict[str, Any]) -> TaskQuestion:
    group = row.wanted.group
    return TaskQuestion(
        id=row.id,
        part=row.level if group == "facts" else f"{row.level}_{group}",
        cluster=row.cluster,
        kind=row.kind,
        lang=row.lang,
        messages=tuple(row.example.prompt(str(record.get("system", "")), record.get("style", "chat"))),
        question=row.question,
        reference=row.reference,
        facts=row.facts,
        section=row.section,
    )


def _place(part: tuple[str, int]) -> tuple[int, str]:
    """The levels in their order, and of each its groups behind it."""
    level = part[0].partition("_")[0]
    return list(TESTS).index(level), part[0]


def _answer_tokens(run: Run) -> int:
    """Where the run's evaluation cut an answer."""
    settings = read_object(run.metrics, {}).get("settings", {}) if run.metrics.is_file() else {}
    return settings.get("max_new_tokens", ANSWER_TOKENS) if isinstance(settings, dict) else ANSWER_TOKENS


def _copy_scorer(folder: Path) -> None:
    for package, names in SCORER.items():
        for name in names:
            _copy(files(package).joinpath(name), folder / package / name)


def _copy(source: Traversable, target: Path) -> None:
    if not source.is_dir():
        write_text(target, source.read_text("utf-8"))
        return
    for part in source.iterdir():
        if part.name.endswith((".py", ".toml")):
            _copy(part, target / part.name)


def _task_files(run: Run, tool: Tool, exported: ExportedTask, tuned: Path) -> dict[str, str]:
    """What the tool reads, and what its user does, by file name."""
    names = {"run": run.name, "task": exported.task, "tokens": str(exported.tokens)}
    readme = _filled("task_readme.txt", names | _said_of(exported) | {"use": _use(tool, exported)})
    if tool == "inspect":
        return {
            "README.md": readme,
            "task.py": _filled("inspect_task.txt", names | {"parts": ", ".join(exported.parts)}),
        }
    names["end"] = _quoted(str(load_tokenizer(str(tuned)).eos_token))
    tasks = {part: f"{exported.task}_{part}" for part in exported.parts}
    yaml = {
        f"{task}.yaml": _filled("lm_eval_task_yaml.txt", names | {"task": _quoted(task), "part": _quoted(part)})
        for part, task in tasks.items()
    }
    group = f"group: {_quoted(exported.task)}\ntask:\n" + "".join(f"  - {_quoted(task)}\n" for task in tasks.values())
    heldout = _filled("lm_eval_task.txt", names)
    return {"README.md": readme, "heldout.py": heldout, f"{exported.task}.yaml": group, **yaml}


def _quoted(text: str) -> str:
    """Of YAML, too."""
    return json.dumps(text, ensure_ascii=False)


def _said_of(exported: ExportedTask) -> dict[str, str]:
    left_out = {
        "were trained": exported.leaked,
        "have no facts, and so no score": exported.without_facts,
        "go on with a conversation, which lm-eval cannot ask": exported.in_conversations,
    }
    said = [f"{counted(count, 'question')} of the run {why}" for why, count in left_out.items() if count]
    unknown = "unknown" in exported.leakage
    return {
        "questions": str(sum(exported.parts.values())),
        "seen": "" if unknown else " that its training did not see",
        "unknown": " Whether the training saw some, be it in other words, is not known." if unknown else "",
        "version": version("wukong-pipe"),
        "parts": "\n".join(
            f"| `{part}` | {count} | {TESTS[part.partition('_')[0]]} |" for part, count in exported.parts.items()
        ),
        "left_out": f" Left out: {'; '.join(said)}." if said else "",
    }


def _use(tool: Tool, exported: ExportedTask) -> str:
    task, first = exported.task, next(iter(exported.parts))
    if tool == "inspect":
        return (
            "```shell\npip install inspect_ai\n"
            "# a folder that `wukong-pipe export` wrote, or any model\n"
            "inspect eval task.py --model hf/local -M model_path=MODEL_FOLDER -M do_sample=false\n"
            "# a server: `wukong-pipe serve`, vLLM, llama.cpp; one part of the questions\n"
            "export LOCAL_API_KEY=none LOCAL_BASE_URL=http://127.0.0.1:8000/v1\n"
            f"inspect eval task.py --model openai-api/local/NAME -T part={first}\n```"
        )
    return (
        "```shell\npip install 'lm_eval[hf,api]'\n"
        "# a folder that `wukong-pipe export` wrote, or any model\n"
        f"lm_eval --include_path . --tasks {task} --apply_chat_template --model hf "
        "--model_args pretrained=MODEL_FOLDER --gen_kwargs repetition_penalty=1.0\n"
        "# a server: `wukong-pipe serve`, vLLM, llama.cpp; one part of the questions\n"
        f"lm_eval --include_path . --tasks {task}_{first} --apply_chat_template --model local-chat-completions "
        "--model_args model=NAME,base_url=http://127.0.0.1:8000/v1/chat/completions\n```"
    )


def _filled(name: str, values: dict[str, str]) -> str:
    return Template(files(__package__).joinpath(name).read_text("utf-8")).substitute(values)
