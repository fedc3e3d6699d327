"""Outside programs, run without a shell and with a fixed environment."""

from __future__ import annotations

import os
import shutil
import subprocess

EPOCH = 1741516200  # 2025-03-09T10:30:00Z
SEARCH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def environment(**more):
    """Return the environment of all programs: UTC, UTF-8, and the given variables."""
    return {"PATH": SEARCH, "TZ": "UTC", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", **more}


def find(name):
    """Return the path of a program; raise `FileNotFoundError` that says what to install."""
    path = shutil.which(name, path=SEARCH)
    if path is None:
        raise FileNotFoundError(f"the program `{name}` is not installed")
    return path


def run(*command, give=None, **more):
    """Run a program and return its output; raise when it fails."""
    done = subprocess.run(
        [find(command[0]), *command[1:]],
        input=give,
        env=environment(**more),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.decode(errors='replace')}")
    return done.stdout


def version(*command):
    """Return the line of a program's version text that holds a digit."""
    done = subprocess.run(
        [find(command[0]), *command[1:]], env=environment(), capture_output=True, check=False
    )
    for line in (done.stdout + done.stderr).decode(errors="replace").splitlines():
        if any(letter.isdigit() for letter in line):
            return line.strip()
    return ""
