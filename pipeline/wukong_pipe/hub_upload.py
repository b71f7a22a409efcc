"""Files to a repository of the Hugging Face Hub: searched for secrets before, private unless asked, in one commit."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wukong_pipe import __version__
from wukong_pipe.errors import MissingDependency, NotUploaded
from wukong_pipe.extras import training_installed
from wukong_pipe.language.plurals import listed
from wukong_pipe.secrets import MIN_LENGTH, secret_variables, secrets_in, unexcused

_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}", re.ASCII)
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Destination:
    """Where files are to be uploaded, and what the user allows."""

    repo: str
    """OWNER/NAME."""
    public: bool = False
    no_secrets: tuple[str, ...] = ()
    """Marks of findings that the user has looked at."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What a repository is to hold.

    Upload("model", {"README.md": b"# apollo", "model.safetensors": Path("merged/model.safetensors")},
           "apollo, tuned by wukong-pipe 0.1.0")
    """

    kind: Literal["dataset", "model"]
    files: Mapping[str, bytes | Path]
    """By their names in the repository: texts, which are searched for secrets, and weights, which are read as they
    leave."""
    title: str
    """Of the commit."""
    replaces: frozenset[str] = frozenset()
    """Names that an earlier upload may have left: those files go, where this one has none of the name. Others stay."""


def check_ready(repo: str) -> None:
    """Find out what would keep an upload from beginning, before a build is paid.

    Raises:
        MissingDependency: huggingface_hub is not installed.
        NotUploaded: the name is none, or there is no token.
    """
    if not _REPO.fullmatch(repo):
        raise NotUploaded(f"{repo!r} names no repository of the Hub: give OWNER/NAME, as in me/wukong.")
    _token()


def _token() -> str:
    """The user's token, from HF_TOKEN or `hf auth login`.

    Raises:
        MissingDependency: huggingface_hub is not installed.
        NotUploaded: there is none, or it cannot be sent.
    """
    try:
        from huggingface_hub import get_token
    except ModuleNotFoundError as error:
        raise MissingDependency(
            "An upload needs huggingface_hub, which is not installed: pip install huggingface_hub."
        ) from error
    token = (get_token() or "").strip()
    if not token:
        raise NotUploaded(
            "There is no Hugging Face token: set HF_TOKEN to one that may write (https://huggingface.co/settings/tokens),"
            " or run `hf auth login`."
        )
    if not (token.isascii() and token.isprintable()):
        raise NotUploaded("The Hugging Face token holds characters that no token has; copy it again.")
    return token


def push(upload: Upload, destination: Destination, cure: str, say: Callable[[str], None]) -> str:
    """Upload the files as one commit; the repository's address.

    What is searched for secrets are the same bytes that are sent.

    Args:
        cure: what to do about a finding.
        say: told of each finding, of files that were there and stay, and of a repository that stays private.

    Raises:
        MissingDependency: huggingface_hub is not installed.
        NotUploaded: something looks like a secret, there is no token, the repository is public and must not be, or
            the Hub refuses.
    """
    token = _token()
    known = secret_variables(os.environ)
    if len(token) >= MIN_LENGTH and token not in known.values():
        known["your Hugging Face token"] = token
    texts = {name: data for name, data in upload.files.items() if isinstance(data, bytes)}
    with training_installed():
        findings = unexcused(secrets_in(texts, known), destination.no_secrets)
    if findings:
        for finding in findings[:MOST_SHOWN]:
            say(str(finding))
        more = f" (the first {MOST_SHOWN} are shown)" if len(findings) > MOST_SHOWN else ""
        raise NotUploaded(
            f"Nothing was uploaded: {len(findings)} places look like secrets{more}. {cure}; or, where one is none, add "
            "--no-secret with the mark in its parentheses."
        )
    return _send(upload, destination, token, say)


def _send(upload: Upload, destination: Destination, token: str, say: Callable[[str], None]) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.errors import HfHubHTTPError, HTTPError
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    api = HfApi(token=token, library_name="wukong-pipe", library_version=__version__)
    repo = destination.repo
    try:
        url = api.create_repo(repo, repo_type=upload.kind, private=not destination.public, exist_ok=True)
        there = api.model_info(repo) if upload.kind == "model" else api.dataset_info(repo)
        if not (there.private or destination.public):
            raise NotUploaded(f"Nothing was uploaded: {repo} is there already, and public. Confirm with --public.")
        others = {sibling.rfilename for sibling in there.siblings or []} - set(upload.files)
        stale = sorted(others & upload.replaces)
        api.create_commit(
            repo,
            [
                *(CommitOperationAdd(name, data) for name, data in upload.files.items()),
                *map(CommitOperationDelete, stale),
            ],
            commit_message=upload.title,
            repo_type=upload.kind,
        )
    except (HTTPError, OSError, ValueError) as error:
        words = (error.server_message if isinstance(error, HfHubHTTPError) else None) or str(error)
        # A proxy or server may say the request back, its headers, too.
        words = " ".join(words.replace(token, "[token]").split())[:300].rstrip(".")
        raise NotUploaded(f"The upload to {repo} failed: {words}.") from None
    if kept := sorted(others - set(stale) - {".gitattributes"}):
        say(f"Also in {repo}, and left as they are: {listed(kept)}.")
    if there.private and destination.public:
        say(
            f"{repo} stays private: --public makes a new repository public; the earlier commits of one that is there "
            "were not searched for secrets. Its settings on the Hub make it public."
        )
    return str(url)
