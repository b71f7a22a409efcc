"""A command that must not outlive its starter: `python -m wukong_trainer.watchdog COMMAND…` in a session of its own.

The starter holds the other end of stdin. When that closes, because it closed it or because it is gone, however it
went, the command and all that it has started are ended: a server that nobody asks any more must not hold a GPU.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

GRACE = 20.0
"""Seconds that the command has to end by itself."""


def main() -> None:
    """Run the command until it ends or stdin does; then nothing of this process group is left, itself included."""
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)

    def end() -> None:
        sys.stdin.buffer.read()
        child.terminate()
        threading.Timer(GRACE, os.killpg, (0, signal.SIGKILL)).start()

    threading.Thread(target=end, daemon=True).start()
    code = child.wait()
    if code:
        # What killed a command that could say nothing itself is worth a line in its log.
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        print(f"ended with {name}", file=sys.stderr, flush=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
