"""The teacher's prompts: one Markdown file a prompt and language, found, checked and hashed before any call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from wukong_pipe import bounded
from wukong_pipe.errors import DataError
from wukong_pipe.language.hashing import digest
from wukong_pipe.records import Lang

PLACEHOLDERS = {
    "base_qa": {"title", "about", "heading_path", "quota", "covered", "section"},
    "paraphrase": {"title", "about", "heading_path", "question", "count", "covered"},
    "heldout_wordings": {"title", "about", "heading_path", "answer", "evidence", "count", "covered"},
    "answers": {"title", "about", "heading_path", "question", "answer", "evidence", "count", "covered"},
    "spellings": {"title", "about", "heading_path", "facts", "count"},
}
"""What a build's prompts must name."""
OF_VERIFY = {
    "verify_answers": {"title", "about", "heading_path", "section", "questions"},
    "verify_disagreements": {"title", "about", "heading_path", "section", "questions"},
    "verify_claims": {"title", "about", "heading_path", "section", "questions"},
    "verify_wordings": {"title", "about", "heading_path", "section", "questions", "answer", "wordings"},
}
"""What the prompts of a second reading must name."""
OF_EVAL = {
    "eval_judge": {"question", "reference", "source", "a", "b"},
    "eval_grade": {"question", "reference", "source", "answer"},
}
"""What the prompts of the judge of an evaluation must name."""
MAY_BE_EMPTY = {"about", "covered"}
"""The first is not missed either: what a prompt of the user's own does not name is not said."""
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file, read and checked."""

    name: str
    """base_qa.zh@1f0c5a2b: stage, language and hash of the file."""
    system: str
    user: str

    def messages(self, **values: str) -> tuple[dict[str, str], ...]:
        """The chat messages, each `{{name}}` replaced once: braces in a value stay as they are.

        A line that holds nothing but one of `MAY_BE_EMPTY` goes where its value is empty.
        """

        def filled(template: str) -> str:
            lines = template.split("\n")
            alone = (_PLACEHOLDER.fullmatch(line.strip()) for line in lines)
            kept = (line for line, name in zip(lines, alone, strict=True) if not (name and _is_empty(name[1], values)))
            return _PLACEHOLDER.sub(lambda match: values[match.group(1)], "\n".join(kept))

        return (
            {"role": "system", "content": filled(self.system)},
            {"role": "user", "content": filled(self.user)},
        )


Prompts = Mapping[str, Mapping[Lang, Prompt]]
"""Prompts by stage and language."""


def _is_empty(name: str, values: Mapping[str, str]) -> bool:
    return name in MAY_BE_EMPTY and not values[name]


def load_prompt(stage: str, lang: Lang, folder: Path | None = None) -> Prompt:
    """The prompt of a stage, from `folder` where it has one, else the one shipped with the package.

    Raises:
        DataError: the file is not UTF-8, lacks a part, or names a placeholder that does not exist or misses one
            that must.
    """
    name = f"{stage}.{lang}.md"
    own = folder / name if folder else None
    file = own if own and own.is_file() else files("wukong_pipe.prompts") / name
    where = str(own) if file is own else name
    try:
        data = bounded.read_bytes(own, bounded.MIB) if own is not None and file is own else file.read_bytes()
        text = data.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{where} is not UTF-8 (byte {error.start}); convert it first.") from error
    match = re.fullmatch(r"# system\n(.*?)\n# user\n(.*)", text.strip(), re.DOTALL)
    if not match:
        raise DataError(f"{where} must hold a line “# system” and, below its text, a line “# user”.")
    used = set(_PLACEHOLDER.findall(text))
    wanted = (PLACEHOLDERS | OF_VERIFY | OF_EVAL)[stage]
    if wrong := (used ^ wanted) - ({"about"} & wanted):
        names = ", ".join(f"{{{{{name}}}}}" for name in sorted(wrong))
        raise DataError(f"{where}: the placeholders {names} are unknown or missing.")
    return Prompt(f"{stage}.{lang}@{digest(text)[:8]}", match.group(1).strip(), match.group(2).strip())
