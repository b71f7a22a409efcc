"""The judge: doubtful pairs are shown to the teacher with their section; what it denies is out, all else stays."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import files_in, rows_of, run_in
from tests.support.good_teacher import GoodTeacher
from tests.support.provider import Provider, Response, completion, provider
from wukong_pipe.build import load_prompts
from wukong_pipe.cli.main import main
from wukong_pipe.corpus.numbering import numbered
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair, Section
from wukong_pipe.stages.judge import Verdict, ask_judge, doubted, request
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.requests import Reply, Request

PROMPTS = load_prompts(BuildSettings(judge=True))["judge"]
TEXT = "## Landing\n\nThe Eagle landed in the Sea of Tranquility. The crew rested.\n"
SECTION = Section("a.md", ("Apollo", "Landing"), 1, TEXT, "en")


def pair(answer: str) -> QAPair:
    evidence = ("The Eagle landed in the Sea of Tranquility.",)
    return QAPair(SECTION, "Where did the Eagle land?", answer, evidence, (3, 3), "base", "t", "p@1", "call")


PLAIN, DOUBTFUL = pair("In the Sea of Tranquility."), pair("Neatly smack in the Sea of Tranquility.")


def judged(*replies: Reply) -> tuple[Verdict, list[Request]]:
    asked: list[Request] = []

    async def ask(request: Request, attempt: int) -> Reply:
        asked.append(request)
        return replies[attempt]

    return asyncio.run(ask_judge(DOUBTFUL, ask, PROMPTS)), asked


def verdict(supported: bool, reason: str = "so") -> Reply:
    return Reply("call", {"supported": supported, "reason": reason}, None, "raw")


UNREAD = Reply("call", None, Reason.of("no-object"), "hm")


def test_a_pair_is_doubtful_where_a_lone_word_is_not_the_sources() -> None:
    assert doubted(PLAIN) is None
    assert str(doubted(DOUBTFUL)) == "“smack” is not in the evidence"
    chinese = Section("a.md", ("书", "甲"), 1, "## 甲\n\n石甲在山上守着洞门。\n")
    for answer, reason in (("石甲守着洞门。", None), ("石甲踞着洞门。", "“踞” is not in the evidence")):
        said = QAPair(
            chinese, "石甲在山上做什么？", answer, ("石甲在山上守着洞门。",), (3, 3), "base", "t", "p@1", "call"
        )
        assert str(doubted(said)) == str(reason)


def test_the_judge_sees_the_pair_and_its_section_and_nothing_else() -> None:
    assert request(DOUBTFUL, PROMPTS).messages[1]["content"] == (
        "Document: Apollo\nHeadings: Apollo › Landing\nQuestion: Where did the Eagle land?\n"
        f"Answer: Neatly smack in the Sea of Tranquility.\n<source>\n{numbered(DOUBTFUL.section).text}\n</source>"
    )


@pytest.mark.parametrize(
    ("replies", "kept", "tally"),
    [
        ([verdict(True)], [True], (1, 1, 0, 1, 0)),
        ([verdict(False)], [False], (1, 1, 0, 0, 1)),
        ([UNREAD, verdict(True)], [True], (2, 1, 1, 1, 0)),
        ([UNREAD, UNREAD, UNREAD], [], (3, 0, 3, 0, 0)),
        ([Reply("", None, Reason.of("empty"), "")], [], (1, 0, 1, 0, 0)),
    ],
)
def test_a_verdict_is_asked_for_until_it_can_be_read(
    replies: list[Reply], kept: list[bool], tally: tuple[int, ...]
) -> None:
    result, asked = judged(*replies)
    assert (result.kept, len(asked)) == (kept, len(replies))
    assert tuple(result.tally.to_json().values()) == tally


def test_a_pair_that_is_not_supported_is_rejected_with_the_teachers_reason() -> None:
    (reject,) = judged(verdict(False, "Nothing is said of a neat landing."))[0].rejects
    assert (reject.stage, str(reject.reason), reject.reply) == ("judge", "Nothing is said of a neat landing.", "raw")
    assert isinstance(reject.candidate, dict)
    assert reject.candidate["answer"] == DOUBTFUL.answer
    assert str(judged(verdict(False, ""))[0].rejects[0].reason) == "the judge gave no reason"


# --- whole builds ----------------------------------------------------------------------------------------------


class Judge(GoodTeacher):
    """Puts a word of its own into some answers, and judges them as it is told."""

    def __init__(self, says: Response) -> None:
        super().__init__()
        self.says = says
        self.judged: list[str] = []

    def __call__(self, request: dict[str, Any]) -> Response:
        prompt = request["messages"][-1]["content"]
        if "Answer: " in prompt and "\nWrite " not in prompt:
            self.judged.append(prompt)
            return self.says
        reply = json.loads(json.loads(super().__call__(request).body)["choices"][0]["message"]["content"])
        for item in reply.get("pairs", [])[::4]:
            item["answer"] = f"Smack {item['answer']}"
        return completion(json.dumps(reply))


def build(server: Provider, corpus: Path, *more: str) -> int:
    size = ["--variants", "5", "--max-pairs", "4", "--limit", "4", "--run", "book", "--answer-variants", "2", "--judge"]
    return main(["build", str(corpus), "--base-url", server.base_url, "--teacher-model", "m", *size, *more])


SAYS = {
    "supported": completion('{"supported": true, "reason": "The source says so."}'),
    "unsupported": completion('{"supported": false, "reason": "Nobody said smack."}'),
    "unread": completion("Well, it depends."),
}


@pytest.mark.usefixtures("empty_home")
@pytest.mark.parametrize("says", SAYS)
def test_a_build_accounts_for_every_candidate_and_a_second_one_asks_nothing(
    empty_home: Path, corpora: Path, capsys: pytest.CaptureFixture[str], says: str
) -> None:
    teacher = Judge(SAYS[says])
    with provider(teacher) as server:
        # Answers that are not as the templates left them cannot be reworded here: their families stay short.
        code = build(server, corpora / "apollo.md", "--min-fill", "0")
        captured = capsys.readouterr()
        assert code == 0, captured.err
        first, asked = files_in(run_in(empty_home).dataset), len(server.requests)
        assert build(server, corpora / "apollo.md", "--min-fill", "0", "--concurrency", "1") == 0
        assert len(server.requests) == asked
    assert files_in(run_in(empty_home).dataset) == first
    run = run_in(empty_home)
    manifest, rows, rejects = read_json(run.manifest), rows_of(run), read_jsonl(run.dataset / "rejected.jsonl")
    tallies = manifest["accounting"]
    for stage, tally in tallies.items():
        assert tally["asked"] == tally["received"] + tally["short"], stage
        assert tally["received"] == tally["kept"] + tally["rejected"], stage
    for stage in ("base_qa", "judge", "paraphrase", "answers"):
        assert sum(reject["stage"] == stage for reject in rejects) == tallies[stage]["rejected"]
        assert manifest["calls"][stage]["used"]["calls"] > 0
    doubtful = manifest["judge"]["doubtful"]
    assert manifest["calls"]["judge"]["estimated"]["calls"] >= doubtful >= 4
    assert manifest["calls"]["judge"]["used"]["calls"] == len(teacher.judged)
    assert tallies["dedupe_pairs"]["received"] == tallies["base_qa"]["kept"] - tallies["judge"]["rejected"]
    assert (
        tallies["judge"]
        == {
            "supported": {"asked": doubtful, "received": doubtful, "short": 0, "kept": doubtful, "rejected": 0},
            "unsupported": {"asked": doubtful, "received": doubtful, "short": 0, "kept": 0, "rejected": doubtful},
            "unread": {"asked": 3 * doubtful, "received": 0, "short": 3 * doubtful, "kept": 0, "rejected": 0},
        }[says]
    )
    assert manifest["judge"]["unjudged"] == (doubtful if says == "unread" else 0)
    warned = f"Warning: {doubtful} doubtful pairs were kept without a verdict" in captured.err
    assert warned == (says == "unread")
    assert any("Smack" in row["output"] for row in rows) == (says != "unsupported")
    # Rows that are not trained keep the pair's own answer, and the others take all wordings there are.
    own = {row["pair_id"]: row["output"] for row in rows if row["kind"] != "paraphrase"}
    held = [row for row in rows if row["split"] != "train" and row["pair_id"] in own]
    assert len(held) > 5
    assert all(row["output"] == own[row["pair_id"]] for row in held)
    trained = [row for row in rows if row["split"] == "train" and row["pair_id"] in own]
    assert sum(row["output"] != own[row["pair_id"]] for row in trained) > len(trained) / 3


def test_the_embedded_teacher_is_no_judge(empty_home: Path, corpora: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--dry-run"]):
        assert main(["build", str(corpora / "apollo.md"), "--teacher", "offline", "--judge", *more]) == 2
        assert (
            "--judge needs a language model: the embedded teacher's templates cannot judge" in capsys.readouterr().err
        )
    assert not (empty_home / "runs").exists()


@pytest.mark.usefixtures("empty_home")
def test_a_dry_run_prices_the_judge_as_if_all_pairs_were_doubtful_and_says_so(
    corpora: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["build", str(corpora / "apollo.md"), "--answer-variants", "3", "--judge", "--dry-run"]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "judge (at most)" in shown
    assert "The judge is asked about doubtful pairs alone" in shown
    assert main([*command, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    stages = plan["stages"]
    assert list(stages) == ["base_qa", "judge", "paraphrase", "answers"]
    assert stages["judge"]["calls"] == stages["paraphrase"]["calls"] == stages["answers"]["calls"] == plan["pairs"]
    assert [name for name, stage in stages.items() if stage.get("at_most")] == ["judge"]
    assert stages["answers"]["tokens_out"] == 3 * 50 * plan["pairs"]
