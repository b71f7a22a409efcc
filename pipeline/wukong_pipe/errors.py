"""What can go wrong, as one small tree. The CLI catches `WukongError` alone and prints its sentence.

WukongError            exit 1   input or environment: what is wrong, where, and the cure
├── OptionError        exit 2   an option has a value that it cannot have, or does not go with another
├── CorpusError                 a Markdown source cannot be read
├── DataError                   a row, dataset, edit or reply file cannot be read
├── WorkspaceError              the runs folder: not writable, locked, a missing step, a file edited by hand
├── TeacherError                the teacher cannot be used: no key, unknown model, refused connection
├── MissingDependency           a command needs an extra that is not installed
├── ModelError                  a student, adapter or device does not fit what is asked of it
├── NotUploaded                 the dataset is built, and has not left this machine
├── BelowThreshold     exit 4   a finished evaluation whose score is under --fail-under
├── Interrupted        exit 130 the user stopped it; what was in flight has been kept
│   └── TrainingInterrupted     the same of a training: --resume goes on from its checkpoint
├── ShardEnded         exit 0   a shard of a build has bought what it can; the sentence says what comes next
└── StoppedShort       exit 3   ended early; everything so far is kept, and the same command goes on
    ├── CeilingReached exit 3   the same, but a higher --max-cost or --max-calls is needed to go on
    └── ShortOfQuota   exit 3   a finished build, of which the checks kept too little of what was asked for
"""

from __future__ import annotations

from collections.abc import Sequence


class WukongError(Exception):
    """One or two sentences for the user; never a traceback."""

    exit_code = 1


class OptionError(WukongError):
    """An option has a value that it cannot have, or does not go with another."""

    exit_code = 2


class CorpusError(WukongError):
    """A Markdown source cannot be read."""


class DataError(WukongError):
    """A row, dataset or reply file cannot be read."""


class WorkspaceError(WukongError):
    """The runs folder does not allow what was asked."""


class TeacherError(WukongError):
    """The teacher cannot be used at all."""


class MissingDependency(WukongError):
    """A command needs an extra that is not installed."""


class ModelError(WukongError):
    """A student, adapter or device does not fit what is asked of it."""


class BelowThreshold(WukongError):
    """An evaluation is finished and written, and its score is not what --fail-under asks for."""

    exit_code = 4


class StoppedShort(WukongError):
    """The run ended early; what it has is kept and the printed command goes on from there."""

    exit_code = 3


class ShardEnded(WukongError):
    """A shard of a build has bought all it can for now, and writes no dataset."""

    exit_code = 0

    def __init__(self, sentence: str, *, waits_for: Sequence[int], is_last: bool) -> None:
        super().__init__(sentence)
        self.waits_for, self.is_last = waits_for, is_last
        """The shards whose calls the journal lacks; and whether this one has no more to buy once these are there."""


class NotUploaded(WukongError):
    """The dataset is built, and has not been uploaded."""


class Interrupted(WukongError):
    """The user stopped the run; what was in flight has been kept."""

    exit_code = 130


class TrainingInterrupted(Interrupted):
    """The user stopped a training; a checkpoint is kept."""


class CeilingReached(StoppedShort):
    """The run may not spend more; the sentence says what to raise."""


class ShortOfQuota(StoppedShort):
    """A build is finished, but what the checks kept is under --min-fill of the pairs and wordings asked for."""

    def __init__(self, sentence: str, *, askable: bool) -> None:
        super().__init__(sentence)
        self.askable = askable
        """Whether the teacher may answer otherwise when it is asked again."""
