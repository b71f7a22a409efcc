"""A built dataset to the Hugging Face Hub: certain files alone, searched for secrets before, private unless asked."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wukong_pipe import __version__
from wukong_pipe.dataset.formats import FORMATS, INDEX, path_of
from wukong_pipe.errors import MissingDependency, NotUploaded
from wukong_pipe.extras import training_installed
from wukong_pipe.records import FILES
from wukong_pipe.secrets import MIN_LENGTH, secret_variables, secrets_in, unexcused
from wukong_pipe.workspace import Run

REJECTED = "rejected.jsonl"
ALLOWED = ("README.md", "manifest.json", INDEX, *(path_of(split, form) for form in FORMATS for split in FILES))
"""All that may leave a run's folder, in dataset/; REJECTED besides, if it was asked for."""
_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}", re.ASCII)
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a dataset is to be uploaded, and what the user allows."""

    repo: str
    """OWNER/NAME."""
    public: bool = False
    rejected: bool = False
    """The rejected candidates, too: they hold the teacher's raw words."""
    no_secrets: tuple[str, ...] = ()
    """Marks of findings that the user has looked at."""


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


def files_of(run: Run, rejected: bool) -> dict[str, bytes]:
    """The files that an upload consists of, by their names in the repository."""
    names = [*ALLOWED, REJECTED] if rejected else ALLOWED
    return {name: (run.dataset / name).read_bytes() for name in names if (run.dataset / name).is_file()}


def push(run: Run, destination: Destination, say: Callable[[str], None]) -> str:
    """Upload the run's dataset as one commit; the repository's address.

    What is searched for secrets are the same bytes that are sent.

    Args:
        say: told of each finding.

    Raises:
        MissingDependency: huggingface_hub is not installed.
        NotUploaded: something looks like a secret, there is no token, the repository is public and must not be, or
            the Hub refuses.
    """
    token = _token()
    files = files_of(run, destination.rejected)
    known = secret_variables(os.environ)
    if len(token) >= MIN_LENGTH and token not in known.values():
        known["your Hugging Face token"] = token
    with training_installed():
        findings = unexcused(secrets_in(files, known), destination.no_secrets)
    if findings:
        for finding in findings[:MOST_SHOWN]:
            say(str(finding))
        more = f" (the first {MOST_SHOWN} are shown)" if len(findings) > MOST_SHOWN else ""
        raise NotUploaded(
            f"Nothing was uploaded: {len(findings)} places look like secrets{more}. Take them out of the sources and "
            "build again; or, where one is none, add --no-secret with the mark in its parentheses."
        )
    return _upload(run, destination, files, token)


def _upload(run: Run, destination: Destination, files: dict[str, bytes], token: str) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.errors import HfHubHTTPError, HTTPError
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    api = HfApi(token=token, library_name="wukong-pipe", library_version=__version__)
    repo = destination.repo
    try:
        url = api.create_repo(repo, repo_type="dataset", private=not destination.public, exist_ok=True)
        there = api.dataset_info(repo)
        if not (there.private or destination.public):
            raise NotUploaded(f"Nothing was uploaded: {repo} is there already, and public. Confirm with --public.")
        before = {sibling.rfilename for sibling in there.siblings or []}
        api.create_commit(
            repo,
            [
                *(CommitOperationAdd(name, data) for name, data in files.items()),
                *(CommitOperationDelete(name) for name in _stale(before, files)),
            ],
            commit_message=f"{run.name}, built by wukong-pipe {__version__}",
            repo_type="dataset",
        )
    except (HTTPError, OSError, ValueError) as error:
        words = (error.server_message if isinstance(error, HfHubHTTPError) else None) or str(error)
        # A proxy or server may say the request back, its headers, too.
        words = " ".join(words.replace(token, "[token]").split())[:300].rstrip(".")
        raise NotUploaded(f"The upload to {repo} failed: {words}.") from None
    return str(url)


def _stale(before: Iterable[str], files: Iterable[str]) -> list[str]:
    """What an earlier upload left and this one does not replace."""
    return sorted({*ALLOWED, REJECTED} & set(before) - set(files))
