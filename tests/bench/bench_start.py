"""How long `evkit --version` takes beside an empty interpreter."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from harness import Row, median_ratio, median_wall, pair, run

FLOOR = 6.0


def rows() -> list[Row]:
    """One row: start-up as a multiple of `python -c pass`."""
    beside = Path(sys.executable).parent / "evkit"
    command = str(beside) if beside.exists() else shutil.which("evkit")
    ours, theirs = pair(
        lambda: run([command, "--version"]), lambda: run([sys.executable, "-c", "pass"]), rounds=15
    )
    multiple = 1 / median_ratio(ours, theirs)
    return [
        Row(
            job="`evkit --version`",
            ours=median_wall(ours),
            peer="`python -c pass`",
            theirs=median_wall(theirs),
            ratio=1 / multiple,
            floor=f"at most {FLOOR:g} times as long",
            ok=multiple <= FLOOR,
            note=f"{multiple:.2f} times as long",
        )
    ]
