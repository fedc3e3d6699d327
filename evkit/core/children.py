"""Starting a module of evkit as a process of its own, from evkit's code and nothing else.

The current folder may be a piece of evidence: nothing in it may be imported, and neither may what a
variable of the environment names.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import evkit

_KEPT: Final = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR", "LD_LIBRARY_PATH", "MAGIC")


def command(module: str) -> list[str]:
    """Return the command line of a child; `-P` keeps the working directory off its path."""
    return [sys.executable, "-P", "-m", module]


def environment() -> dict[str, str]:
    """Return the environment of a child."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    place = str(Path(evkit.__file__).resolve().parent.parent)
    return kept | {"TZ": "UTC", "PYTHONPATH": place, "PYTHONDONTWRITEBYTECODE": "1"}
