"""What a client of the endpoint gets: real HTTP on loopback, with OpenAI's own client."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import httpx2
import pytest
import uvicorn
from openai import BadRequestError, OpenAI, UnprocessableEntityError

from tests.support.tuning import ANSWER, FACTS, SYSTEM
from wukong_pipe.workspace import Run
from wukong_trainer.data import chat_prompt
from wukong_trainer.generate import answer_all, prompt_text
from wukong_trainer.serve import application
from wukong_trainer.tuned import Tuned, load_tuned

QUESTION = FACTS[0][0]


@pytest.fixture(scope="module")
def tuned(tuned_run: Run) -> Tuned:
    return load_tuned(tuned_run)


@pytest.fixture(scope="module")
def url(tuned: Tuned) -> Iterator[str]:
    """The endpoint's address, without /v1."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application(tuned, "gunzi", 24), log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="module")
def client(url: str) -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, http_client=httpx2.Client(trust_env=False))


def post(url: str, path: str, body: object, **headers: str) -> httpx2.Response:
    return httpx2.post(url + path, json=body, headers=headers, trust_env=False, timeout=60)


def tokens(tuned: Tuned, messages: list[dict[str, str]]) -> int:
    return len(tuned.tokenizer(prompt_text(tuned.tokenizer, messages), add_special_tokens=False)["input_ids"])


def test_a_question_gets_the_tuned_answer_under_the_trained_system_prompt(client: OpenAI, tuned: Tuned) -> None:
    reply = client.chat.completions.create(model="gunzi", messages=[{"role": "user", "content": QUESTION}])
    assert reply.choices[0].message.content == ANSWER
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    text = tuned.tokenizer.apply_chat_template(
        chat_prompt(QUESTION, SYSTEM), add_generation_prompt=True, tokenize=False
    )
    assert reply.usage.prompt_tokens == len(tuned.tokenizer(text, add_special_tokens=False)["input_ids"])


def test_a_system_message_of_the_request_stands_instead(client: OpenAI, tuned: Tuned) -> None:
    messages = [{"role": "system", "content": "x"}, {"role": "user", "content": QUESTION}]
    reply = client.chat.completions.create(model="gunzi", messages=messages)  # type: ignore[arg-type]
    assert reply.usage is not None
    assert reply.usage.prompt_tokens == tokens(tuned, messages)


def test_a_stream_gives_the_same_answer_in_pieces_and_ends_as_openais_does(client: OpenAI, url: str) -> None:
    stream = client.chat.completions.create(
        model="gunzi", messages=[{"role": "user", "content": QUESTION}], stream=True
    )
    choices = [chunk.choices[0] for chunk in stream if chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == ANSWER
    assert choices[-1].finish_reason == "stop"
    body = {"messages": [{"role": "user", "content": QUESTION}], "stream": True}
    assert post(url, "/v1/chat/completions", body).text.endswith("data: [DONE]\n\n")


def test_answers_are_greedy_and_sampled_only_where_a_temperature_is_named(client: OpenAI, tuned: Tuned) -> None:
    prompt = [{"role": "user", "content": "别的问题"}]

    def said(**settings: float) -> str:
        reply = client.chat.completions.create(model="gunzi", messages=prompt, **settings)  # type: ignore[call-overload]
        return str(reply.choices[0].message.content)

    (greedy,) = answer_all(tuned.model, tuned.tokenizer, [chat_prompt("别的问题", SYSTEM)], 24, 1)
    assert said().strip() == said(temperature=0).strip() == greedy.text
    assert len({said(temperature=5.0, seed=seed) for seed in range(2)}) > 1


def test_an_answer_is_cut_at_the_requests_max_tokens_or_the_servers(url: str) -> None:
    prompt = [{"role": "user", "content": "别的问题"}]
    for limits, most in (({"max_tokens": 1}, 1), ({"max_completion_tokens": 2}, 2), ({}, 24)):
        reply = post(url, "/v1/chat/completions", {"messages": prompt, **limits}).json()
        assert reply["usage"]["completion_tokens"] <= most
        cut = reply["usage"]["completion_tokens"] == most
        assert reply["choices"][0]["finish_reason"] == ("length" if cut else "stop")


def test_generate_answers_as_the_tutorials_server_does(url: str) -> None:
    reply = post(url, "/generate", {"prompt": QUESTION})
    assert (reply.status_code, reply.json()) == (200, {"response": ANSWER})
    assert post(url, "/generate", {"prompt": " "}).status_code == 422
    assert post(url, "/generate", {"text": QUESTION}).status_code == 422


def test_it_lists_its_one_model_and_refuses_others(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["gunzi"]
    with pytest.raises(BadRequestError, match="gunzi"):
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": QUESTION}])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": ["x"]},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "user", "content": "x"}], "temperature": "hot"},
        {"messages": [{"role": "user", "content": "x"}], "no_such_field": 1},
    ],
)
def test_a_wrong_request_is_refused_with_a_reason(url: str, body: dict[str, object]) -> None:
    reply = post(url, "/v1/chat/completions", body)
    assert reply.status_code == 422
    assert reply.json()["error"]["message"]


def test_openais_client_shows_the_reason(client: OpenAI) -> None:
    with pytest.raises(UnprocessableEntityError, match="must be a list"):
        client.chat.completions.create(model="gunzi", messages=[])


def test_a_web_page_reaches_nothing_through_a_host_name_of_its_own_or_a_plain_form(url: str) -> None:
    assert post(url, "/generate", {"prompt": QUESTION}, Host="evil.example").status_code == 400
    form = httpx2.post(
        f"{url}/generate", content=b'{"prompt": "x"}', headers={"Content-Type": "text/plain"}, trust_env=False
    )
    assert form.status_code == 422
    reply = post(url, "/generate", {"prompt": QUESTION}, Origin="https://evil.example")
    assert "access-control-allow-origin" not in reply.headers


def test_it_loads_and_unloads_nothing_on_request(url: str) -> None:
    for path in ("/reset", "/load_model"):
        assert post(url, path, {"model": "gunzi"}).status_code == 404
    assert post(url, "/generate", {"prompt": QUESTION}).json() == {"response": ANSWER}
