"""The providers known by their base URL, and the settings of a teacher made from what the user gave."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from wukong_pipe.errors import TeacherError
from wukong_pipe.providers.client import TeacherSettings, offered_models
from wukong_pipe.secrets import key_in, secret_variables

DEFAULT_BASE_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """A hosted API that speaks OpenAI's protocol."""

    name: str
    base_url: str
    teacher_model: str
    key_variable: str
    """Where the provider's own documentation keeps its key; a hint in an error, never read."""


PROVIDERS = (
    # gpt-4.1-mini is shut down on 2027-01-14 in favour of this one:
    # https://developers.openai.com/api/docs/deprecations
    KnownProvider("OpenAI", DEFAULT_BASE_URL, "gpt-6-luna", "OPENAI_API_KEY"),
    # deepseek-chat was retired in July 2026: https://api-docs.deepseek.com/
    KnownProvider("DeepSeek", "https://api.deepseek.com", "deepseek-flash", "DEEPSEEK_API_KEY"),
    KnownProvider("DashScope", "https://dashscope.aliyuncs.com/compatible-mode/v1", "qwen-plus", "DASHSCOPE_API_KEY"),
    KnownProvider(
        "SiliconFlow",
        "https://api.siliconflow.cn/v1",
        "Qwen/Qwen3-235B-A22B-Instruct-2507",
        "SILICONFLOW_API_KEY",
    ),
    KnownProvider("OpenRouter", "https://openrouter.ai/api/v1", "qwen/qwen3-235b-a22b-2507", "OPENROUTER_API_KEY"),
    KnownProvider("Moonshot", "https://api.moonshot.cn/v1", "kimi-k2.6", "MOONSHOT_API_KEY"),
    KnownProvider("Zhipu", "https://open.bigmodel.cn/api/paas/v4", "glm-4.7", "ZHIPUAI_API_KEY"),
)


def provider_of(base_url: str) -> KnownProvider | None:
    """The provider whose host `base_url` names: DeepSeek takes calls with and without /v1."""
    host = urlsplit(base_url).hostname
    return next((known for known in PROVIDERS if urlsplit(known.base_url).hostname == host), None)


def resolve(base_url: str = "", model: str = "", api_key: str = "") -> TeacherSettings:
    """Settings with the defaults filled in; the caller sets temperature and the like with
    `dataclasses.replace`.

    Empty strings mean “not given”. Asks the server for its models where the model's name is missing and
    unknown.

    Raises:
        TeacherError: a key is missing or malformed, the URL is none, or no model was named and none is known.
    """
    base_url = checked_url(base_url or DEFAULT_BASE_URL)
    provider = provider_of(base_url)
    key = api_key.strip()
    if provider is not None and not key:
        raise TeacherError(_no_key(provider))
    if not model and provider is None:
        raise TeacherError(_no_model(TeacherSettings(model="", base_url=base_url, api_key=key)))
    return TeacherSettings(model or (provider.teacher_model if provider else ""), base_url, key)


def checked_url(base_url: str) -> str:
    """`base_url` without a slash at its end.

    Raises:
        TeacherError: it is no http(s) URL, or it carries a secret: it stands in the journal and the manifest.
    """
    try:
        parts = urlsplit(base_url.strip())
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        valid = valid and not any(char.isspace() for char in base_url.strip())
    except ValueError:
        valid = False
    if not valid:
        raise TeacherError("--base-url must be an http:// or https:// address such as http://127.0.0.1:8000/v1.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise TeacherError("--base-url must not carry a user name, password or query: give the key as OPENAI_API_KEY.")
    if kind := key_in(parts.path, secret_variables(os.environ)):
        raise TeacherError(
            f"--base-url holds what looks like a secret ({kind}), and would stand in the journal and the manifest: "
            "give the key as OPENAI_API_KEY."
        )
    return base_url.strip().rstrip("/")


def _no_key(provider: KnownProvider) -> str:
    source = "your key" if provider.key_variable == "OPENAI_API_KEY" else f"${provider.key_variable}"
    return (
        f"{provider.name} needs a key. Three ways on: a hosted API (export OPENAI_API_KEY={source}, "
        "and --base-url for another than OpenAI); a local server (--base-url http://127.0.0.1:8000/v1 "
        "--teacher-model NAME); or, for a build, the embedded teacher, without key or network (--teacher offline)."
    )


def _no_model(settings: TeacherSettings) -> str:
    try:
        offered = asyncio.run(offered_models(settings))
    except TeacherError:
        offered = []
    if not offered:
        return f"--teacher-model is needed: there is no default for {settings.base_url}."
    shown = ", ".join(offered[:10]) + (f" and {len(offered) - 10} more" if len(offered) > 10 else "")
    return f"--teacher-model is needed: there is no default for {settings.base_url}, which offers {shown}."
