from __future__ import annotations

import subprocess
import sys

import pytest

from tests.living import lives

# It does not wait as long as it does in earnest.
WATCHED = (
    "from wukong_trainer import watchdog; watchdog.GRACE = watchdog.TIDYING = 0.5; watchdog.main()",
    *(sys.executable, "-c"),
)
# A command that starts another, which does not end when it is asked to.
COMMAND = """
import signal, subprocess, sys, time
stubborn = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(99)"
)
child = subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
"""


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("signal.signal(signal.SIGINT, signal.SIG_DFL); time.sleep(99)", "ended with SIGINT\n"),
        ("signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(99)", "ended with SIGKILL\n"),
        ("sys.exit(3)", ""),
        ("signal.raise_signal(signal.SIGILL)", "ended with SIGILL\n"),
    ],
)
def test_nothing_that_a_command_has_started_outlives_its_starter_or_itself(rest: str, told: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", *WATCHED, COMMAND + rest],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        started = int(process.stdout.readline())
        if "sleep" in rest:
            assert lives(started)
            process.stdin.close()
        assert process.stdout.read() == told
    assert not lives(started)
