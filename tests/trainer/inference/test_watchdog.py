from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.living import lives

pytestmark = pytest.mark.slow

# It does not wait as long as it does in earnest.
WATCHED = (
    "from wukong_trainer.inference import watchdog; watchdog.GRACE = watchdog.TIDYING = 0.5; watchdog.main()",
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
"""
TOLD = "\nprint(child.pid, flush=True)\n"
HEEDS, IGNORES = (f"signal.signal(signal.SIGINT, signal.SIG_{what})" for what in ("DFL", "IGN"))


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        (HEEDS + TOLD + "time.sleep(99)", "ended with SIGINT\n"),
        (IGNORES + TOLD + "time.sleep(99)", "ended with SIGKILL\n"),
        (TOLD + "sys.exit(3)", ""),
        (TOLD + "signal.raise_signal(signal.SIGILL)", "ended with SIGILL\n"),
    ],
)
@pytest.mark.parametrize("end", ["its starter goes", "it is asked to end"])
def test_nothing_that_a_command_has_started_outlives_its_starter_or_itself(rest: str, told: str, end: str) -> None:
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
            if end == "its starter goes":
                process.stdin.close()
            else:
                process.terminate()
        assert process.stdout.read() == told
    assert not lives(started)
