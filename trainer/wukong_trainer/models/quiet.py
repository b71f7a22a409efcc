"""The terminal is ours: the libraries' progress bars, advice and deprecation notices are for us, not for users."""

from __future__ import annotations

import logging
import warnings

import datasets
import transformers


def silence_libraries() -> None:
    """Switch off what the training libraries print; errors still reach the user as exceptions."""
    datasets.disable_progress_bars()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    # TRL logs the absence of the optional package `kernels` as an error.
    for name in ("trl", "peft", "accelerate", "bitsandbytes"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # Its retries; that a hub does not answer is said by us.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(?:transformers|peft|trl|accelerate|bitsandbytes|torch|datasets)\.")
