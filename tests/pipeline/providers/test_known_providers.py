"""Which teacher is meant by a base URL, a model and a key, and what is said where that is not enough."""

from __future__ import annotations

import json

import pytest

from tests.support.provider import Response, completion, provider
from wukong_pipe.errors import TeacherError
from wukong_pipe.providers.known_providers import DEFAULT_BASE_URL, PROVIDERS, checked_url, resolve

KEY = "sk-canary-0123456789abcdef"


@pytest.mark.parametrize("known", PROVIDERS, ids=lambda known: known.name)
def test_a_known_provider_needs_only_its_url_and_a_key(known: object) -> None:
    provider_ = next(entry for entry in PROVIDERS if entry is known)
    settings = resolve(provider_.base_url + "/", api_key=KEY)
    assert (settings.base_url, settings.model) == (provider_.base_url, provider_.teacher_model)


def test_with_a_key_alone_the_teacher_is_openais() -> None:
    settings = resolve(api_key=f"{KEY}\n")
    assert (settings.base_url, settings.model, settings.api_key) == (DEFAULT_BASE_URL, "gpt-6-luna", KEY)


def test_siliconflow_has_the_seeds_qwen() -> None:
    assert resolve("https://api.siliconflow.cn/v1", api_key=KEY).model == "Qwen/Qwen3-235B-A22B-Instruct-2507"


def test_a_model_that_was_named_is_taken() -> None:
    assert resolve(model="mine", api_key=KEY).model == "mine"
    assert resolve("http://127.0.0.1:8000/v1/", "mine").base_url == "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize("base_url", ["", *(known.base_url for known in PROVIDERS), "https://api.deepseek.com/v1"])
@pytest.mark.parametrize("key", ["", " \n"])
def test_without_a_key_the_error_shows_the_three_ways_on(base_url: str, key: str) -> None:
    with pytest.raises(TeacherError) as caught:
        resolve(base_url, api_key=key)
    for way in ("OPENAI_API_KEY", "--base-url http://127.0.0.1:8000/v1", "--teacher offline"):
        assert way in str(caught.value)


def test_an_unknown_server_without_a_model_name_is_asked_what_it_offers() -> None:
    names = [f"model-{number:02}" for number in range(12)]
    offer = Response(body=json.dumps({"data": [{"id": name} for name in names]}).encode())
    with provider(lambda _: completion("{}"), offer) as server, pytest.raises(TeacherError) as caught:
        resolve(server.base_url)
    assert "--teacher-model is needed" in str(caught.value)
    assert "offers model-00, model-01" in str(caught.value)
    assert "and 2 more" in str(caught.value)
    assert server.requests == []


@pytest.mark.parametrize(
    "models",
    [Response(500, b"boom"), Response(body=b"[]"), Response(body=b"<html>"), Response(body=b'{"data": [1]}')],
)
def test_where_models_fails_only_the_option_is_named(models: Response) -> None:
    with provider(lambda _: completion("{}"), models) as server, pytest.raises(TeacherError) as caught:
        resolve(server.base_url)
    assert str(caught.value) == f"--teacher-model is needed: there is no default for {server.base_url}."


def test_a_server_that_is_not_there_gives_the_same_short_answer() -> None:
    with pytest.raises(TeacherError, match="--teacher-model is needed"):
        resolve("http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    "base_url",
    ["api.example.com/v1", "ftp://x/v1", "http://", "http://[::1", "http://x:notaport/v1", "http://a b/v1"],
)
def test_what_is_no_address_is_told(base_url: str) -> None:
    with pytest.raises(TeacherError, match="--base-url must be"):
        checked_url(base_url)


@pytest.mark.parametrize("base_url", [f"https://me:{KEY}@x/v1", f"https://{KEY}@x/v1", f"https://x/v1?key={KEY}"])
def test_a_secret_in_the_address_is_refused_without_showing_it(base_url: str) -> None:
    with pytest.raises(TeacherError, match="must not carry") as caught:
        checked_url(base_url)
    assert KEY not in str(caught.value)


def test_a_malformed_key_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(TeacherError, match="malformed"):
        resolve(api_key="sk-密钥")


@pytest.mark.parametrize(
    "secret", ["sk-proj-abcdefghij0123456789", "glpat-abcdefghij0123456789", "my-own-secret-value"]
)
def test_a_secret_in_the_path_of_the_address_is_refused_without_showing_it(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_TOKEN", "my-own-secret-value")
    with pytest.raises(TeacherError, match="looks like a secret") as caught:
        checked_url(f"https://gateway.example.com/{secret}/v1")
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/my-gateway/openai",
        "https://example.com/accounts/123e4567-e89b-12d3-a456-426614174000/v1",
        "https://my-resource.openai.azure.com/openai/deployments/gpt-4o-mini",
    ],
)
def test_an_account_in_the_path_of_the_address_is_no_secret(base_url: str) -> None:
    assert checked_url(base_url) == base_url
