"""What looks like a key, token or password in files that are about to leave this machine; all of it is found here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from wukong_pipe.text import digest

# The forms that the vendors document, or that GitHub's and gitleaks' scanners look for.
_FORMS = {
    "private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "API key (sk-)": r"sk-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{20,}",
    "Hugging Face token": r"(?:hf|api_org)_[A-Za-z0-9]{30,}",
    "AWS access key": r"(?:AKIA|ASIA)[A-Z0-9]{16}",
    "Alibaba Cloud access key": r"LTAI[A-Za-z0-9]{12,24}",
    "Tencent Cloud secret id": r"AKID[A-Za-z0-9]{32}",
    "Google API key": r"AIza[A-Za-z0-9_-]{35}",
    "GitHub token": r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}",
    "GitLab token": r"glpat-[A-Za-z0-9_-]{20,}",
    "Slack token": r"xox[abeoprs]-[A-Za-z0-9-]{10,}",
    "Stripe key": r"[rs]k_live_[A-Za-z0-9]{16,}",
    "Groq or xAI key": r"(?:gsk_|xai-)[A-Za-z0-9]{40,}",
    "npm or PyPI token": r"npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}",
    "Zhipu API key": r"[0-9a-f]{32}\.[A-Za-z0-9]{16}(?![A-Za-z0-9])",
    "JSON Web Token": r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    "password in a URL": r"[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>?#]*:[^\s/@\"'<>?#]+@[^\s\"'<>]",
}
# No \b before: a Chinese character is a letter to it, and a key may follow one without a blank.
_PATTERNS = {kind: re.compile(f"(?<![A-Za-z0-9])(?:{form})") for kind, form in _FORMS.items()}
_HINTS = {
    "private key": ("-----BEGIN",),
    "API key (sk-)": ("sk-",),
    "Hugging Face token": ("hf_", "api_org_"),
    "AWS access key": ("AKIA", "ASIA"),
    "Alibaba Cloud access key": ("LTAI",),
    "Tencent Cloud secret id": ("AKID",),
    "Google API key": ("AIza",),
    "GitHub token": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    "GitLab token": ("glpat-",),
    "Slack token": ("xox",),
    "Stripe key": ("k_live_",),
    "Groq or xAI key": ("gsk_", "xai-"),
    "npm or PyPI token": ("npm_", "pypi-"),
    "Zhipu API key": (".",),
    "JSON Web Token": (".eyJ",),
    "password in a URL": ("://",),
}
"""What a text must hold for a form to be in it: much quicker to look for than the form itself."""

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


def secrets_in(files: Mapping[str, bytes], known: Mapping[str, str]) -> list[Finding]:
    """What looks like a secret in text, JSON or JSONL files, sorted by file and line.

    Args:
        files: contents by the names that findings carry.
        known: values that must not leave, by what a finding calls them.
    """
    found: set[Finding] = set()
    for name, data in files.items():
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
    for kind, pattern in _PATTERNS.items():
        if any(hint in text for hint in _HINTS[kind]):
            for match in pattern.finditer(text):
                yield kind, _masked(kind, match.group()), _mark(match.group())
    for name, value in known.items():
        if value in text:
            yield "the value of", name, _mark(value)


def _masked(kind: str, value: str) -> str:
    if kind == "private key":
        return value
    shown = value[: value.index("://") + 3] if kind == "password in a URL" else value[:4]
    return f"{shown}…"


def _mark(value: str) -> str:
    return digest(value)[:8]


def unexcused(findings: Iterable[Finding], no_secrets: Iterable[str]) -> list[Finding]:
    """The findings whose marks nobody has said to be no secrets."""
    marks = set(no_secrets)
    return [finding for finding in findings if finding.mark not in marks]
