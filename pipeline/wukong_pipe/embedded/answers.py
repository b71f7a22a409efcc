"""How the embedded teacher words an answer anew: the same fact in a whole sentence, by a template of `answers.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from wukong_pipe.records import Lang


@cache
def _templates() -> dict[str, dict[str, list[str]]]:
    """The templates by language and family."""
    return tomllib.loads((files("wukong_pipe.embedded") / "answers.toml").read_text("utf-8"))


def answer_sentences(lang: Lang, family: str, slots: dict[str, str], answer: str, sentence: str) -> list[str]:
    """Other wordings of an answer to a question of this family, the most telling first.

    Args:
        slots: what fills the templates of the question.
        sentence: the source's own sentence that the question was made from.

    >>> answer_sentences("zh", "attribute", {"thing": "出云棍", "attribute": "来源"}, "石敢当", "")[0]
    '出云棍的来源是石敢当。'
    """
    templates = _templates()[lang]
    return [
        template.format(answer=answer, sentence=sentence, **slots) for template in templates[family] + templates["any"]
    ]
