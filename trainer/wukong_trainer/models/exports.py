"""Which export a folder holds, and of which adapter, by the record that it was written with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from wukong_pipe.files import read_object
from wukong_pipe.workspace import RECORD
from wukong_trainer.models.fingerprint import fingerprint

ExportKind = Literal["task", "gguf", "merged"]
_FIELDS: dict[ExportKind, str] = {"task": "tool", "gguf": "gguf", "merged": "merged"}
"""What the record of each has; a GGUF's also has that of the merged model it was made of, and so comes before it."""


def export_in(folder: Path) -> ExportKind | None:
    """What was exported to a folder; None where nothing was."""
    record = _record(folder)
    return next((kind for kind, name in _FIELDS.items() if name in record), None)


def exported_from(out: Path, folder: Path, kind: ExportKind) -> bool:
    """Whether `out` holds such an export of what the adapter in `folder` is now."""
    return export_in(out) == kind and bool(_record(out).get("merged", {}).get("adapter") == fingerprint(str(folder)))


def _record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    return read_object(path, {}) if path.is_file() else {}
