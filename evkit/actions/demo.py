"""What `evkit demo` does, as the commands that a user would type.

The steps are data; `evkit.cli.demo` runs them through the real command line.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from evkit.core import data, durable
from evkit.core.errors import RefusedError

CASE = "2026-457"
PHRASES = {
    "root": b"demo root passphrase\n",
    "officer": b"demo officer passphrase\n",
    "custodian": b"demo custodian passphrase\n",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: what it is for, the arguments of evkit, the exit code that it must give."""

    why: str
    arguments: tuple[str, ...]
    expect: int = 0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The folder of the demo and its paths."""

    folder: str

    def path(self, *parts: str) -> str:
        """Return a path inside the folder."""
        return os.path.join(self.folder, *parts)


def prepare(folder: str) -> Plan:
    """Make the folder with the three passphrase files.

    Raises:
        RefusedError: the folder exists and is not empty.
    """
    if os.path.isdir(folder) and os.listdir(folder):
        raise RefusedError(
            f"`{folder}` is not empty", hint="name another folder with `--dir`, or remove it"
        )
    durable.make_dir(folder)
    for name, phrase in PHRASES.items():
        durable.write_new(os.path.join(folder, f"{name}.passphrase"), phrase, mode=0o600)
    return Plan(folder=os.path.abspath(folder))


def damage(plan: Plan) -> str:
    """Copy the bundle and flip one byte of the image in the copy; return the file's name."""
    import shutil

    shutil.copytree(plan.path("bundle"), plan.path("bundle-damaged"))
    name = f"data/exhibits/{CASE}/E1/A1/image.raw"
    target = plan.path("bundle-damaged", *name.split("/"))
    os.chmod(target, 0o644)
    with open(target, "r+b") as handle:
        handle.seek(os.path.getsize(target) // 2)
        byte = handle.read(1)
        handle.seek(-1, os.SEEK_CUR)
        handle.write(bytes([byte[0] ^ 1]))
    return name


def sample(name: str) -> str:
    """Return the path of a sample that ships with evkit."""
    return str(data.folder("sample_images") / name)
