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
_TAG = re.compile(rf"<(?={_UNSEEN}(?:/{_UNSEEN})?(?:source|answer(?:_[ab])?|first|second)\b)", re.IGNORECASE)


def tagged(tag: str, text: str) -> str:
    """Words between tags that they cannot close."""
    return f"<{tag}>{fenced(text)}</{tag}>"
