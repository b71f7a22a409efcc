"""The dataset on disk: rows by split, rejects, manifest and dataset card; and reading it back."""

from __future__ import annotations

import contextlib
import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from wukong_pipe.dataset.formats import FORMATS, INDEX, Format, feature_lines, formatted, index, path_of
from wukong_pipe.errors import DataError, WorkspaceError
from wukong_pipe.files import half_of, json_lines, json_pieces, read_object, sha256_of, write_json, write_text
from wukong_pipe.language.hashing import digest
from wukong_pipe.records import FILES, Lang, Reject, Row, Split
from wukong_pipe.spilled import picked
from wukong_pipe.workspace import MANIFEST, Run


def check_untouched(run: Run) -> None:
    """Refuse to go on where a rebuild would write over somebody's work.

    Raises:
        WorkspaceError: a dataset file is not as the last build wrote it.
        DataError: the manifest, which would tell, cannot be read.
    """
    if not run.manifest.is_file():
        return
    try:
        manifest = read_object(run.manifest, MANIFEST)
    except DataError as error:
        raise DataError(f"{error} This is that step: to replace what is there, give --overwrite.") from error
    for name, expected in manifest.get("files", {}).items():
        path = run.dataset / name
        if path.is_file() and sha256_of(path) != expected:
            raise WorkspaceError(
                f"{path} was edited since it was built, and a rebuild would lose the edit. Put corrections into "
                f"{run.edits}, which every build applies; then build with --overwrite, or elsewhere with --run."
            )


def write_dataset(
    run: Run, rows: Sequence[Row], rejects: Iterable[Reject], account: dict[str, Any], form: Format = "alpaca"
) -> dict[str, Any]:
    """Write all of dataset/; the manifest last, so that its presence means the rest is complete.

    The bytes depend on the arguments alone: no time, no path. A split without rows has no file.

    Args:
        account: what the manifest holds beside the rows of each split and level, and the files' hashes.
        form: another format to write the rows in, too; what our own commands read is always there.

    Returns:
        The manifest.
    """
    run.dataset.mkdir(parents=True, exist_ok=True)
    # Read once for all that is counted: to read the rows from the disk takes longer than to count them.
    places: dict[Split, array[int]] = {split: array("Q") for split in FILES}
    levels, langs = Counter[str](), set[Lang]()
    for at, row in enumerate(rows):
        places[row.split].append(at)
        levels[row.level] += 1
        langs.add(row.lang)
    counts = {split: len(its) for split, its in places.items()}
    splits = [split for split in FILES if counts[split]]
    forms = [name for name in FORMATS if name in {"alpaca", form}]
    lines = {path_of(split, name): _lines(picked(rows, places[split]), name) for name in forms for split in splits}
    # A surrogate that a teacher sent must not keep the file of rejects from being written.
    lines["rejected.jsonl"] = json_lines(_printable(reject.to_json()) for reject in rejects)
    before = _kept_manifest(run)
    run.manifest.unlink(missing_ok=True)
    for name, written in lines.items():
        write_text(run.dataset / name, written)
    _remove_stale(run, lines)
    hashes = {name: sha256_of(run.dataset / name) for name in sorted(lines)}
    write_json(run.dataset / INDEX, index(splits, forms))
    of_levels = {level: levels[level] for level in sorted(levels) if level}
    manifest = account | {"splits": counts, "levels": of_levels}
    text = card(run.name, manifest, sorted(langs), rows[0] if rows else None, digest(*hashes.values()), forms)
    write_text(run.dataset / "README.md", text)
    hashes |= {name: sha256_of(run.dataset / name) for name in (INDEX, "README.md")}
    manifest["files"] = hashes
    write_json(run.manifest, manifest)
    if _about_rows(manifest) != before:
        run.forget_evaluation()
    return manifest


def _lines(rows: Iterable[Row], form: Format) -> Iterator[str]:
    return json_lines(formatted(row, form) for row in rows)


def _kept_manifest(run: Run) -> str:
    """What the manifest says that stands there (see `_about_rows`); empty where there is none to read."""
    with contextlib.suppress(DataError):
        return _about_rows(read_object(run.manifest, MANIFEST))
    return ""


def _about_rows(manifest: Mapping[str, Any]) -> str:
    """A hash of a manifest, in the order it is written in, without what another format of the same rows changes."""
    ours = {*FILES.values(), "rejected.jsonl"}
    files = {name: value for name, value in manifest.get("files", {}).items() if name in ours}
    text = hashlib.sha256()
    for piece in json_pieces({**manifest, "files": files}):
        text.update(piece.encode("utf-8", "surrogatepass"))
    return text.hexdigest()


def _remove_stale(run: Run, current: Iterable[str]) -> None:
    """Remove what an earlier build wrote and this one does not."""
    for form in FORMATS:
        paths = [run.dataset / name for split in FILES if (name := path_of(split, form)) not in current]
        for path in paths:
            path.unlink(missing_ok=True)
            half_of(path).unlink(missing_ok=True)
        if form != "alpaca" and (run.dataset / form).is_dir() and not any((run.dataset / form).iterdir()):
            (run.dataset / form).rmdir()


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_printable(key): _printable(entry) for key, entry in value.items()}
    return [_printable(entry) for entry in value] if isinstance(value, list | tuple) else value


def card(
    name: str,
    manifest: dict[str, Any],
    langs: Sequence[Lang],
    first: Row | None,
    data_hash: str,
    forms: Sequence[Format] = ("alpaca",),
) -> str:
    """A Hugging Face dataset card whose configs make `load_dataset(folder)` give the splits.

    `datasets` caches by the folder's name and the card, not by the data: without the hash in the card it would
    serve another run's rows. A further format is a config of its own: `load_dataset(folder, "messages")`.

    Args:
        langs: those of the rows.
        first: the first row, whose columns all have; None where there are no rows.
    """
    counts = manifest["splits"]
    present = [split for split in FILES if counts[split]]
    configs = {"default" if form == "alpaca" else form: form for form in forms}
    sources = ", ".join(source["name"] for source in manifest["sources"][:10])
    lines = ["---"]
    if langs:
        lines += ["language:", *(f"- {lang}" for lang in langs)]
    lines += ["task_categories:", "- question-answering", "- text-generation", "pretty_name: " + _yaml(name)]
    if present:
        lines += ["configs:"]
        for config, form in configs.items():
            lines += [f"- config_name: {config}", "  data_files:"]
            for split in present:
                lines += [f"  - split: {split}", f"    path: {path_of(split, form)}"]
    lines += ["dataset_info:"]
    for config in configs:
        lines += [f"- config_name: {config}", f"  description: {data_hash}"]
        if first:
            # Without its type a column whose first rows hold empty lists is read as one of nothing.
            lines += ["  features:", *(f"  {line}" for line in feature_lines(first, configs[config]))]
    lines += ["---", "", f"# {name}", ""]
    lines += [
        f"Question-answer pairs about {sources}, made by wukong-pipe with the teacher "
        f"`{manifest['teacher']['model']}`.",
        "",
        "| split | rows |",
        "|---|---|",
        *(f"| {split} | {counts[split]} |" for split in present),
        "",
        *_about_answers(manifest.get("settings", {}).get("answer_variants", 0)),
        f"Coverage: evidence covers {manifest['coverage']['overall']:.1%} of the source's sentences, list items, "
        "table rows and pieces of code.",
        f"Leakage audit: {manifest['audit']['dropped']} rows dropped; highest similarity left between a held-out "
        f"question and a training question with the same key facts: {manifest['audit']['highest_similarity']:.2f}.",
        "",
        "`test` holds three levels: `wording` (another wording of a trained question), `question` (another question "
        "about a trained fact) and `section` (nothing of the section was trained). `rejected.jsonl`, beside the "
        "built dataset, holds every candidate that was left out, with its reason.",
        "",
        *(f"`{form}/` holds the same rows in the format of that name.\n" for form in forms if form != "alpaca"),
    ]
    return "\n".join(lines)


def _about_answers(variants: int) -> list[str]:
    if not variants:
        return []
    return [
        f"Training rows of one question take its answer and up to {variants} other wordings of it in turn; validation "
        "and test rows keep the answer itself."
    ]


def _yaml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
