"""What an exported task takes of inspect_ai, without inspect_ai: what it is given is kept as it is."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any


def kept(**given: Any) -> SimpleNamespace:
    return SimpleNamespace(**given)


def put_in_place() -> None:
    """Make `import inspect_ai` find it."""

    def as_written(**_: Any) -> Any:
        return lambda function: function

    def module(name: str, **names: Any) -> None:
        sys.modules[name] = ModuleType(name)
        vars(sys.modules[name]).update(names)

    module("inspect_ai", Task=kept, task=as_written)
    module("inspect_ai.dataset", Sample=kept, MemoryDataset=lambda samples, name: samples)
    roles = {name: lambda content, role=role: (role, content) for name, role in ROLES.items()}
    module("inspect_ai.model", GenerateConfig=kept, **roles)
    module(
        "inspect_ai.scorer",
        Score=kept,
        SampleScore=SimpleNamespace,
        Target=str,
        scorer=as_written,
        metric=lambda function: function,
        mean=lambda: lambda scores: sum(score.value for score in scores) / len(scores),
        stderr=lambda cluster: lambda scores: len({score.sample_metadata[cluster] for score in scores}),
    )
    module("inspect_ai.solver", TaskState=SimpleNamespace, generate=lambda: "generate")


ROLES = {"ChatMessageSystem": "system", "ChatMessageUser": "user", "ChatMessageAssistant": "assistant"}
