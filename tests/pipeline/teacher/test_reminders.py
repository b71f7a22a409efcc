"""What a re-ask says: what is there already, and what was rejected for which reason."""

from __future__ import annotations

from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair, Reject, Section
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.reminders import MOST_REJECTED, reminder
from wukong_pipe.teacher.requests import temperature_at


def harvest(lang: str, *rejected: str) -> Harvest[Section, QAPair]:
    section = Section("a.md", ("书",), 1, "正文。\n", "zh" if lang == "zh" else "en")
    pairs = Harvest[Section, QAPair](section, section.id, 5)
    reason = Reason.of("number-new", number="42")
    pairs.rejects += [Reject("base_qa", reason, section, {"question": text}) for text in rejected]
    return pairs


def test_the_first_attempt_is_reminded_of_nothing() -> None:
    assert reminder(harvest("zh"), (), "question") == ""


def test_what_is_there_and_what_was_rejected_are_named_in_the_sections_language() -> None:
    assert reminder(harvest("zh", "乙？"), ("甲？",), "question").splitlines() == [
        "以下内容已经有了，请写别的：",
        "- 甲？",
        "以下内容被拒绝，请避免同样的问题：",
        "- 乙？ —— 多出数字 42",
    ]
    assert reminder(harvest("en", "B?"), (), "question").splitlines() == [
        "These were rejected; avoid the same fault:",
        "- B? -- number 42 is new",
    ]


def test_a_reject_is_named_once_and_of_many_the_last_ones() -> None:
    assert reminder(harvest("en", "B?", "B?"), (), "question").count("B?") == 1
    assert len(reminder(harvest("en", *map(str, range(99))), (), "question").splitlines()) == MOST_REJECTED + 1


def test_a_reply_that_could_not_be_read_names_nothing() -> None:
    pairs = harvest("en")
    pairs.rejects.append(Reject("reply", Reason.of("no-object"), pairs.section))
    assert reminder(pairs, (), "question") == ""


def test_the_temperature_rises_with_each_attempt_and_never_above_a_limit_or_below_the_users() -> None:
    assert [temperature_at(n, None) for n in range(3)] == [None, 1.1, 1.2]
    assert [temperature_at(n, 0.0) for n in range(5)] == [0.0, 0.4, 0.8, 1.2, 1.2]
    assert temperature_at(2, 1.7) == 1.7
