"""The student of the trainer's tests, for the command that trains one."""

from tests.trainer.conftest import short_samples as short_samples
from tests.trainer.conftest import student as student
