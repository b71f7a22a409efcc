"""From documents to question-answer datasets: split, ask, paraphrase, check, dedupe, hold out, write.

>>> import wukong_pipe
>>> built = wukong_pipe.build("book.md", teacher="offline", variants=4, holdout=0)
>>> built.splits["train"] > 20
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wukong_pipe.errors import WukongError
    from wukong_pipe.library.build import BuildResult, build
    from wukong_pipe.workspace import Run

__version__ = "0.1.0"
__all__ = ["BuildResult", "Run", "WukongError", "build"]

_PLACES = {
    "BuildResult": "wukong_pipe.library.build",
    "Run": "wukong_pipe.workspace",
    "WukongError": "wukong_pipe.errors",
    "build": "wukong_pipe.library.build",
}
"""Where each public name stands. It is imported when it is first asked for, since `--help` must answer at once."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
