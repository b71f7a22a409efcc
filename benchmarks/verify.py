"""How many false answers and wordings does a second reading catch, and how many honest ones does it lose?

    python -m benchmarks.verify answers ROWS [--method blind|confirm|cite] [--batch 8] READER
    python -m benchmarks.verify wordings ROWS READER
    python -m benchmarks.verify calibration zh|en READER

puts labelled rows before a reader through the requests that a build makes, and scores its verdicts. READER is a server
(`--base-url`, `--model`) or a folder (`--folder`), where each request waits as requests/NAME.json for somebody to write
replies/NAME.txt; nothing in it says which rows are spoilt. The same command again reads the replies, makes the requests
that depend on them, and prints the score so far. ROWS is the folder of a set: pairs.jsonl, spoilt_answers.jsonl and
wordings.jsonl, with its documents in ../docs; or that of the rows about httpx. `benchmarks/verify.md` has the results.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

from benchmarks.labelled_rows import LabelledAnswer, LabelledWordings, answers_of, drafts, sampled, wordings_of

from wukong_pipe.corpus.numbering import numbered
from wukong_pipe.journal.store import Journal
from wukong_pipe.language.hashing import digest
from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.providers.live import OpenAIBackend
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Lang, Section
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.ledger import Ledger
from wukong_pipe.teacher.pool import in_pool
from wukong_pipe.teacher.prompt_files import OF_VERIFY, Prompt, load_prompt
from wukong_pipe.teacher.quoting import fenced
from wukong_pipe.teacher.replies import read_object
from wukong_pipe.teacher.requests import Ask, Reply, Request
from wukong_pipe.verify.answers import GivenAnswer, verify_answers
from wukong_pipe.verify.calibration import calibrate
from wukong_pipe.verify.calls import Verifier, ask_of_each, in_batches, listed, of_all, reply_schema
from wukong_pipe.verify.verdicts import UNANSWERED, Verdict
from wukong_pipe.verify.wordings import verify_wordings

HERE = Path(__file__).parent


# --- readers -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Bill:
    """What a reader was asked, and what it has not answered yet."""

    calls: int = 0
    waiting: int = 0
    bytes_in: int = 0
    bytes_out: int = 0

    def add(self, request: Request, reply: Reply) -> None:
        self.calls += 1
        self.bytes_in += sum(len(message["content"].encode()) for message in request.messages)
        self.bytes_out += len(reply.raw.encode())


class Folder:
    """A reader who answers requests/NAME.json in replies/NAME.txt."""

    def __init__(self, folder: Path, bill: Bill) -> None:
        self._requests, self._replies, self._bill = folder / "requests", folder / "replies", bill
        for each in (self._requests, self._replies):
            each.mkdir(parents=True, exist_ok=True)

    async def ask(self, request: Request, attempt: int) -> Reply:
        shown = {"messages": list(request.messages), "schema": request.schema}
        text = json.dumps(shown, ensure_ascii=False, indent=1)
        name = digest(text, str(attempt))
        reply = self._replies / f"{name}.txt"
        if not reply.exists():
            (self._requests / f"{name}.json").write_text(text, "utf-8")
            self._bill.waiting += 1
            return Reply("", None, Reason.of("empty"), "")
        raw = reply.read_text("utf-8")
        found = Reply(name, *read_object(raw, request.schema), raw)
        self._bill.add(request, found)
        return found


@asynccontextmanager
async def reader(options: argparse.Namespace, bill: Bill) -> AsyncIterator[Ask]:
    """The reader that the options name: a folder, or a server, whose answers a journal keeps."""
    if options.folder:
        yield Folder(options.folder, bill).ask
        return
    journal_folder = options.journal or Path(tempfile.mkdtemp())
    settings = TeacherSettings(options.model, options.base_url, options.api_key, options.temperature)
    with Journal(journal_folder / "journal.sqlite") as journal:
        async with OpenAIBackend(settings, journal, Ledger(journal, "verify")) as backend:
            teacher = JournalledTeacher(journal, backend, "verify")

            async def ask(request: Request, attempt: int) -> Reply:
                reply = await teacher.ask(request, attempt)
                bill.add(request, reply)
                return reply

            yield ask


# --- what blind answers are measured beside ----------------------------------------------------------------------

_UNITS = {"type": "array", "items": {"type": "integer"}}
_VERDICT = {"right": {"type": "boolean"}, "reason": {"type": "string"}}
OUTRIGHT = {
    "confirm": reply_schema("verdicts", "question", **_VERDICT),
    "cite": reply_schema("verdicts", "question", evidence=_UNITS, **_VERDICT),
}
"""Asking whether an answer is right, without and with citing first."""


async def asked_outright(
    given: Sequence[GivenAnswer], section: Section, verifier: Verifier, method: str
) -> list[Verdict]:
    """Verdicts of a reader that sees question and answer at once."""
    prompt = load_prompt_of(method, section.lang)
    shuffled = sorted(range(len(given)), key=lambda index: digest(section.id, given[index].question))

    def request(indices: Sequence[int]) -> Request:
        shown = listed(given[index].shown for index in indices)
        values = {
            "title": section.heading_path[0],
            "heading_path": section.title,
            "section": fenced(numbered(section).text),
        }
        return Request(method, prompt.name, prompt.messages(**values, questions=shown), OUTRIGHT[method], None)

    async def judged(batch: Sequence[int]) -> dict[int, Verdict]:
        said = (await ask_of_each(batch, verifier.ask, request)).said
        return {i: Verdict("supported" if one.item["right"] else "rejected") for i, one in said.items()}

    verdicts = await of_all([partial(judged, batch) for batch in in_batches(shuffled, verifier.batch_size)])
    return [verdicts.get(index, UNANSWERED) for index in range(len(given))]


def load_prompt_of(method: str, lang: Lang) -> Prompt:
    system, _, user = (HERE / "verify" / f"{method}.{lang}.md").read_text("utf-8").partition("\n# user\n")
    return Prompt(method, system.removeprefix("# system\n").strip(), user.strip())


# --- the command -------------------------------------------------------------------------------------------------

Judged = tuple[str, str, Verdict]
"""What was verified, the kind of its error, and the verdict."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("answers", "wordings", "calibration"))
    parser.add_argument("rows", help="the folder of rows; for calibration, zh or en")
    parser.add_argument("--method", choices=("blind", *OUTRIGHT), default="blind")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--whole", type=int, default=0, help="show documents of so many characters as one section")
    parser.add_argument("--sample", nargs=2, metavar=("DOCUMENT,…", "N"), help="N rows of each of these documents")
    parser.add_argument("--first", type=int, help="only so many answers, or pairs with their wordings, by hash")
    parser.add_argument("--list-wrong", action="store_true", help="list what was judged wrongly")
    readers = parser.add_mutually_exclusive_group(required=True)
    readers.add_argument("--folder", type=Path)
    readers.add_argument("--base-url")
    parser.add_argument("--model")
    parser.add_argument("--api-key", default="")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--concurrency", type=int, default=2)
    parser.add_argument("--journal", type=Path, help="folder of the journal that keeps a server's answers")
    options = parser.parse_args()
    asyncio.run(run(options))


async def run(options: argparse.Namespace) -> None:
    langs: tuple[Lang, ...] = get_args(Lang)
    prompts = {name: {lang: load_prompt(name, lang) for lang in langs} for name in OF_VERIFY}
    bill = Bill()
    async with reader(options, bill) as ask:
        if options.what == "calibration":
            print(await calibrate(options.rows, ask, prompts))
        else:
            verifier = Verifier(ask, prompts, options.batch)
            jobs = (_answer_jobs if options.what == "answers" else _wording_jobs)(options, verifier)
            judged = await in_pool(jobs, lambda job: job(), options.concurrency, lambda: None, lambda error: None)
            _print_score([row for rows in judged for row in rows], options.list_wrong)
    print(f"{bill.calls} calls answered, {bill.waiting} waiting; {bill.bytes_in} bytes in, {bill.bytes_out} out")


Job = Callable[[], Awaitable[list[Judged]]]


def _answer_jobs(options: argparse.Namespace, verifier: Verifier) -> list[Job]:
    rows = answers_of(Path(options.rows), options.whole)
    if options.sample:
        rows = sampled(rows, options.sample[0].split(","), int(options.sample[1]))
    rows = sorted(rows, key=lambda row: digest(row.given.answer, "first"))[: options.first]
    verify = verify_answers if options.method == "blind" else partial(asked_outright, method=options.method)

    async def job(draft: Sequence[LabelledAnswer]) -> list[Judged]:
        verdicts = await verify([row.given for row in draft], draft[0].section, verifier)
        return [
            (f"{row.given.question} → {row.given.answer}", row.error, verdict)
            for row, verdict in zip(draft, verdicts, strict=True)
        ]

    return [partial(job, draft) for draft in drafts(rows)]


def _wording_jobs(options: argparse.Namespace, verifier: Verifier) -> list[Job]:
    rows = sorted(wordings_of(Path(options.rows), options.whole), key=lambda row: digest(row.given.question))[
        : options.first
    ]

    async def job(row: LabelledWordings) -> list[Judged]:
        verdicts = await verify_wordings(row.given, row.wordings, row.others, row.section, verifier)
        shown = (f"{row.given.question} → {wording}" for wording in row.wordings)
        return list(zip(shown, row.errors, verdicts, strict=True))

    return [partial(job, row) for row in rows]


def _print_score(judged: Sequence[Judged], list_wrong: bool) -> None:
    """How many of the false were caught and of the honest lost, by kind of error."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for _, error, verdict in judged:
        counts[error or "honest"][verdict.outcome] += 1
        counts["all spoilt" if error else "all honest"][verdict.outcome] += 1
    print("| rows | supported | rejected | unanswered |\n|---|---|---|---|")
    for kind, found in sorted(counts.items(), key=lambda entry: (not entry[0].startswith("all"), entry[0])):
        print(f"| {kind} | {found['supported']} | {found['rejected']} | {found['unanswered']} |")
    for shown, error, verdict in judged if list_wrong else ():
        if verdict.outcome == ("supported" if error else "rejected"):
            print(f"- {error or 'honest'}: {shown}\n  {verdict.reason or ''}")


if __name__ == "__main__":
    main()
