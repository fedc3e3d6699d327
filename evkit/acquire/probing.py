"""Asking a drive with the programs smartctl and hdparm, where they are installed and allowed.

Both only read. They run as the officer: nothing but the opener is ever elevated, so that without
the right to ask a drive the answer is that it could not be asked. A program that hangs in the
kernel, as bad bridges make it, is left behind after the time limit.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.acquire import drive as answer
from evkit.core.errors import EvkitError, InputError

if TYPE_CHECKING:
    from evkit.acquire.drive import Drive, Protected

SECONDS = 20.0
SEARCH = "/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin"
_GRACE = 1.0


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a drive answered; a part that it did not answer has its reason in `refused`."""

    drive: Drive | None = None
    protected: Protected | None = None
    configured: int | None = None
    refused: dict[str, str] = field(default_factory=dict)


def ask(path: bytes, bus: str) -> Answers:
    """Ask the drive behind a device node.

    Args:
        path: of the whole disk.
        bus: as `devices.Device.bus`; hdparm is not run where it has nothing to say.
    """
    refused: dict[str, str] = {}
    if bus in {"loop", "device-mapper", "raid", "virtio"}:
        reason = "it is not a drive of its own"
        return Answers(refused={"drive": reason, "protected": reason, "configured": reason})
    told: Drive | None = None
    protected: Protected | None = None
    configured: int | None = None
    try:
        told = answer.smartctl(run("smartctl", ["-j", "-i", "-H", "-x"], path))
    except EvkitError as error:
        refused["drive"] = error.message
    if bus in {"ata", "usb", "scsi"}:
        try:
            protected = answer.protected_area(_words(run("hdparm", ["-N"], path)))
        except EvkitError as error:
            refused["protected"] = error.message
        try:
            configured = answer.configured(_words(run("hdparm", ["--dco-identify"], path)))
        except EvkitError as error:
            refused["configured"] = error.message
    return Answers(drive=told, protected=protected, configured=configured, refused=refused)


def run(program: str, arguments: list[str], path: bytes) -> bytes:
    """Return what a program prints about a device; its exit code says too little to be used.

    Raises:
        InputError: it is not installed, does not start, or does not answer in time.
    """
    found = shutil.which(program, path=SEARCH)
    if found is None:
        raise InputError(f"`{program}` is not installed")
    try:
        process = subprocess.Popen(
            [os.fsencode(found), *map(os.fsencode, arguments), os.path.abspath(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"LC_ALL": "C", "PATH": SEARCH},
        )
    except OSError as error:
        raise InputError(f"`{program}` does not start: {error.strerror or error}") from error
    try:
        output, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        _leave(process)
        raise InputError(f"`{program}` did not answer within {SECONDS:.0f} s") from error
    except BaseException:
        _leave(process)
        raise
    return output[: answer.MAX_BYTES]


def _leave(process: subprocess.Popen[bytes]) -> None:
    """Stop a program, but do not wait for one that hangs in the kernel."""
    process.kill()
    if process.stdout is not None:
        process.stdout.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)


def _words(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
