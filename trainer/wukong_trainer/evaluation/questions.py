"""The test questions of an evaluation: read, sampled, and without those that the model was trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wukong_pipe.errors import DataError, ModelError, WorkspaceError
from wukong_pipe.files import read_json, sha256_of
from wukong_pipe.language.chinese import is_chinese
from wukong_pipe.language.fact_matching import Facts
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import Example, TrainingData
from wukong_trainer.data.files import read_raw, read_rows, read_training_data
from wukong_trainer.evaluation.leaks import Leaks, copies, leaks
from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.evaluation.nearness import trained_wordings, with_nearness
from wukong_trainer.evaluation.records import ALONE, TestRow
from wukong_trainer.evaluation.sources import Sources
from wukong_trainer.scoring.facts import facts_of_row, spellings, without_siblings


@dataclass(frozen=True, slots=True)
class TestSet:
    """The rows that are asked, and what is known of leaks."""

    rows: list[TestRow]
    file: Path
    dropped: int
    """Rows that were left out because the tuned model was trained on them."""
    closest: float | None
    """The highest similarity left to a trained question; None where nobody looked."""
    sample: dict[str, int] | None
    """{"asked": 40, "of": 475} where a limit left questions out."""
    audit: Audit


def read_test_set(
    run: Run, test: Path | None, record: dict[str, Any], sources: Sources, limit: int | None, drop_leaked: bool
) -> TestSet:
    """The rows of `test`, or of the run's own test.jsonl, that can prove something about the tuned model.

    Args:
        record: what the tuned model was trained on.
        limit: only so many rows, spread evenly over the file.
        drop_leaked: leave out rows that the model was trained on, instead of refusing them.

    Raises:
        WorkspaceError: there is nothing to test on.
        DataError: a row is wrong.
        ModelError: the model was trained on test questions.
    """
    if test is not None and not test.exists():
        raise WorkspaceError(f"--test {test} does not exist.")
    file = test or run.dataset / "test.jsonl"
    every = read_test_rows(file)
    sample = every if limit is None or limit >= len(every) else [every[i * len(every) // limit] for i in range(limit)]
    audit = Audit.of(run, file)
    found = audit.leaks(record, sample, sources)
    rows = [replace(row, section=sources.section(row) or "") for row in (sample[i] for i in found.unseen)]
    if audit.knows_training(record):
        rows = with_nearness(rows, trained_wordings(run))
    dropped = len(sample) - len(rows)
    if dropped and not drop_leaked:
        raise ModelError(_refusal(found, len(sample)))
    if not rows:
        raise ModelError("The adapter was trained on every one of these test questions: nothing is left to test.")
    counts = {"asked": len(rows), "of": len(every)} if len(sample) < len(every) else None
    return TestSet(rows, file, dropped, found.closest, counts, audit)


def _refusal(found: Leaks, asked: int) -> str:
    lightly = ""
    if found.reworded:
        question, trained, alike = found.reworded[0]
        lightly = f", {len(found.reworded)} of them lightly reworded (“{question}” for “{trained}”, {alike:.2f} alike)"
    return (
        f"The adapter was trained on {asked - len(found.unseen)} of these {asked} test questions{lightly}, so no "
        "score on them means anything. Train on other rows, or leave the questions out with --drop-leaked."
    )


def read_test_rows(path: Path) -> list[TestRow]:
    """The rows of a test file; rows of `instruction` and `output` alone will do, as tutorials have them.

    {"instruction": "谁打造了它？", "output": "铁匠"} becomes a row of the level "wording" that stands for itself.

    Raises:
        WorkspaceError: there is no such file, or it holds no rows.
        DataError: a row is wrong; the sentence names its line.
    """
    if not path.is_file():
        raise WorkspaceError(f"There are no test questions in {path}: build a dataset with some, or name --test FILE.")
    found, _ = read_rows(read_raw(path), str(path))
    rows = [_test_row(path, number, row, example) for number, (row, example) in enumerate(found, start=1)]
    if not rows:
        raise WorkspaceError(f"{path} holds no test questions.")
    return _apart_from_siblings(rows)


def _apart_from_siblings(rows: Sequence[TestRow]) -> list[TestRow]:
    """The rows, each without the spellings of its facts that are also of another pair of its section."""
    pairs: defaultdict[tuple[str, str], dict[str, Facts]] = defaultdict(dict)
    """By section and spelling: the facts of the pairs that have it, by pair."""
    for row in rows:
        # Yes is a fact of many questions, and of none alone.
        if not row.wanted.is_polar:
            for spelling in spellings(row.facts):
                pairs[row.cluster, spelling][row.pair_id] = row.facts
    return [row if row.wanted.is_polar else _apart(row, pairs) for row in rows]


def _apart(row: TestRow, pairs: Mapping[tuple[str, str], Mapping[str, Facts]]) -> TestRow:
    sharing = (pairs[row.cluster, spelling] for spelling in spellings(row.facts))
    siblings = {pair: facts for each in sharing for pair, facts in each.items() if pair != row.pair_id}
    return replace(row, facts=without_siblings(row.facts, siblings.values()))


_TEXTS = ("id", "pair_id", "section_id", "kind", "level", "lang", "source")


def _test_row(path: Path, number: int, row: dict[str, Any], example: Example) -> TestRow:
    if row.get("level", "wording") not in ("", *LEVELS):
        raise DataError(f"{example.where}: the level must be one of {', '.join(LEVELS)}.")
    # Many number their rows.
    given = {key: str(row[key]) if type(row[key]) is int else row[key] for key in _TEXTS if row.get(key)}
    for key, value in given.items():
        if not isinstance(value, str):
            raise DataError(f"{example.where}: “{key}” must be a text; correct it or leave it out.")
    headings = row.get("heading_path") or None
    if headings is not None and not (isinstance(headings, list) and all(isinstance(text, str) for text in headings)):
        raise DataError(f"{example.where}: “heading_path” must be a list of texts; correct it or leave it out.")
    texts = {
        "id": f"{path.name}:{number}",
        "pair_id": f"{path.name}:{number}",
        "section_id": path.name,
        "kind": "base",
        "level": "wording",
        "lang": "zh" if is_chinese(example.question + example.output) else "en",
        "source": path.name,
    } | given
    question, reference = example.question, example.output
    facts, facts_from = facts_of_row(_named_facts(row.get("facts"), example.where), question, reference)
    cluster = _cluster(texts, given.keys(), headings, row.get("group")) or f"{ALONE}{example.where}"
    headings = headings or [path.stem]
    return TestRow(
        **texts,
        cluster=cluster,
        heading_path=tuple(headings),
        example=example,
        facts=facts,
        facts_from=facts_from,
    )


def _named_facts(given: Any, where: str) -> Facts:
    """The facts that a row names: each a text, or a list of its spellings.

    Raises:
        DataError: they are something else.
    """
    facts = given or []
    if isinstance(facts, list):
        listed = [[fact] if isinstance(fact, str) else fact for fact in facts]
        if all(isinstance(fact, list) and fact and all(map(_is_text, fact)) for fact in listed):
            return tuple(map(tuple, listed))
    raise DataError(
        f"{where}: “facts” must be a list of facts, each a list of the spellings of which one must stand in a right "
        "answer; correct it or leave it out."
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _cluster(texts: dict[str, str], given: Collection[str], headings: list[str] | None, group: Any) -> str:
    """What the row says it is alike with: its group, its section, or its pair; "" where it says nothing."""
    if isinstance(group, str | int) and str(group).strip():
        return f"group {group}"
    if headings:
        # The pieces of a long section have ids of their own and the same headings.
        return "\x1f".join([texts["source"], *headings])
    named = next((key for key in ("section_id", "pair_id") if key in given), "")
    return f"{named} {texts[named]}" if named else ""


@dataclass(frozen=True, slots=True)
class Audit:
    """Whether the build's audit of test against training rows still speaks for the files as they are."""

    state: str
    """ "stands", "other test", "edited" since the build, or "none" where no build made the files."""
    data: TrainingData | None
    """The run's dataset as it is now; None where there is none."""

    @classmethod
    def of(cls, run: Run, file: Path) -> Audit:
        """The audit of a run's build, where `file` is tested."""
        data = read_training_data(run.dataset) if (run.dataset / "train.jsonl").is_file() else None
        if file.resolve() != (run.dataset / "test.jsonl").resolve():
            return cls("other test", data)
        if data is None or not run.manifest.is_file():
            return cls("none", data)
        built = read_json(run.manifest).get("files", {})
        same = all(sha256_of(run.dataset / name) == built.get(name) for name in ("train.jsonl", "test.jsonl"))
        return cls("stands" if same else "edited", data)

    @property
    def hash(self) -> str | None:
        """Of the training rows that it was about; None where it does not stand."""
        return self.data.hash if self.data and self.state == "stands" else None

    def of_training(self, record: dict[str, Any]) -> str:
        """Its state for a model; also "unrecorded" and "other training", where that was trained on other rows."""
        if "questions" not in record:
            return "unrecorded"
        return "other training" if self.hash not in (None, record.get("dataset_hash")) else self.state

    def leaks(self, record: dict[str, Any], rows: list[TestRow], sources: Sources) -> Leaks:
        """What of the rows a model was trained on; the build's rule is applied here where its audit did not."""
        questions = [row.example.asked for row in rows]
        if self.of_training(record) in ("stands", "unrecorded"):
            return copies(record, questions)
        return leaks(record, questions, sources.names(), self.data.questions() if self.data and self.hash else ())

    def trained_forms(self, record: dict[str, Any], sources: Sources) -> set[str]:
        """The templates of the trained questions; none where the dataset is no longer what was trained on."""
        if self.data is None or not self.knows_training(record):
            return set()
        return {sources.form(example.question) for example in self.data.train}

    def knows_training(self, record: dict[str, Any]) -> bool:
        """Whether the run's dataset is what a model was trained on."""
        return self.data is not None and self.data.hash == record.get("dataset_hash")


def leakage_of(record: dict[str, Any], dropped: int, audited: str | None) -> str:
    """What is known of test questions that a model was trained on: "none", "dropped N", "unknown", or both of these.

    Copies and light rewordings are always looked for; "none" also says that no pair or section that the test holds
    out was trained in other words, which only the build's audit can know. Where it does not, that also holds for the
    questions that are left when some were dropped: "dropped N, rest unknown".

    Args:
        record: what the model was trained on, {} where nobody knows.
        audited: the hash of the training rows that the test was audited against; None where it was not.
    """
    if "questions" not in record:
        return "unknown"
    known = audited is not None and record.get("dataset_hash") == audited
    if dropped:
        return f"dropped {dropped}" if known else f"dropped {dropped}, rest unknown"
    return "none" if known else "unknown"
