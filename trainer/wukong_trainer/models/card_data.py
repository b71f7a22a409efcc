"""What a model card says of the rows: how many, from which sources, by which teacher, read by whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wukong_pipe.language.plurals import listed
from wukong_pipe.printable import printable

_PLACE = re.compile(r"[/~.\\]|[A-Za-z]:[/\\]")
"""How a folder begins; a server may call its model by that of its machine."""
MADE_ELSEWHERE = "from"
"""Among the facts of recipe.toml where the rows were given with --data: then no build of this run made them."""


def about_data(record: Mapping[str, Any], facts: Mapping[str, str], manifest: Mapping[str, Any]) -> list[str]:
    """The lines of a list.

    Args:
        record: what the model was trained on, as it stands in wukong.json.
        facts: of recipe.toml.
        manifest: of the dataset; empty where no build made it.
    """
    questions = len(record.get("questions", []))
    lines = [f"- data: {questions} different questions, hash `{record.get('dataset_hash', 'unknown')}`"]
    if MADE_ELSEWHERE in facts or not manifest.get("sources"):
        return [*lines, "- sources and teacher: not known; the rows were given as they are"]
    names = [printable(str(source.get("name"))) for source in manifest["sources"]]
    teacher = manifest.get("teacher", {})
    kind = "" if teacher.get("language_model", True) else ", templates and no language model"
    lines += [f"- sources: {listed(names)}", f"- teacher: `{_called(teacher.get('model', 'unknown'))}`{kind}"]
    reader = manifest.get("verify") or {}
    if reader.get("model"):
        lines.append(
            f"- second reading: `{_called(reader['model'])}` read {reader.get('asked', 0)} items and rejected "
            f"{reader.get('rejected', 0)}"
        )
    else:
        lines.append("- second reading: none: no model checked the rows")
    edits = manifest.get("edits", {})
    lines.append(f"- by hand: {edits.get('applied', 0)} rows changed, {edits.get('taken_out', 0)} taken out")
    return lines


def _called(model: object) -> str:
    """What a model is called: of a folder, its last part."""
    name = str(model)
    return printable(re.split(r"[/\\]", name.rstrip("/\\"))[-1] if _PLACE.match(name) else name)
