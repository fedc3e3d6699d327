"""Run the benchmarks: `python tests/bench/run.py [SUITE…]`, the suites being those of `SUITES`.

Prints one Markdown table; `docs/benchmarks.md` holds the last one with the machine it was taken on.
`--write` puts the tables of `WRITTEN` and the plot of `acquire` into `docs/`. Nothing here asserts
a speed.
"""

from __future__ import annotations

import compileall
import importlib
import importlib.util
import os
import platform
import re
import ssl
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).parent))

import plot
from harness import Row, table

SUITES = (
    "start", "hash", "acquire", "ledger", "verify", "inventory", "alongside", "hashset",
)  # fmt: skip
WRITTEN = ("acquire", "inventory", "hashset")
DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, PLOT = DOCS / "benchmarks.md", DOCS / "benchmarks.svg"


def main(names: list[str]) -> int:
    """Run the named suites (all without names) and print the table."""
    write = "--write" in names
    names = [name for name in names if name != "--write"] or list(SUITES)
    rows: list[Row] = []
    _compile()
    for name in names:
        if name not in SUITES:
            print(f"no such suite `{name}`; there are: {', '.join(SUITES)}", file=sys.stderr)
            return 2
        print(f"running {name} …", file=sys.stderr, flush=True)
        made = []
        for row in importlib.import_module(f"bench_{name}").rows():
            print(f"  {row.job}: {row.ours:.3g} {row.unit}", file=sys.stderr, flush=True)
            made.append(row)
        rows.extend(made)
        if write and name in WRITTEN:
            PAGE.write_text(filled(PAGE.read_text(), name, made))
        if write and name == "acquire":
            PLOT.write_text(plot.draw(made))
    print(f"{machine()}\n")
    print(table(rows))
    return 0


def _compile() -> None:
    """Compile evkit, as its installation does; else every start would do that."""
    found = importlib.util.find_spec("evkit")
    if found is not None and found.origin is not None:
        compileall.compile_dir(Path(found.origin).parent, quiet=1)


def filled(page: str, name: str, rows: list[Row]) -> str:
    """Return the page with the table of these rows between the markers of their suite."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    if not pattern.search(page):
        raise RuntimeError(f"the page has no place for the table: `{begin.strip()}`")
    text = f"{begin}{machine()}\n\n{table(rows)}\n{end}"
    return pattern.sub(lambda _: text, page)


def machine() -> str:
    """Return the words for what the figures were taken on."""
    return (
        f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION.rsplit(' ', 3)[0]}, "
        f"{os.cpu_count()} cores of {_processor()}, "
        f"Linux {platform.release().split('-', maxsplit=1)[0]}"
    )


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
