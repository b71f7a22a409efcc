"""A command that must not outlive its starter: `python -m wukong_trainer.inference.watchdog COMMAND…`, apart.

The starter holds the other end of stdin. When that closes, because it closed it or because it is gone, however it
went, the command and all that it has started are ended: a server that nobody asks any more must not hold a GPU.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

GRACE = 20.0
"""Seconds that the command has to end by itself."""
TIDYING = 3.0
"""Seconds that what it has started has then: Python's own keepers of shared memory end last, and free it."""


def main() -> None:
    """Run the command until it ends or stdin does; then nothing that it has started is left."""
    # A shell's background jobs ignore it, and so would all that they start.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, process_group=0)

    def end() -> None:
        # As a terminal's Ctrl-C: vLLM, while it starts, hangs at a SIGTERM.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGINT)
            time.sleep(GRACE)
            os.killpg(child.pid, signal.SIGKILL)

    def watch() -> None:
        # Not through sys.stdin: its lock, held here at the end, would be a fatal error.
        while os.read(0, 1):
            pass
        end()

    for asked_to_end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(asked_to_end, lambda *_: threading.Thread(target=end, daemon=True).start())
    threading.Thread(target=watch, daemon=True).start()
    code = child.wait()
    if code < 0:
        # What could say nothing itself is worth a line in its log.
        print(f"ended with {signal.Signals(-code).name}", file=sys.stderr, flush=True)
    with suppress(ProcessLookupError):  # None is left.
        os.killpg(child.pid, signal.SIGTERM)
        late = time.monotonic() + TIDYING
        while time.monotonic() < late:
            os.killpg(child.pid, 0)
            time.sleep(0.05)
        os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
