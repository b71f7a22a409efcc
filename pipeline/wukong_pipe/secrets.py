"""What looks like a key, token or password in files that are about to leave this machine; all of it is found here."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from math import log2
from typing import Any

from wukong_pipe.language.hashing import digest


@dataclass(frozen=True, slots=True)
class _Form:
    """How one kind of key is spelt."""

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


URL = "password in a URL"


@cache
def _forms() -> tuple[_Form, ...]:
    table = tomllib.loads(files("wukong_pipe").joinpath("secret_forms.toml").read_text("utf-8"))
    return tuple(
        _Form(kind, tuple(form["hints"]), re.compile(f"(?<![A-Za-z0-9])(?:{form['form']})"))
        for kind, form in table.items()
    )


# Left out: what takes any entropy for a key, any address for a secret, and any word behind "password" for one.
_BORROWED = """
artifactory.ArtifactoryDetector aws.AWSKeyDetector azure_storage_key.AzureStorageKeyDetector cloudant.CloudantDetector
discord.DiscordBotTokenDetector github_token.GitHubTokenDetector gitlab_token.GitLabTokenDetector
ibm_cloud_iam.IbmCloudIamDetector ibm_cos_hmac.IbmCosHmacDetector jwt.JwtTokenDetector mailchimp.MailchimpDetector
npm.NpmDetector openai.OpenAIDetector pypi_token.PypiTokenDetector
sendgrid.SendGridDetector slack.SlackDetector softlayer.SoftlayerDetector square_oauth.SquareOAuthDetector
stripe.StripeDetector telegram_token.TelegramBotTokenDetector twilio.TwilioKeyDetector
"""
"""The detectors of detect-secrets that are asked, beside our own forms."""


@cache
def _borrowed() -> tuple[Any, ...]:
    paths = (name.rpartition(".") for name in _BORROWED.split())
    return tuple(getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, _, name in paths)


_NAMED = re.compile(
    r"(?i)(?:pass(?:word|wd|phrase|code)?|pwd|secret|credentials?|密码|口令|密钥|秘钥|令牌|凭证"
    r"|(?:api|access|account|private|secret|encryption|signing|master)[_ -]?key(?:[_ -]?(?:id|secret))?"
    r"|(?:auth|access|refresh|bot|api|session|id)?[_ -]?token)"
    r"[\"'`*）)\]]{0,4}(?:\s{0,9}(?:=>|:=|=|：|:|是|为)|\s{1,9}is)\s{0,9}[\"'`*「“]{0,3}"
    r"(?P<value>[^\s\"'`*,;，。；、<>()（）「」“”|&]{8,200})"
)
"""A name that says "secret", and the value that stands behind it."""
_NAME_HINTS = re.compile(r"(?i)pass|pwd|secret|key|token|credential|密码|口令|钥|令牌|凭证")
_PLACEHOLDER = re.compile(
    r"(?i)x{4}|\*{3}|\.{3}|…|[${}\[\]<>%]"
    r"|^(?:(?:your|my|the|an?|some|change)[_ -]|(?:none|null|true|false)\b|os\.|env\b|self\."
    r"|https?:|file:|/[a-z]+(?:/|$)|\.|~/|-)"
    r"|example|placeholder|12345678|abcdef|password|secret|token|sha\d{3}|utf-?8|base64|__|::|->"
)
_OF_NOBODY = re.compile(
    r"(?i):(?:(?:my|your|user)?_?(?:password|passwd|pass|pwd|pw|secret|token)|tiger|x+|\*+|\.+|[$<{\[].*)@"
    r"|@(?:[\w-]+\.)*example\.(?:com|net|org)\b"
)
"""In a URL: a password that is the word for one, or a host that nobody can own (RFC 2606)."""


def _is_random(value: str) -> bool:
    """Whether a value is made of characters as a key or a good password is, and no word, path, version or call."""
    if _PLACEHOLDER.search(value) or not re.search("[A-Za-z]", value) or not value.isascii():
        return False
    digits, letters = sum(map(str.isdigit, value)), sum(map(str.isalpha, value))
    signs = len(value) - digits - letters
    mixed = digits and ((re.search("[a-z]", value) and re.search("[A-Z]", value)) or re.search(r"[!@#^+?]", value))
    words = re.fullmatch(r"[A-Za-z]+(?:[._/:=-][A-Za-z]+)*\d{0,4}[.:]?|[\w.-]+\.[A-Za-z]{2,5}|v?\d+(?:\.\w+)+", value)
    if words or signs * 3 > len(value):
        return False
    return bool(mixed) or (len(value) >= 16 and digits >= 3 and _entropy(value) > 3)


def _entropy(value: str) -> float:
    """Bits a character (Shannon)."""
    return -sum(count / len(value) * log2(count / len(value)) for count in Counter(value).values())


_UNSEEN_OR_MARKUP = re.compile(r"\*\*|`|[\u00ad\u200b-\u200f\u2060\ufeff]|[ \t]*\r?\n[ \t>]*")
"""What may stand within a key that a document has emphasised, broken over two lines, or copied from a page."""

_SECRET_NAME = re.compile(
    r"(?:^|_|API)(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASS|PASSPHRASE|CREDENTIALS?|PAT)S?(?:_[A-Z0-9]+)?$", re.IGNORECASE
)
MIN_LENGTH = 8
"""A variable's value shorter than this is no key, and stands in any text."""

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place that must be looked at; the secret itself is not in it."""

    file: str
    line: int
    kind: str
    shown: str
    """Its beginning."""
    mark: str
    """A short hash of it, by which a user says that it is no secret."""

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.kind} {self.shown} ({self.mark})"


def secret_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables whose names say that their values are secret: {"$HF_TOKEN": "hf_…"}."""
    return {
        f"${name}": value.strip()
        for name, value in environment.items()
        if _SECRET_NAME.search(name) and len(value.strip()) >= MIN_LENGTH
    }


def key_in(text: str, known: Mapping[str, str]) -> str:
    """What kind of key a short text holds, by our own forms alone: a build needs no library for that; empty without.

    Args:
        known: values that must not stand in it, by what they are called.
    """
    of_a_form = (form.kind for form in _forms() if form.pattern.search(text))
    return next(of_a_form, "") or next((f"the value of {name}" for name, value in known.items() if value in text), "")


def secrets_in(texts: Mapping[str, bytes], known: Mapping[str, str]) -> list[Finding]:
    """What looks like a secret in text, JSON or JSONL files, sorted by file and line.

    Args:
        texts: contents by the names that findings carry.
        known: values that must not leave, by what a finding calls them.
    """
    found: set[Finding] = set()
    for name, data in texts.items():
        for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), start=1):
            found |= {Finding(name, number, *what) for text in _readings(line) for what in _found(text, known)}
    return sorted(found)


def _readings(line: str) -> Iterator[str]:
    """The line as it stands, with JSON's escapes undone, and undone twice: a raw reply is JSON within JSON.

    Left as they are, the n of a line feed would be the first letter of a key that begins a line.
    """
    yield line
    for _ in range(2):
        if "\\" not in line:
            return
        line = _ESCAPE.sub(_unescaped, line)
        yield line


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else _CONTROLS.get(match[2], match[2])


def _found(text: str, known: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(kind, shown, mark) of each secret in a text."""
    found = list(_of_a_form(text))
    yield from found
    if _UNSEEN_OR_MARKUP.search(text):
        kinds = {kind for kind, *_ in found}
        yield from (each for each in _of_a_form(_UNSEEN_OR_MARKUP.sub("", text)) if each[0] not in kinds)
    if not found and _NAME_HINTS.search(text):
        for match in _NAMED.finditer(text):
            if _is_random(value := match["value"].rstrip(".:")):
                yield "password or key by its name", f"{value[:2]}…", _mark(value)
    for name, value in known.items():
        if value in text:
            yield "the value of", name, _mark(value)


def _of_a_form(text: str) -> Iterator[tuple[str, str, str]]:
    ours = False
    for form in _forms():
        if any(hint in text for hint in form.hints):
            for match in form.pattern.finditer(text):
                if form.kind == URL and _OF_NOBODY.search(text, match.start(), match.end() + 100):
                    continue
                ours = True
                yield form.kind, _masked(form.kind, match.group()), _mark(match.group())
    if not ours:
        for detector in _borrowed():
            for value in filter(None, detector.analyze_string(text)):
                # Words alone are no key, nor is what stands within a word.
                if any(map(str.isdigit, value)) and re.search(rf"(?<![A-Za-z0-9]){re.escape(value)}", text):
                    yield detector.secret_type, f"{value[:4]}…", _mark(value)


def _masked(kind: str, value: str) -> str:
    if kind == "private key":
        return value
    shown = value[: value.index("://") + 3] if kind == URL else value[:4]
    return f"{shown}…"


def _mark(value: str) -> str:
    return digest(value)[:8]


def unexcused(findings: Iterable[Finding], no_secrets: Iterable[str]) -> list[Finding]:
    """The findings whose marks nobody has said to be no secrets."""
    marks = set(no_secrets)
    return [finding for finding in findings if finding.mark not in marks]
