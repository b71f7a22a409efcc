"""What does a build make of each thing that providers do wrong?

    python -m benchmarks.faults [--only TEXT]

plays the list of `tests/support/faults.py` against the command line over real HTTP on loopback, and writes
`benchmarks/faults.md`. The table is made from what was seen; what was expected is in the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.support.faults import BACKOFF, CALLS, FAULTS, RETRIES, Fault, Seen, broken_identities, play
from tests.support.provider import Response

PAGE = Path(__file__).with_suffix(".md")

HEAD = f"""\
# What a build makes of what providers do wrong

`python -m benchmarks.faults`: {{number}} faults, each against a whole `wukong-pipe build` of three sections with
`--variants 3 --max-pairs 3` over HTTP on loopback. A build that nothing hinders makes {CALLS} calls and keeps 9 pairs.
Here a call is retried {RETRIES} times instead of 8, after {BACKOFF * 1000:g} ms instead of a second; a Retry-After
that is too long is shortened to 0.4 s instead of 120; a call may take 10 s, those that hang or drip less. What the
server sends is what the vendor sends; the sources stand in `tests/support/faults.py`.

*Silence* is the time from the first faulty answer to the next request, but for calls already on their way.
*Identities*: in every stage asked = received + short and received = kept + rejected; as many rejects as the manifest
counts, each with stage, reason, raw reply, section and lines; as many rows as the manifest counts; and a second build,
the server being well again, asks for nothing that was answered before and ends as a build that was never stopped.

"""
COLUMNS = ["#", "vendor", "fault", "what the server did", "what the run did", "requests", "silence", "exit code",
           "second build", "identities hold"]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="Play the faults whose vendor and name hold this; write nothing.")
    only = parser.parse_args().only
    for name in list(os.environ):
        if name.upper().startswith(("OPENAI_", "WUKONG_")):
            del os.environ[name]
    chosen = [fault for fault in FAULTS if only in f"{fault.vendor}: {fault.name}"]
    lines = [line(COLUMNS), line(["---"] * len(COLUMNS))]
    for number, fault in enumerate(chosen, start=1):
        with tempfile.TemporaryDirectory() as folder:
            lines.append(line([str(number), *cells(fault, play(fault, Path(folder)))]))
        print(lines[-1], flush=True)
    if not only:
        PAGE.write_text(HEAD.format(number=len(chosen)) + "\n".join(lines) + "\n", "utf-8")


def line(texts: list[str]) -> str:
    return "| " + " | ".join(" ".join(text.split()).replace("|", "\\|") for text in texts) + " |"


def cells(fault: Fault, seen: Seen) -> list[str]:
    """A row of the table but for its number."""
    holds = not broken_identities(seen) and seen.second_agrees and not seen.asked_twice
    return [
        fault.vendor,
        fault.name,
        f"{fault.strike.words}: {sent(seen.struck)}",
        done(seen),
        str(seen.requests),
        f"{seen.silence:.1f} s" if fault.waits else "",
        str(seen.exit_code),
        f"{seen.again_requests} requests, exit code {seen.again_exit_code}",
        "yes" if holds else "**no**",
    ]


def sent(response: Response) -> str:
    """A response in a few words: status, headers that matter, and what is telling of the body."""
    if packing := response.headers.get("content-encoding"):
        return f"{response.status}, {packing}"
    body = response.body.decode("utf-8", "replace")
    parts = [str(response.status), *(f"{name}: {value}" for name, value in response.headers.items() if "retry" in name)]
    try:
        choice = json.loads(body)["choices"][0]
        message = choice["message"]
        parts.append(quoted(message.get("content")))
        parts += [f"{name} {quoted(message[name])}" for name in ("reasoning_content", "reasoning", "refusal")
                  if message.get(name)]  # fmt: skip
        parts += [f"finish_reason {choice['finish_reason']}"] if choice["finish_reason"] != "stop" else []
    except (ValueError, LookupError, TypeError):
        message = re.search(r'"(?:message|detail|error)": "((?:[^"\\]|\\.)*)"', body)
        parts.append(quoted(message[1] if message else re.sub(r"<[^>]*>", " ", body)))
    parts += [f"{len(body) / 1e6:.0f} MB"] if len(body) > 1e6 else []
    parts += ["reset in mid-body"] if response.cut else []
    parts += [f"after {response.delay:g} s"] if response.delay else []
    parts += [f"after {response.drip:g} s of blank lines"] if response.drip else []
    return ", ".join(parts)


def quoted(value: Any) -> str:
    if not value:
        return "content null" if value is None else "empty content"
    text = " ".join(str(value)[:300].encode("utf-8", "backslashreplace").decode().replace("`", "'").split())
    return f"`{text if len(text) <= 50 else text[:49] + '…'}`"


def done(seen: Seen) -> str:
    """What the run did, in a few words."""
    formats = list(dict.fromkeys(name or "no response_format" for name in seen.formats))
    said = [f"went from {' to '.join(formats)}"] if len(formats) > 1 else []
    if seen.manifest is None:
        error = re.sub(r" at http://\S+", "", seen.error.partition("Error: ")[2])
        said.append(f"ended: {error.partition(' What was bought')[0].partition('Go on with')[0][:200]}")
    else:
        said.append(f"kept {seen.manifest['accounting']['base_qa']['kept']} of 9 pairs, {seen.rows} rows")
    rejects = Counter((reject["stage"], reject["reason"]) for reject in seen.rejects)
    said += [f"{number} × {stage}: {reason[:90]}" for (stage, reason), number in rejects.most_common(2)]
    return "; ".join(said)


if __name__ == "__main__":
    main()
