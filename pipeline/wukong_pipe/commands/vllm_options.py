"""More options for `vllm serve`, as a user of `eval` and `serve` gives them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from wukong_pipe.errors import OptionError

GIVEN = ("--host", "--port", "--served-model-name", "--dtype", "--generation-config", "--api-key")
"""What this program says itself: where the server listens, and how the model computes."""


def read_vllm_options(given: str | Sequence[str], engine: str) -> tuple[str, ...]:
    """The options word by word.

    >>> read_vllm_options("--tensor-parallel-size 2", "vllm")
    ('--tensor-parallel-size', '2')

    Raises:
        OptionError: they cannot be read, are given already, or are for another engine, which would pass them over.
    """
    try:
        words = tuple(shlex.split(given) if isinstance(given, str) else given)
    except ValueError as error:
        raise OptionError(f"--vllm-options {given!r} cannot be read: {error}.") from error
    if words and engine != "vllm":
        raise OptionError("--vllm-options are for --engine vllm: name both.")
    if words and not words[0].startswith("-"):
        raise OptionError(f"--vllm-options {given!r} holds none: write them as for `vllm serve`, with their dashes.")
    if own := next((word for word in words if word.partition("=")[0] in GIVEN), ""):
        raise OptionError(f"{own.partition('=')[0]} is given by this program: leave it out of --vllm-options.")
    return words
