"""A chat template is a program that comes with a model: it is tried out in a process whose time and memory are bounded.

jinja's sandbox keeps a template from files and from Python, but not from endless loops or endless text. This is a
trial and no proof: a template that fails on one rare word alone is not found. Run as a module, this file is that
process.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from wukong_pipe.errors import ModelError

SECONDS = 5
"""Of processor time, for a handful of short conversations that take milliseconds."""
MEMORY = 512 << 20
MOST = 1 << 20
"""Characters of one conversation that holds a few hundred."""
TOO_MUCH_MEMORY, TOO_MUCH_TEXT = 3, 4
"""Exit codes of the process."""

_ASKED = {"role": "user", "content": "甲乙丙丁 what is it? " * 10}
_ANSWER = {"role": "assistant", "content": "It is. " * 10}
_SYSTEM = {"role": "system", "content": "Be brief."}
CONVERSATIONS = [
    [_ASKED],
    [_SYSTEM, _ASKED],
    [_SYSTEM, _ASKED, _ANSWER],
    [_SYSTEM, _ASKED, _ANSWER, _ASKED],
    [_ASKED, _ANSWER] * 8,
]


def check_template(tokenizer: Any, model: str) -> None:
    """Refuse a template that does not come to an end, or writes without end.

    What it raises is no reason: many refuse some conversations, and that is said where one is needed.

    Args:
        model: the model or folder it came with, for the sentence.

    Raises:
        ModelError: it took more time, memory or text than a template has use for.
    """
    fault = _tried(json.dumps([tokenizer.chat_template, tokenizer.special_tokens_map], default=str))
    if fault:
        raise ModelError(
            f"The chat template of {model} {fault}: it is broken or made to harm. Use another model, or replace its "
            "chat_template.jinja."
        )


@cache
def _tried(given: str) -> str:
    """What is wrong with a template, given with its special tokens as JSON; nothing where it is well."""
    # -P: what lies in the folder that the user stands in is not imported.
    command = [sys.executable, "-P", "-m", "wukong_trainer.models.template_trial"]
    done = subprocess.run(command, input=given, text=True, capture_output=True, check=False)
    if done.returncode == TOO_MUCH_MEMORY:
        return f"needs more than {MEMORY >> 20} MB for a short conversation"
    if done.returncode == TOO_MUCH_TEXT:
        return f"writes more than {MOST:,} characters for a short conversation"
    if done.returncode < 0:
        return f"does not come to an end within {SECONDS} seconds, or ends the process"
    if done.returncode:
        raise ModelError(f"Chat templates cannot be tried out here: {done.stderr.strip().rpartition(chr(10))[2]}")
    return ""


def _try(templates: list[str], special: dict[str, Any]) -> int:
    """Render all conversations with each template; the exit code."""
    from transformers.utils.chat_template_utils import render_jinja_template

    _bound()
    for template in templates:
        for messages in CONVERSATIONS:
            for prompts, thinks in product((True, False), repeat=2):
                try:
                    rendered: Any = render_jinja_template(
                        [messages],
                        chat_template=template,
                        add_generation_prompt=prompts,
                        enable_thinking=thinks,
                        **special,
                    )
                except MemoryError:
                    return TOO_MUCH_MEMORY
                except Exception:
                    continue
                if len(rendered[0][0]) > MOST:
                    return TOO_MUCH_TEXT
    return 0


def _bound() -> None:
    """From here on, so much more processor time and memory and no more; the kernel ends who goes over the first."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + SECONDS
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    if sys.platform == "linux":
        bytes_now = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (bytes_now + MEMORY, bytes_now + MEMORY))


if __name__ == "__main__":
    template, special = json.load(sys.stdin)
    sys.exit(_try([template] if isinstance(template, str) else list(template.values()), special))
