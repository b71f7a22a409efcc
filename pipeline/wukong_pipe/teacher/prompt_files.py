"""The teacher's prompts: one Markdown file a prompt and language, found, checked and hashed before any call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from wukong_pipe import bounded
from wukong_pipe.errors import DataError
from wukong_pipe.language.hashing import digest
from wukong_pipe.records import Lang

PLACEHOLDERS = {
    "base_qa": {"title", "heading_path", "quota", "covered", "section"},
    "judge": {"title", "heading_path", "question", "answer", "section"},
    "paraphrase": {"title", "heading_path", "question", "count", "covered"},
    "answers": {"title", "heading_path", "question", "answer", "evidence", "count", "covered"},
    "verify_answers": {"title", "heading_path", "section", "questions"},
    "verify_disagreements": {"title", "heading_path", "section", "questions"},
    "verify_claims": {"title", "heading_path", "section", "questions"},
    "verify_wordings": {"title", "heading_path", "section", "questions", "answer", "wordings"},
}
"""What a build's prompts must name."""
OF_EVAL = {"eval_judge": {"question", "reference", "source", "a", "b"}}
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file, read and checked."""

    name: str
    """base_qa.zh@1f0c5a2b: stage, language and hash of the file."""
    system: str
    user: str

    def messages(self, **values: str) -> tuple[dict[str, str], ...]:
        """The chat messages, each `{{name}}` replaced once: braces in a value stay as they are."""

        def filled(template: str) -> str:
            return _PLACEHOLDER.sub(lambda match: values[match.group(1)], template)

        return (
            {"role": "system", "content": filled(self.system)},
            {"role": "user", "content": filled(self.user)},
        )


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
    if used != (wanted := (PLACEHOLDERS | OF_EVAL)[stage]):
        wrong = ", ".join(f"{{{{{name}}}}}" for name in sorted(used ^ wanted))
        raise DataError(f"{where}: the placeholders {wrong} are unknown or missing.")
    return Prompt(f"{stage}.{lang}@{digest(text)[:8]}", match.group(1).strip(), match.group(2).strip())
