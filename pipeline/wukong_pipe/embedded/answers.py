"""How the embedded teacher words an answer anew: the same facts in a whole sentence, by template."""

from __future__ import annotations

from wukong_pipe.records import Lang

ANSWERS: dict[Lang, dict[str, tuple[str, ...]]] = {
    "zh": {
        "attribute": ("{e}的{a}是{answer}。", "{answer}是{e}的{a}。", "说到{a}，{e}对应的是{answer}。"),
        "define": ("{e}：{answer}。", "说到{e}，{answer}。"),
        "cloze": ("{said}。",),
        "ask": ("{said}。",),
        "list": ("{x}有{answer}。", "{x}包括：{answer}。"),
        "reverse": ("{a}是{v}的{k}是{answer}。", "是{answer}，{a}为{v}。"),
        "compare": ("{e}的{a}是{v}，{f}的{a}是{w}。", "{e}是{v}，{f}是{w}。"),
    },
    "en": {
        "attribute": ("The {a} of {e} is {answer}.", "For {e}, the {a} is {answer}.", "{answer} is the {a} of {e}."),
        "define": ("{e}: {answer}.",),
        "cloze": ("{said}.",),
        "ask": ("{said}.",),
        "list": ("{x}: {answer}.", "They are {answer}."),
        "reverse": ("The {k} with {v} as its {a} is {answer}.", "It is {answer}, with {v} as its {a}."),
        "compare": ("The {a} of {e} is {v}, and that of {f} is {w}.", "For {e} it is {v}, for {f} {w}."),
    },
}
"""By language and family of templates; `said` is the sentence that a question was made of."""
OF_ANY_FAMILY: dict[Lang, tuple[str, ...]] = {
    "zh": ("应当是{answer}。", "应当回答{answer}。", "正确的说法是{answer}。"),
    "en": ("The answer is {answer}.", "That would be {answer}.", "One would answer: {answer}."),
}


def reworded(lang: Lang, family: str, slots: dict[str, str], answer: str, said: str) -> list[str]:
    """Other wordings of an answer to a question of this family, the most telling first.

    >>> reworded("zh", "attribute", {"e": "出云棍", "a": "来源"}, "石敢当", "")[0]
    '出云棍的来源是石敢当。'
    """
    templates = (*ANSWERS[lang][family], *OF_ANY_FAMILY[lang])
    return [template.format(answer=answer, said=said, **slots) for template in templates]
