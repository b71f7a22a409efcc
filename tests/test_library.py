"""The library's examples are true: those of docstrings, READMEs and pages, and the notebook, run as they stand."""

from __future__ import annotations

import ast
import doctest
import inspect
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import wukong_pipe
import wukong_trainer

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "examples" / "wukong.ipynb"
PUBLIC = {"wukong_pipe": wukong_pipe, "wukong_trainer": wukong_trainer}


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a language."""
    text = (ROOT / page).read_text("utf-8")
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return found


@pytest.fixture
def home(empty_home: Path) -> Path:
    """The folder in which an example stands: with the corpora, and one of them as book.md."""
    shutil.copytree(ROOT / "corpora", empty_home / "corpora")
    shutil.copy(ROOT / "corpora" / "apollo.md", empty_home / "book.md")
    return empty_home


def run_examples(*documented: Any) -> None:
    """Run the examples in docstrings, one after the other in one folder."""
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for each in documented:
        text, name = inspect.getdoc(each) or "", each.__name__
        test = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
        assert test.examples, name
        said = io.StringIO()
        runner.run(test, out=said.write)
        assert not runner.failures, said.getvalue()


@pytest.mark.usefixtures("home")
def test_the_examples_of_a_build_are_true() -> None:
    run_examples(wukong_pipe, wukong_pipe.build)


@pytest.mark.slow
@pytest.mark.usefixtures("home")
def test_the_examples_of_training_and_evaluation_are_true() -> None:
    run_examples(wukong_trainer.train, wukong_trainer.evaluate)


def test_both_readmes_and_the_page_begin_with_the_same_example() -> None:
    (english,), (chinese,) = blocks("README.md", "python"), blocks("README.zh-CN.md", "python")
    assert english == chinese == blocks("docs/en/library.md", "python")[0]
    assert len(english.splitlines()) <= 8


@pytest.mark.slow
def test_the_example_of_the_readme_and_the_page_run_as_they_stand(home: Path) -> None:
    program = "\n".join(blocks("docs/en/library.md", "python"))
    done = subprocess.run([sys.executable, "-c", program], cwd=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "'wording': " in done.stdout
    assert "exists already; train with --overwrite to replace it" in done.stdout
    assert (home / "runs" / "book" / "eval" / "metrics.json").is_file()
    for noise in ("Warning", "it/s]", "examples/s"):
        assert noise not in done.stderr


@pytest.mark.parametrize("page", ["docs/en/library.md", "README.md"])
def test_every_call_that_a_page_shows_has_options_that_there_are(page: str) -> None:
    code = "\n".join(blocks(page, "python") + blocks(page, "py"))
    shown = 0
    for call in ast.walk(ast.parse(code)):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        if isinstance(call.func.value, ast.Name) and call.func.value.id in PUBLIC:
            function = getattr(PUBLIC[call.func.value.id], call.func.attr)
            named = {keyword.arg or "": None for keyword in call.keywords}
            inspect.signature(function).bind(*call.args, **named)
            shown += 1
    assert shown >= 3


# --- the notebook ---------------------------------------------------------------------------------------------------


def cells(kind: str) -> list[str]:
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_the_notebook_is_kept_without_outputs_and_tells_its_story_in_both_languages() -> None:
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    for cell in notebook["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    for text in cells("markdown"):
        assert re.search("[一-鿿]", text), text
        assert re.search("[a-z]{3}", text), text
    nbformat.validate(notebook)


@pytest.mark.slow
def test_the_notebook_goes_from_documents_to_a_tuned_student_that_is_compared(empty_home: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    place = {"metadata": {"path": str(empty_home)}}
    NotebookClient(notebook, timeout=1800, kernel_name="python3", resources=place).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    text = "\n".join(str(output.get("text") or output.get("data", {}).get("text/plain")) for output in shown)
    assert "'wording': 'better'" in text
    assert "'section': 'no evidence'" in text or "'section': 'too few sections'" in text
    assert "Leakage: none." in text
    assert "\x1b" not in text
    assert str(Path.home()) not in text
