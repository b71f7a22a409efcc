"""Identifiers are found whole, and stand in a source only with their ends and in their spelling."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wukong_pipe.language.identifiers import identifiers, key_values, missing_identifiers, without_identifiers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Set `trust_env` to `False`.", {"trust_env", "False"}),
        ("使用max_size参数，运行pip install httpx。", {"max_size"}),
        ("Run `pip install  httpx[http2]`.", {"pip install httpx[http2]"}),
        ("See https://www.python-httpx.org/. Or ``a`b``!", {"https://www.python-httpx.org"}),
        ("Pass --no-color, or -v; not a well-known word - or a dash.", {"--no-color", "-v"}),
        (
            "Edit ~/.netrc, /etc/hosts and config.toml; and/or HTTP/2, TCP/IP.",
            {"~/.netrc", "/etc/hosts", "config.toml"},
        ),
        ("Call client.get() or open(), e.g. in the U.S., i.e. at 2.5 km.", {"client.get", "open"}),
        ("`httpx.Client(trust_env=False)`, or verify=False.", {"httpx.Client(trust_env=False)", "verify=False"}),
        ("```python\nctx.load_cert(x)\nprint(y)\n```", {"ctx.load_cert"}),
        ('安卓/iOS、游戏科学/Game Science、（GET）/POST、“GET”/POST、"GET"/POST、`GET`/POST、悟空-Pro版', {"GET"}),
        (
            "编辑~/.netrc或 /etc/hosts，加--no-color，或 -v (/tmp, -x)",
            {"~/.netrc", "/etc/hosts", "--no-color", "-v", "/tmp", "-x"},
        ),
        ("The PlayStation 5 and _emphasis_ are none; 孙悟空 and `棍` neither.", set()),
    ],
)
def test_code_and_what_has_the_form_of_it_is_an_identifier(text: str, found: set[str]) -> None:
    assert identifiers(text) == found


SOURCE = "Use `httpx.Client(trust_env=False)`, `ctx.load_cert_chain(path)` and https://localhost:8030/; --no-color-map."


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        ("`trust_env=False`, `httpx.Client`, `Client` and `trust_env`", []),
        ("`client = httpx.Client(path)`", ["client"]),
        ("`Trust_env`", ["Trust_env"]),
        ("`trust`", ["trust"]),
        ("`_env`", ["_env"]),
        ("`ctx.load_cert(path)`", ["load_cert"]),
        ("http://localhost:8030", ["http://localhost:8030"]),
        ("https://localhost:803", ["https://localhost:803"]),
        ("https://localhost:8030", []),
        ("--no-color", ["--no-color"]),
        ("`Client(path='http://localhost:8030')`", ["http://localhost:8030"]),
        ("`Client(path='https://localhost:8030')`", []),
    ],
)
def test_what_is_put_together_of_the_sources_parts_is_known(answer: str, missing: list[str]) -> None:
    assert list(missing_identifiers(answer, SOURCE)) == missing


def test_a_source_may_escape_what_a_text_writes_plainly() -> None:
    source = r"Set max\_size in the \_\_init\_\_ of https://h.io/x?a=1&amp;b=2."
    assert list(missing_identifiers("`max_size`, `__init__`, https://h.io/x?a=1&b=2", source)) == []
    assert list(missing_identifiers("min_size", source)) == ["min_size"]


def test_a_word_that_backticks_alone_mark_may_be_passed_over() -> None:
    assert list(missing_identifiers("Send a `POST` with `use_env`.", "x")) == ["POST", "use_env"]
    assert list(missing_identifiers("Send a `POST` with `use_env`.", "x", by_form=True)) == ["use_env"]


@given(st.text(alphabet="ab_.=`-/(): \n0", max_size=40))
@example("-/_0")
@example("0_0___")
def test_no_text_lacks_its_own_identifiers(text: str) -> None:
    assert list(missing_identifiers(text, text)) == []


def test_prose_is_what_is_left() -> None:
    assert without_identifiers("Set `verify` in config.toml now.").split() == ["Set", "in", "now."]


def test_a_key_goes_with_its_value() -> None:
    assert key_values("get(url, verify=False, proxy='http://a')") == {("verify", "False"), ("proxy", "http://a")}
