"""The computer and the program that did the work, as the record states them."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import sys
from pathlib import Path

from evkit import __version__


def fields() -> dict[str, str]:
    """Return name, system, program and interpreter of this computer."""
    system = platform.uname()
    return {
        "host": system.node[:255] or "unknown",
        "system": f"{system.system} {system.release} {system.machine}",
        "tool": f"evkit {__version__}",
        "tool_build": build(),
        "python": platform.python_version(),
    }


@functools.cache
def build() -> str:
    """Return SHA-256 over the program's own files: `path NUL length NUL content` in path order."""
    top = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(top.rglob("*.py")):
        data = path.read_bytes()
        name = path.relative_to(top).as_posix()
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def command() -> str:
    """Return the command line as typed, quoted for a shell; undecodable bytes stay visible."""
    import shlex

    words = [os.fsencode(word).decode("utf-8", "backslashreplace") for word in sys.argv]
    words[0] = os.path.basename(words[0])
    return shlex.join(words)[:4000]
