"""What a client of the endpoint gets: real HTTP on loopback, with OpenAI's own client."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from openai import BadRequestError, OpenAI
from starlette.types import Send

from tests.support.tuning import ANSWER, FACTS, SYSTEM
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import chat_prompt
from wukong_trainer.inference.generate import answer_all, prompt_text
from wukong_trainer.models.student import END_OF_TEXT
from wukong_trainer.use.serve import application, server_config
from wukong_trainer.use.serve_limits import BoundedBody, PatientProtocol
from wukong_trainer.use.tuned_model import Tuned, load_tuned

QUESTION = FACTS[0][0]


@pytest.fixture(scope="module")
def tuned(tuned_run: Run) -> Tuned:
    return load_tuned(tuned_run)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of an application at work."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def url(tuned: Tuned) -> Iterator[str]:
    """The endpoint's address, without /v1."""
    with served(application(tuned, "gunzi", 24)) as address:
        yield address


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
    assert len({said(temperature=2.0, seed=seed) for seed in range(2)}) > 1


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
    assert post(url, "/generate", {"prompt": " "}).status_code == 400
    assert post(url, "/generate", {"text": QUESTION}).status_code == 400


def test_it_lists_its_one_model_and_refuses_others(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["gunzi"]
    with pytest.raises(BadRequestError, match="gunzi"):
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": QUESTION}])


ASKED = {"messages": [{"role": "user", "content": "x"}]}


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": ["x"]}, "messages.0"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "evil", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "file:///"}]}]}, "messages.0"),
        ({"messages": [{"role": "user", "content": "x"}] * 3000}, "messages"),
        (ASKED | {"temperature": "hot"}, "temperature"),
        (ASKED | {"temperature": 1e-300}, "temperature"),
        (ASKED | {"temperature": 9}, "temperature"),
        (ASKED | {"temperature": -1}, "temperature"),
        (ASKED | {"top_p": 0}, "top_p"),
        (ASKED | {"n": 2}, "n"),
        (ASKED | {"stop": ["x"] * 5}, "stop"),
        (ASKED | {"seed": 2**70}, "seed"),
        (ASKED | {"max_tokens": 0}, "max_tokens"),
        (ASKED | {"max_tokens": 100_000_000}, "max_tokens"),
        (ASKED | {"max_tokens": True}, "max_tokens"),
        (ASKED | {"num_beams": -1}, "num_beams"),
        (ASKED | {"cache_implementation": "offloaded"}, "cache_implementation"),
        (ASKED | {"generation_config": '{"max_new_tokens": 100000000}'}, "generation_config"),
        (ASKED | {"chat_template_kwargs": {"messages": []}}, "chat_template_kwargs"),
        (ASKED | {"tools": []}, "tools"),
        (ASKED | {"response_format": {"type": "json_object"}}, "response_format"),
    ],
)
def test_a_wrong_request_is_refused_with_the_parameter_and_a_reason(
    url: str, body: dict[str, object], parameter: str
) -> None:
    # As ASCII: a lone surrogate has no bytes of its own.
    reply = httpx2.post(
        f"{url}/v1/chat/completions",
        content=json.dumps(body).encode("ascii"),
        headers={"Content-Type": "application/json"},
        trust_env=False,
        timeout=60,
    )
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error["message"]
    assert error["type"] == "invalid_request_error"
    assert error["param"].startswith(parameter)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000, b'{"messages": NaN}', b"1" * 10_000, b"\xff"])
def test_a_body_that_is_no_request_is_refused_with_a_reason(url: str, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    for path in ("/v1/chat/completions", "/generate"):
        reply = httpx2.post(url + path, content=body, headers=headers, trust_env=False, timeout=60)
        assert reply.status_code == 400
        assert reply.json()["error"]["message"]


def test_what_clients_say_besides_and_what_asks_for_nothing_is_taken(url: str) -> None:
    besides = {"n": 1, "user": "me", "store": False, "logprobs": False, "presence_penalty": 0, "frequency_penalty": 0}
    typed = {"response_format": {"type": "text"}, "stream_options": {"include_usage": True}, "top_p": 1.0, "seed": 1}
    turns = [{"role": "user", "content": [{"type": "text", "text": QUESTION}], "name": "me"}]
    reply = post(url, "/v1/chat/completions", {"messages": turns, "temperature": 0, **besides, **typed})
    assert reply.json()["choices"][0]["message"]["content"] == ANSWER


def test_openais_client_shows_the_reason(client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="“messages”: List should have at least 1 item"):
        client.chat.completions.create(model="gunzi", messages=[])


def test_a_conversation_that_fills_the_context_is_refused_and_a_limit_is_cut_to_what_is_left(
    url: str, tuned: Tuned
) -> None:
    context = tuned.tokenizer.model_max_length
    long = {"messages": [{"role": "user", "content": "x " * context}]}
    reply = post(url, "/v1/chat/completions", long)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "context_length_exceeded")
    assert post(url, "/generate", {"prompt": "x " * context}).status_code == 400
    reply = post(
        url, "/v1/chat/completions", {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": context}
    )
    assert reply.json()["choices"][0]["message"]["content"] == ANSWER


# --- clients that take more than their share ----------------------------------------------------------------------


@pytest.fixture
def endless(tuned_run: Run) -> Tuned:
    """A model whose answers do not end, and which reads a hundred thousand tokens."""
    tuned = load_tuned(tuned_run)
    # The base has not learnt to stop, and has never seen this end.
    tuned.model.disable_adapter_layers()
    tuned.tokenizer.eos_token = END_OF_TEXT
    tuned.model.generation_config.eos_token_id = tuned.tokenizer.eos_token_id
    tuned.model.config.max_position_embeddings = tuned.tokenizer.model_max_length = 100_000
    return tuned


LONG = {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 90_000}


def passes(tuned: Tuned) -> list[int]:
    """Grows by one with every forward pass."""
    made: list[int] = []
    tuned.model.get_base_model().register_forward_hook(lambda *given: made.append(1))
    return made


@pytest.mark.parametrize("streams", [False, True])
def test_a_client_that_leaves_frees_the_model_for_the_next(endless: Tuned, streams: bool) -> None:
    made = passes(endless)
    with served(application(endless, "gunzi", 24)) as url:
        port = int(url.rpartition(":")[2])
        body = json.dumps(LONG | {"stream": streams}).encode()
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        # The second waits behind the first, and is never begun.
        for _ in range(2):
            leaving = socket.create_connection(("127.0.0.1", port))
            leaving.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            for _ in range(6000):
                if len(made) >= 3:
                    break
                time.sleep(0.01)
            leaving.close()
        reply = post(url, "/v1/chat/completions", LONG | {"max_tokens": 2})
    assert reply.json()["usage"]["completion_tokens"] == 2
    assert len(made) < 45_000, "the model went on for those who had left"


def test_an_answer_that_takes_too_long_is_given_up_and_said(endless: Tuned) -> None:
    with served(application(endless, "gunzi", 24, answer_seconds=0.2)) as url:
        reply = post(url, "/v1/chat/completions", LONG)
        assert (reply.status_code, reply.json()["error"]["code"]) == (504, "timeout")
        assert "longer than 0.2 seconds" in reply.json()["error"]["message"]
        events = post(url, "/v1/chat/completions", LONG | {"stream": True}).text.strip().split("\n\n")
        assert json.loads(events[-2].removeprefix("data: "))["error"]["message"].startswith("The answer took longer")
        assert post(url, "/v1/chat/completions", LONG | {"max_tokens": 1}).status_code == 200


def test_a_body_that_is_too_large_is_not_read(url: str) -> None:
    asked = json.dumps({"prompt": QUESTION, "padding": "x" * (5 << 20)}).encode()
    headers = {"Content-Type": "application/json"}
    reply = httpx2.post(f"{url}/generate", content=asked, headers=headers, trust_env=False, timeout=60)
    assert (reply.status_code, "larger than" in reply.json()["error"]["message"]) == (413, True)
    # In pieces, without a length.
    pieces = (b"x" * 100_000 for _ in range(100))
    try:
        status = httpx2.post(
            f"{url}/generate", content=pieces, headers=headers, trust_env=False, timeout=60
        ).status_code
    except httpx2.TransportError:  # Closed while the rest was sent.
        status = 413
    assert status == 413
    assert post(url, "/generate", {"prompt": QUESTION}).json() == {"response": ANSWER}


@pytest.mark.parametrize(
    ("begun", "told"),
    [
        (b"", b""),
        (b"POST /generate HTTP/1.1\r\nHost: 127.0.0.1\r\n", b""),
        (b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /hea", b'{"status":"ok"}'),
        (b"POST /generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{", b"did not come within"),
    ],
)
def test_a_request_that_is_never_finished_is_dropped(
    tuned: Tuned, monkeypatch: pytest.MonkeyPatch, begun: bytes, told: bytes
) -> None:
    monkeypatch.setattr(PatientProtocol, "seconds", 0.3)
    monkeypatch.setattr(BoundedBody.__init__, "__defaults__", (4 << 20, 0.3))
    with (
        served(application(tuned, "gunzi", 24)) as url,
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=60) as slow,
    ):
        slow.sendall(begun)
        received = b""
        while piece := slow.recv(65536):
            received += piece
        assert told in received
        assert post(url, "/generate", {"prompt": QUESTION}).json() == {"response": ANSWER}


def test_a_client_that_does_not_read_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PatientProtocol, "seconds", 0.3)
    ended = threading.Event()

    async def large(_scope: object, _receive: object, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"x" * 2**20, "more_body": True})
        ended.set()

    app = FastAPI()
    app.mount("/", large)
    with served(app) as url, socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as deaf:
        deaf.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert ended.wait(60), "the server still waits for the client to read"


def test_the_root_says_where_to_ask_and_unknown_paths_are_errors_as_openais(url: str) -> None:
    reply = httpx2.get(url, trust_env=False)
    assert (reply.status_code, "/v1" in reply.text, "gunzi" in reply.text) == (200, True, True)
    for reply in (httpx2.get(f"{url}/nowhere", trust_env=False), httpx2.get(f"{url}/generate", trust_env=False)):
        assert reply.status_code in (404, 405)
        assert reply.json()["error"]["message"]


def test_a_web_page_reaches_nothing_through_a_host_name_of_its_own_or_a_plain_form(url: str) -> None:
    assert post(url, "/generate", {"prompt": QUESTION}, Host="evil.example").status_code == 400
    form = httpx2.post(
        f"{url}/generate", content=b'{"prompt": "x"}', headers={"Content-Type": "text/plain"}, trust_env=False
    )
    assert form.status_code == 400
    reply = post(url, "/generate", {"prompt": QUESTION}, Origin="https://evil.example")
    assert "access-control-allow-origin" not in reply.headers


def test_it_loads_and_unloads_nothing_on_request(url: str) -> None:
    for path in ("/reset", "/load_model"):
        assert post(url, path, {"model": "gunzi"}).status_code == 404
    assert post(url, "/generate", {"prompt": QUESTION}).json() == {"response": ANSWER}
