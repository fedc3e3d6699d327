"""Run the benchmarks: `python tests/bench/run.py [SUITE…]`, the suites being those of `SUITES`.

Prints one Markdown table; `docs/benchmarks.md` holds the last one with the machine it was taken on.
Nothing here asserts a speed.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness import table

SUITES = ("start", "hash", "acquire", "ledger", "verify", "inventory", "alongside")


def main(names: list[str]) -> int:
    """Run the named suites (all without names) and print the table."""
    rows = []
    for name in names or SUITES:
        if name not in SUITES:
            print(f"no such suite `{name}`; there are: {', '.join(SUITES)}", file=sys.stderr)
            return 2
        print(f"running {name} …", file=sys.stderr, flush=True)
        rows.extend(importlib.import_module(f"bench_{name}").rows())
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {_processor()}\n")
    print(table(rows))
    return 0


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
