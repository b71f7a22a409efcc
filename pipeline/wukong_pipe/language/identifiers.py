"""Identifiers of a text: code in backticks, flags, paths, URLs, file names, dotted and snake_case names, key=value.

They are facts whole and in one spelling: `trust_env` is neither `Trust_env` nor a part of `trust_env_file`, and an
`http` address is no `https` one. Words of prose are none, however they are capitalised.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import lru_cache

from wukong_pipe.language.chinese import CJK

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n(.*?)(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"(?<!`)(`{1,2})(?!`)([^\n]+?)(?<!`)\1(?!`)")
_URL = r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9_.~:/?#@!$&*+=%-]*"
_KEY = r"(?<![\w.-])[A-Za-z_][\w.-]*"
_VALUE = r"(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s,;()\[\]{}\"'`<>]+)"
_APART = rf"(?<![{CJK}）】》」』”’)\]}}>`])(?<!\w[\"'])"
"""What a path or a flag does not follow directly: 安卓/iOS and “GET”/POST name two things, 悟空-Pro版 is a name."""
_FLAG = rf"(?<![\w-])(?:--|{_APART}-)[A-Za-z][\w-]*"
_PATH = rf"(?<![\w/.~<-])(?:(?:~|\.{{1,2}})/|{_APART}/)[A-Za-z_.][\w.-]*(?:/[\w.-]+)*"
_DOTTED = r"(?<![\w.])(?!(?:[A-Za-z]\.)+[A-Za-z]\b)[A-Za-z_]\w*(?:\.[A-Za-z_]\w+)+"
_SNAKE = r"(?<!\w)_{0,2}[A-Za-z0-9]+_\w*[A-Za-z0-9]_{0,2}"
_CALL = r"(?<!\w)[A-Za-z_]\w*(?=\(\))"
_FORMS = re.compile("|".join((_URL, f"{_KEY}={_VALUE}", _FLAG, _PATH, _DOTTED, _SNAKE, _CALL)), re.ASCII)
"""What is an identifier by its form, wherever it stands. ASCII: Chinese on either side ends it."""
_IN_CODE = re.compile(f"{_FORMS.pattern}|[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_WORDLIKE = re.compile("[A-Za-z0-9_]")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]+")
_KEY_VALUE = re.compile(f"({_KEY})=({_VALUE})", re.ASCII)
_UNSPLIT = re.compile(rf"{_URL}|{_FLAG}|{_PATH}", re.ASCII)
_PLACE = re.compile(rf"{_URL}|{_PATH}", re.ASCII)
"""Of such a term a text may hold another that goes on: /etc/hosts.bak."""
_ESCAPE = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
_ESCAPED = re.compile(r"[\\&]")
_TRAILING = ".,:;!?'\"*/"
_MARKED = re.compile(r"[A-Za-z_][\w.]*(?:\(.*|\s?=.*|<.+>|\{.+\}|\[.+\])", re.ASCII)
"""What brackets or an equals sign behind a word show to be code: Limits(a=1, b=2), proxy=."""
_QUOTES = re.compile("[`\"'“”‘’]")
_AROUND_MARKS = re.compile(r" ?([=(){}\[\],]) ?")


@lru_cache(maxsize=4096)
def identifiers(text: str) -> frozenset[str]:
    """The identifiers of a text, each whole: what stands in backticks, and what is one by its form.

    >>> sorted(identifiers("Set `verify` in httpx.Client(trust_env=False), e.g. and/or --no-color，使用max_size。"))
    ['--no-color', 'httpx.Client', 'max_size', 'trust_env=False', 'verify']
    """
    rest = _FENCE.sub(lambda block: f" {block[2]} ", text)
    inline = [" ".join(code.split()) for code in inline_code(rest)]
    forms = (match.group().rstrip(_TRAILING) for match in _FORMS.finditer(without_inline_code(rest)))
    return frozenset(term for term in (*inline, *forms) if _WORD.search(term) or term.startswith("-"))


def missing_identifiers(text: str, source: str, by_form: bool = False) -> Iterator[str]:
    """The identifiers of a text, or the parts of them, that stand whole nowhere in a source.

    What reads as the same identifier there stands whole, whatever characters surround it.
    A text may put together what its source has apart: of an expression that is not there as a whole, its parts count.
    Of a URL, a flag or a path no part does. A source may write `max\\_size` or `&amp;` for what a text writes plainly.

    >>> list(missing_identifiers("`ctx.load_verify_locations(cafile)`", "Call load_cert_chain(cafile) of ctx."))
    ['load_verify_locations']

    Args:
        by_form: whether a word that only its backticks mark as code is passed over, for they may mark any word.
    """
    if not (terms := sorted(identifiers(text))):
        return  # Most texts hold none, and a source may be long.
    source = f"{source}\n{html.unescape(_ESCAPE.sub('', source))}" if _ESCAPED.search(source) else source
    for term in terms:
        if by_form and not _FORMS.search(term):
            continue
        if not stands_whole(term, source) and term not in identifiers(source):
            yield from (part for part in _parts(term) if not stands_whole(part, source))


def _parts(term: str) -> Iterator[str]:
    for match in _IN_CODE.finditer(term):
        part = match.group().rstrip(_TRAILING)
        if setting := _KEY_VALUE.fullmatch(match.group()):
            yield from _WORD.findall(setting[1])
            yield from _parts(setting[2])
        elif _UNSPLIT.fullmatch(part):
            yield part
        else:
            yield from _WORD.findall(part)


def stands_whole(term: str, text: str) -> bool:
    """Whether a text holds an identifier with its ends, in the same spelling.

    >>> stands_whole("trust_env", "`trust_env_file`"), stands_whole("Client", "httpx.Client()")
    (False, True)
    >>> stands_whole("/etc/hosts", "in /etc/hosts."), stands_whole("/etc/hosts", "/usr/etc/hosts.bak")
    (True, False)
    """
    if term not in text:
        return False
    # A flag goes on at a dash; a path or an address at a slash or a dot, too.
    joints = "~./-" if _PLACE.fullmatch(term) else "-" if term[0] == "-" else ""
    joint = f"[{joints}]?" if joints else ""
    before = rf"(?<![\w{joints}])" if joints or _WORDLIKE.match(term) else ""
    after = rf"(?!{joint}\w)" if _WORDLIKE.match(term[-1]) else ""
    return re.search(f"{before}{re.escape(term)}{after}", text, re.ASCII) is not None


def is_identifier(text: str) -> bool:
    """Whether a text is one identifier by its form, or code by its brackets or equals sign, and nothing else.

    >>> is_identifier("trust_env"), is_identifier("proxy="), is_identifier("the proxy"), is_identifier("WHO (a body)")
    (True, True, False, False)
    """
    return (_FORMS.fullmatch(text) or _MARKED.fullmatch(text)) is not None


def plain_code(text: str) -> str:
    """A text as its code is compared: without quotes, backticks and escapes, and without spaces at brackets.

    >>> plain_code("`get(url, verify = 'a')` and max\\\\_size")
    'get(url,verify=a)and max_size'
    """
    return _AROUND_MARKS.sub(r"\1", " ".join(_QUOTES.sub("", _ESCAPE.sub("", text)).split()))


def without_identifiers(text: str) -> str:
    """The prose of a text: what stands in backticks, in fences or is an identifier by its form is left out."""
    return _FORMS.sub(" ", _INLINE.sub(" ", without_fences(text)))


def inline_code(text: str) -> list[str]:
    """What stands in backticks."""
    return [match[2] for match in _INLINE.finditer(text)]


def without_inline_code(text: str) -> str:
    """A text with a closing quote for what stands in backticks: a path does not begin behind it."""
    return _INLINE.sub(" ”", text)


def without_fences(text: str) -> str:
    return _FENCE.sub("\n", text)


def key_values(text: str) -> frozenset[tuple[str, str]]:
    """Each `key=value` of a text, without the value's quotes.

    >>> key_values("httpx.get(url, verify=False)")
    frozenset({('verify', 'False')})
    """
    return frozenset((match[1], match[2].strip("\"'" + _TRAILING)) for match in _KEY_VALUE.finditer(text))
