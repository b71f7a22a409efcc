"""What looks like a secret is found wherever it stands in a line of JSON, and is not shown."""

from __future__ import annotations

import json
import random
import string

import pytest

from wukong_pipe.secrets import Finding, secret_variables, secrets_in, unexcused

RANDOM = random.Random(4)


def some(length: int, letters: str = string.ascii_letters + string.digits) -> str:
    """Characters as keys have them; the last is a digit."""
    return "".join(RANDOM.choices(letters, k=length - 1)) + "7"


HEX, UPPER = "0123456789abcdef", string.ascii_uppercase + string.digits
# Put together here, so that other people's scanners find no secret in this file.
SECRETS = {
    "private key": "-----BEGIN " + "OPENSSH PRIVATE KEY-----",
    "API key (sk-)": "sk-" + "proj-" + some(48),
    "Hugging Face token": "hf" + "_" + some(34),
    "AWS access key": "AK" + "IA" + some(16, UPPER),
    "Alibaba Cloud access key": "LT" + "AI" + some(20),
    "Tencent Cloud secret id": "AK" + "ID" + some(32),
    "Google API key": "AI" + "za" + some(35),
    "GitHub token": "gh" + "p_" + some(36),
    "GitLab token": "gl" + "pat-" + some(20),
    "Slack token": "xo" + "xb-" + some(40),
    "Stripe key": "sk" + "_live_" + some(24),
    "Groq or xAI key": "gs" + "k_" + some(52),
    "npm or PyPI token": "np" + "m_" + some(36),
    "Zhipu API key": some(32, HEX) + "." + some(16),
    "JSON Web Token": "ey" + "J" + some(20) + ".ey" + "J" + some(30) + "." + some(43),
    "password in a URL": "postgres://admin:" + some(12) + "@db.acme.net/x",
}


def found(text: str, known: dict[str, str] | None = None) -> list[Finding]:
    return secrets_in({"train.jsonl": text.encode()}, known or {})


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize(
    "around", ["{}", "密钥是{}。", "用了\n{}\n之后", 'key="{}"', "\t{}", "`{}`", "a: {}, b", "x\\{}"]
)
def test_each_kind_is_found_in_a_row_and_in_a_reply_within_a_reject(kind: str, around: str) -> None:
    text = around.replace("{}", SECRETS[kind])
    row = json.dumps({"instruction": "?", "output": text}, ensure_ascii=False)
    for line in (row, json.dumps({"output": text}), json.dumps({"reply": row}), json.dumps({"reply": row}, indent=2)):
        findings = found(f'{{"output": "无"}}\n{line}\n')
        assert {finding.kind for finding in findings} == {kind}, line
        assert all(finding.line >= 2 for finding in findings)


@pytest.mark.parametrize("kind", [kind for kind in SECRETS if kind != "private key"])
def test_a_finding_names_file_line_and_kind_and_does_not_show_the_secret(kind: str) -> None:
    (finding,) = found(f"无\n无\n{SECRETS[kind]}\n")
    assert str(finding).startswith(f"train.jsonl, line 3: {kind} ")
    shown = finding.shown.removesuffix("…")
    assert SECRETS[kind].startswith(shown)
    assert SECRETS[kind][len(shown) :][:8] not in str(finding)


@pytest.mark.parametrize(
    "text",
    [
        "石甲的兵器是乙刀。",
        "the task-force-of-the-northern-province-2020",
        "sk-circle-fade-dot-animation-delay",
        "sk-" + "x" * 32,
        "https://example.com:8080/a@b",
        "postgresql://user:password@host/db and mysql://root:${PASSWORD}@db.acme.net",
        "postgres://admin:Tr4ub8dor@db.example.com/x",
        "password: required, at least 8 characters",
        "token = get_token2(config)",
        "Authorization: Bearer <your-token-here>",
        "secret: sha256sum",
        "密码：至少八位",
        "https://me@example.com/",
        "mailto:me@example.com 12:30@home",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----",
        "0123456789abcdef0123456789abcdef",
        "eyJhbGciOiJIUzI1NiJ9",
        "WAKIA" + "A" * 16,
    ],
)
def test_what_only_resembles_a_secret_is_left_alone(text: str) -> None:
    assert found(json.dumps({"output": text}, ensure_ascii=False)) == []


def test_the_ids_and_hashes_of_a_dataset_are_no_secrets() -> None:
    row = {"id": "0123456789abcdef", "call": "9" * 64, "prompt": "base_qa.zh@0123456789abcdef", "source": "a/b-c_1.md"}
    manifest = json.dumps({"files": {"train.jsonl": "0a" * 32}, "teacher": {"model": "sk-1"}}, indent=2)
    assert found(json.dumps(row) + "\n" + manifest) == []


def test_variables_are_secret_by_their_names_and_long_enough_to_be_keys() -> None:
    names = ("OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "APIKEY")
    secret = dict.fromkeys(names, "v" * 12)
    other = {"PATH": "/usr/bin:/bin", "TOKENIZERS_PARALLELISM": "falsefalse", "MONKEY": "bananas!!", "MY_KEY": "short"}
    assert secret_variables(secret | other) == {f"${name}": value for name, value in secret.items()}


@pytest.mark.parametrize(
    "value", ["correct horse battery", 'a"b\\c/d\te', "密码是一二三四五六", "first line\nsecond line"]
)
def test_the_value_of_a_known_secret_is_found_however_json_writes_it(value: str) -> None:
    for text in (json.dumps({"output": f"说{value}。"}), json.dumps({"output": value}, ensure_ascii=False)):
        (finding,) = found(text, {"$MY_TOKEN": value})
        assert str(finding).startswith("train.jsonl, line 1: the value of $MY_TOKEN (")


def test_what_a_user_has_looked_at_is_excused_by_its_mark_wherever_it_stands() -> None:
    one, other = SECRETS["GitLab token"], SECRETS["AWS access key"]
    findings = found(f"{one}\n{other}\n{one}\n")
    assert [finding.line for finding in findings] == [1, 2, 3]
    assert unexcused(findings, [findings[0].mark]) == [findings[1]]
