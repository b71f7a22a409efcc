"""How a prompt quotes the words of others: a source, an answer, what the user says the documents are about."""

from __future__ import annotations

import re

from wukong_pipe.records import Lang


def about_line(about: str, lang: Lang) -> str:
    """What a prompt says of what the documents are about; empty where the user does not say it."""
    if not about:
        return ""
    return f"资料内容：{about}" if lang == "zh" else f"The documents are about: {about}"


def fenced(text: str) -> str:
    """Words as a prompt quotes them: they must not end the quotation."""
    return _TAG.sub("‹", text.strip())


_UNSEEN = r"[\s\u200b-\u200f\u2060\ufeff]*+"
_NAMES = "source|answer(?:_[ab])?|first|second"
_TAG = re.compile(rf"<(?={_UNSEEN}(?:/{_UNSEEN})?(?:{_NAMES})\b)", re.IGNORECASE)
_OWN_TAG = re.compile(rf"<{_UNSEEN}/?{_UNSEEN}(?:{_NAMES}|evidence){_UNSEEN}>", re.IGNORECASE)


def own_tag_in(text: str) -> str:
    """The first tag of a prompt that a reply has copied; "" where there is none."""
    match = _OWN_TAG.search(text)
    return match.group() if match else ""


def tagged(tag: str, text: str) -> str:
    """Words between tags that they cannot close."""
    return f"<{tag}>{fenced(text)}</{tag}>"
