"""Who a build asks, and who does its jobs: this process, or the workers of a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from wukong_pipe.asking.waves import Asking, written_freely
from wukong_pipe.embedded import questions
from wukong_pipe.embedded import teacher as embedded
from wukong_pipe.journal.store import Journal
from wukong_pipe.stages.workers import Workers
from wukong_pipe.teacher.attempts import Attempts
from wukong_pipe.teacher.journalled import Backend, JournalledTeacher, OfflineBackend
from wukong_pipe.teacher.ledger import Ledger

if TYPE_CHECKING:
    from wukong_pipe.cluster.crew import Crew
    from wukong_pipe.providers.client import TeacherSettings

EVERYBODY = 1_000_000
"""A wave of a Batch API is what all sections or pairs ask at the same time."""
AT_HAND = 2
"""Jobs that each worker has besides those that wait for the teacher."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Where the jobs are done."""

    name: Literal["local", "ray"] = "local"
    address: str = ""
    """Of a Ray cluster; empty for the one that this machine belongs to, else for one of its own."""


LOCAL = Engine()


@contextmanager
def crew_of(engine: Engine, say: Callable[[str], None]) -> Iterator[Crew | None]:
    """The workers of a cluster; None where the jobs are done here.

    Raises:
        MissingDependency: Ray is not installed.
        WorkspaceError: the cluster cannot be used.
    """
    if engine.name == "local":
        yield None
        return
    from wukong_pipe.cluster.crew import Crew
    from wukong_pipe.cluster.ray_cluster import connected

    with connected(engine.address) as cluster:
        yield Crew(cluster.hire, cluster.room, say)


def backend_of(
    settings: TeacherSettings | None,
    batch: bool,
    journal: Journal,
    ledger: Ledger,
    run: str,
    say: Callable[[str], None],
    crew: Crew | None,
) -> Backend:
    """The teacher of these settings; without any, the embedded one."""
    if settings is None:
        return OfflineBackend(embedded.teacher_id(), embedded.answer, journal)
    if batch:
        from wukong_pipe.providers.batch import BatchBackend

        return BatchBackend(settings, journal, ledger, run, say)
    from wukong_pipe.providers.live import OpenAIBackend

    connection = None if crew is None else crew.connection(settings)
    return OpenAIBackend(settings, journal, ledger, say, connection)


def asking_of(
    teacher: JournalledTeacher,
    verifier: JournalledTeacher | None,
    settings: TeacherSettings | None,
    batch: bool,
    attempts: Attempts,
    crew: Crew | None,
    workers: Workers,
) -> Asking:
    """How many ask a teacher at a time, and who does what comes of it."""
    form_of = questions.form_of if settings is None else written_freely
    # The embedded teacher answers at once, and only the workers are waited for.
    at_once = 2 * workers.count - 1 if settings is None else EVERYBODY if batch else settings.most
    asking = Asking(teacher, at_once, attempts, verifier, form_of, workers=workers)
    return asking if crew is None else replace(asking, concurrency=at_once + AT_HAND * crew.room, executor=crew)
