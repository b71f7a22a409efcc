"""Training a student on a dataset, comparing it with its base, and the report of both.

What `train` and `evaluate` do besides, the pipeline does: it knows the sources of a run, what a person accepted of it,
and the journal of the judge. So both functions stand in `wukong_pipe.library`; all the rest of this package needs of
`wukong_pipe` its leaves alone.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wukong_pipe.library.evaluate import EvalResult, evaluate
    from wukong_pipe.library.train import TrainResult, train

__all__ = ["EvalResult", "TrainResult", "evaluate", "train"]

_PLACES = {
    "EvalResult": "wukong_pipe.library.evaluate",
    "TrainResult": "wukong_pipe.library.train",
    "evaluate": "wukong_pipe.library.evaluate",
    "train": "wukong_pipe.library.train",
}
"""Where each public name stands. It is imported when it is first asked for."""

# bitsandbytes looks for a kernel when it is imported, on CPUs with AVX512-BF16, and warns where it finds none. Nothing
# here uses it (see model.load_model).
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
