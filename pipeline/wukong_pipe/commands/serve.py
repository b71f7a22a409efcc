"""What `serve` does once its options are read: take the port, load the model, answer until Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import shlex

from rich.console import Console

from wukong_pipe.commands.listening import HOST, listening
from wukong_pipe.extras import check_installed, training_installed
from wukong_pipe.workspace import Run

SLOTS, CONTEXT = 2, 4096
"""Of llama.cpp: calls at a time, and tokens of a call with its answer."""


def run_serve(run: Run, *, port: int, model: str, max_new_tokens: int, err: Console) -> None:
    """Serve the run's tuned model, as it was trained, under the run's name.

    Raises:
        WorkspaceError: the port is taken.
        WukongError: see `wukong_trainer.use.tuned_model.load_tuned`.
    """
    # Before the model: a port that is taken should be said at once.
    with listening(port) as listener:
        with training_installed("train,serving"):
            from wukong_trainer.use.serve import application, serve
            from wukong_trainer.use.tuned_model import load_tuned
        err.print(f"Loading {run.name}…", style="dim")
        app = application(load_tuned(run, model), run.name, max_new_tokens)
        listener.listen()
        err.print(
            f"Serving {run.name} on http://{HOST}:{listener.getsockname()[1]}/v1, for this machine alone. "
            "Ctrl-C stops it."
        )
        with contextlib.suppress(KeyboardInterrupt):
            serve(app, listener)
    err.print("Stopped.")


def run_serve_gguf(run: Run, *, port: int, max_new_tokens: int, err: Console) -> None:
    """Serve the run's newest GGUF with llama.cpp, under the run's name.

    Raises:
        MissingDependency: llama.cpp is not installed.
        WorkspaceError: the port is taken, or there is no GGUF of the adapter as it is now.
    """
    check_installed(("torch", "xllamacpp"), "train,gguf")
    with training_installed("train,gguf"):
        import torch

        from wukong_trainer.llama_server import Student, serve
        from wukong_trainer.use.served_gguf import served_gguf
    file, threads = served_gguf(run), torch.get_num_threads()
    listening(port).close()  # llama.cpp's own sentence would be a page of its log.
    serve(
        file,
        port,
        SLOTS,
        CONTEXT,
        threads,
        lambda line: err.print(line, style="dim"),
        Student(run.name, max_new_tokens),
    )
    err.print("Stopped.")


def vllm_command(run: Run, port: int, options: tuple[str, ...] = ()) -> list[str]:
    """The command that serves the run's export with vLLM, greedy unless a request says otherwise.

    Raises:
        WorkspaceError: nothing was exported, or what was is older than the adapter.
        MissingDependency: vLLM is not installed.
    """
    with training_installed():
        from wukong_trainer.inference.vllm_server import merged_model, vllm_executable
        from wukong_trainer.models.trained_model import tuned_folder
    merged = merged_model(run, tuned_folder(run)[0])
    return [
        *(vllm_executable(), "serve", str(merged), "--served-model-name", run.name),
        *("--host", HOST, "--port", str(port)),
        # vLLM reads no do_sample from the export's generation config, and samples at temperature 1.
        *("--override-generation-config", '{"temperature": 0}'),
        *options,
    ]


def replace_by(command: list[str], err: Console) -> None:
    """Become the command: signals and its output are then its own."""
    err.print(f"Starting {shlex.join(command)}", style="dim")
    err.file.flush()
    os.execv(command[0], command)
