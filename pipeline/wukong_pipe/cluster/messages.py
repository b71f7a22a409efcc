"""What the owner of a build and its workers tell each other.

A worker that has Work(3, pairs_of, (section, 5)) tells the owner Wanted(1, 3, "teacher", request, 0). The owner finds
the reply in the journal; or books a call and tells a worker Errand(8, 0, {"model": …}), which tells it Brought(8,
Answer(200, …)): that goes into the journal. Either way the first worker is told Given(1, Reply(…)), and at the end says
Done(3, Pairs(…), …).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wukong_pipe.providers.client import TeacherSettings
from wukong_pipe.providers.connection import Answer, NoAnswer
from wukong_pipe.records import Lang
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.attempts import Reask
from wukong_pipe.teacher.prompt_files import Prompts
from wukong_pipe.teacher.requests import Reply, Request
from wukong_pipe.verify.calibration import Reader
from wukong_pipe.verify.verdicts import VerifyTally

Role = Literal["teacher", "verifier"]

# --- to a worker ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers that calls go to: the first order, and alone, for they hold the key: what is large Ray keeps in
    shared memory, and the arguments with which an actor is made on the head."""

    settings: tuple[TeacherSettings, ...]


@dataclass(frozen=True, slots=True)
class Kit:
    """What the jobs of a wave are done with; see `Desk`."""

    model: str
    settings: BuildSettings
    prompts: Prompts
    readers: Mapping[Lang, Reader]
    """What the calibration says of the verifier."""
    granted: Mapping[str, int]
    """Subject → how many more attempts than usual the journal grants."""
    reask: Reask
    min_fill: float


@dataclass(frozen=True, slots=True)
class Work:
    """A job to be done with the latest kit."""

    number: int
    job: Callable[..., Awaitable[Any]]
    data: tuple[Any, ...]
    granted: Mapping[str, int] = field(default_factory=dict)
    """The same as in the kit, of attempts granted since then: by a worker that died over this job."""


@dataclass(frozen=True, slots=True)
class Given:
    """The reply to what a worker wanted, or why there is none."""

    number: int
    reply: Reply | Exception


@dataclass(frozen=True, slots=True)
class Errand:
    """A call that is booked, and is to be sent now."""

    number: int
    server: int
    """Its place among the servers."""
    body: dict[str, Any]


Order = Servers | Kit | Work | Given | Errand

# --- to the owner ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job needs the reply to a request."""

    number: int
    work: int
    role: Role
    request: Request
    attempt: int


@dataclass(frozen=True, slots=True)
class Granted:
    """A job grants a subject more attempts, and is about to make them."""

    work: int
    subject: str


@dataclass(frozen=True, slots=True)
class Brought:
    """What a call brought, or why it could not be sent."""

    number: int
    answer: Answer | NoAnswer | Exception


@dataclass(frozen=True, slots=True)
class Done:
    """A job's result, and what it counted."""

    work: int
    result: Any
    verdicts: VerifyTally
    sampled: VerifyTally
    met: frozenset[str]
    """Ids of --reask that named something."""


@dataclass(frozen=True, slots=True)
class Failed:
    """What a job raised."""

    work: int
    error: Exception


Report = Wanted | Granted | Brought | Done | Failed


@dataclass(frozen=True, slots=True)
class Opened:
    """Where a worker stands, and what it runs."""

    node: str
    code: str
    """A hash of this package as it is installed there."""
