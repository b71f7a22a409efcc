"""The dataset on disk: rows by split, rejects, manifest and dataset card; and reading it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.records import Reject, Row, Split
from wukong_pipe.text import digest
from wukong_pipe.workspace import Run, half_of, jsonl, read_json, sha256_of, write_json, write_text

FILES: dict[Split, str] = {"train": "train.jsonl", "validation": "val.jsonl", "test": "test.jsonl"}


def check_untouched(run: Run) -> None:
    """Refuse to go on where a rebuild would write over somebody's work.

    Raises:
        WorkspaceError: a dataset file is not as the last build wrote it.
    """
    if not run.manifest.is_file():
        return
    for name, expected in read_json(run.manifest).get("files", {}).items():
        path = run.dataset / name
        if path.is_file() and sha256_of(path) != expected:
            raise WorkspaceError(
                f"{path} was edited since it was built, and a rebuild would lose the edit. Keep a copy, then build "
                "with --overwrite, or build under another name with --run."
            )


def check_sources(run: Run, sources: Iterable[str]) -> None:
    """Refuse to replace another corpus's dataset that merely has the same default name.

    Raises:
        WorkspaceError: the run was built from other sources.
    """
    if run.manifest.is_file():
        built_from = [source["name"] for source in read_json(run.manifest).get("sources", [])]
        if sorted(built_from) != sorted(sources):
            raise WorkspaceError(
                f"The run “{run.name}” was built from {', '.join(built_from[:3])}; name another with --run, "
                f"or confirm with --run {run.name}."
            )


def write_dataset(run: Run, rows: Sequence[Row], rejects: Sequence[Reject], manifest: dict[str, Any]) -> None:
    """Write all of dataset/; the manifest last, so that its presence means the rest is complete.

    The bytes depend on the arguments alone: no time, no path. A split without rows has no file.
    """
    run.dataset.mkdir(parents=True, exist_ok=True)
    texts = {
        name: jsonl(row.to_json() for row in rows if row.split == split)
        for split, name in FILES.items()
        if any(row.split == split for row in rows)
    }
    # A surrogate that a teacher sent must not keep the file of rejects from being written.
    texts["rejected.jsonl"] = jsonl(_printable(reject.to_json()) for reject in rejects)
    before = sha256_of(run.manifest) if run.manifest.is_file() else ""
    run.manifest.unlink(missing_ok=True)
    for name, text in texts.items():
        write_text(run.dataset / name, text)
    for name in FILES.values():
        if name not in texts:
            (run.dataset / name).unlink(missing_ok=True)
            half_of(run.dataset / name).unlink(missing_ok=True)
    hashes = {name: sha256_of(run.dataset / name) for name in sorted(texts)}
    write_text(run.dataset / "README.md", card(run.name, rows, manifest, digest(*hashes.values())))
    hashes["README.md"] = sha256_of(run.dataset / "README.md")
    write_json(
        run.manifest,
        manifest | {"splits": split_counts(rows), "levels": level_counts(rows), "files": hashes},
    )
    if sha256_of(run.manifest) != before:
        run.forget_evaluation()


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_printable(key): _printable(entry) for key, entry in value.items()}
    return [_printable(entry) for entry in value] if isinstance(value, list | tuple) else value


def split_counts(rows: Iterable[Row]) -> dict[str, int]:
    """Rows of each split."""
    counts = Counter(row.split for row in rows)
    return {split: counts[split] for split in FILES}


def level_counts(rows: Iterable[Row]) -> dict[str, int]:
    """Test rows of each level that has any."""
    return dict(sorted(Counter(row.level for row in rows if row.level).items()))


def card(name: str, rows: Sequence[Row], manifest: dict[str, Any], data_hash: str) -> str:
    """A Hugging Face dataset card whose configs make `load_dataset(folder)` give the splits.

    `datasets` caches by the folder's name and the card, not by the data: without the hash in the card it would
    serve another run's rows.
    """
    present = [(split, file) for split, file in FILES.items() if any(row.split == split for row in rows)]
    counts = Counter(row.split for row in rows)
    langs = sorted({row.lang for row in rows})
    sources = ", ".join(source["name"] for source in manifest["sources"][:10])
    lines = ["---"]
    if langs:
        lines += ["language:", *(f"- {lang}" for lang in langs)]
    lines += ["task_categories:", "- question-answering", "- text-generation", "pretty_name: " + _yaml(name)]
    if present:
        lines += ["configs:", "- config_name: default", "  data_files:"]
        for split, file in present:
            lines += [f"  - split: {split}", f"    path: {file}"]
    lines += ["dataset_info:", f"  description: {data_hash}", "---", "", f"# {name}", ""]
    lines += [
        f"Question-answer pairs about {sources}, made by wukong-pipe with the teacher "
        f"`{manifest['teacher']['model']}`.",
        "",
        "| split | rows |",
        "|---|---|",
        *(f"| {split} | {counts[split]} |" for split, _ in present),
        "",
        f"Coverage: evidence covers {manifest['coverage']['overall']:.1%} of the source's sentences, list items and "
        "table rows.",
        f"Leakage audit: {manifest['audit']['dropped']} rows dropped; highest similarity left between a held-out "
        f"question and a training question with the same key facts: {manifest['audit']['highest_similarity']:.2f}.",
        "",
        "`test` holds three levels: `wording` (another wording of a trained question), `question` (another question "
        "about a trained fact) and `section` (nothing of the section was trained). `rejected.jsonl` holds every "
        "candidate that was left out, with its reason.",
        "",
    ]
    return "\n".join(lines)


def _yaml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
