"""File systems that libtsk does not read, through libfsapfs and libfsntfs (child only)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError, UsageError
from evkit.inventory.volumes import detect

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.inventory.foreign.apfs import ApfsFiles
    from evkit.inventory.foreign.driver import ForeignDriver
    from evkit.inventory.foreign.ntfs import NtfsFiles
    from evkit.inventory.tsk import Image
    from evkit.inventory.types.filetype import FileTypes
    from evkit.inventory.volume import Job
    from evkit.inventory.volumes.detect import Guess

BINDINGS = {"apfs": "pyfsapfs", "ntfs": "pyfsntfs"}


def versions() -> str:
    """Return the versions of the libraries that are installed, empty without any."""
    from importlib import import_module

    found = []
    for name in BINDINGS.values():
        try:
            module = import_module(name)
        except ImportError:
            continue
        found.append(f"{name.replace('py', 'lib', 1)} {module.get_version()}")
    return ", ".join(found)


def applies(guess: Guess) -> bool:
    """Say whether a library can read what libtsk could not."""
    return guess.type == "apfs" or (guess.type == "ntfs" and guess.reason == detect.LARGE_CLUSTERS)


def members(read: Callable[[int, int], bytes], size: int) -> int:
    """Return how many file systems a volume holds: those of an APFS container, else 1."""
    from evkit.inventory.foreign.apfsobjects import open_container

    if detect.head_of(read, min(size, 512))[32:36] != b"NXSB":
        return 1
    try:
        return max(1, len(open_container(read).volumes))
    except (InputError, OSError):
        return 1


def open_driver(
    guess: Guess, job: Job, image: Image, types: FileTypes | None
) -> tuple[ForeignDriver | None, dict[str, Any]]:
    """Open a volume with the library that reads it.

    Returns:
        (driver or None when there is nothing to list, content of the `fs` message).
    """
    from evkit.inventory.foreign.content import Contents
    from evkit.inventory.foreign.driver import ForeignDriver

    try:
        files = open_files(guess, job, image)
    except (UsageError, InputError) as error:
        state = "damaged" if isinstance(error, InputError) else "unsupported"
        reason = "not-readable" if state == "damaged" else "library-not-installed"
        hint = f"; {error.hint}" if error.hint else ""
        facts = {"type": guess.type, "size": job.size, "state": state, "reason": reason}
        return None, facts | {"detail": error.message + hint}
    facts = files.facts()
    if not files.readable:
        return None, {key: value for key, value in facts.items() if key != "root"}
    return ForeignDriver(job, image, files, Contents(job, image, types), versions()), facts


def open_files(guess: Guess, job: Job, image: Image) -> ApfsFiles | NtfsFiles:
    """Open a volume with the library that reads it.

    Args:
        guess: what the volume is.
        job: the request.
        image: the medium.

    Raises:
        UsageError: the library is not installed.
        InputError: it cannot be opened at all.
    """
    try:
        if guess.type == "apfs":
            from evkit.inventory.foreign.apfs import ApfsFiles

            return ApfsFiles(job, image, job.member)
        from evkit.inventory.foreign.ntfs import NtfsFiles

        return NtfsFiles(job, image)
    except ImportError as error:
        raise UsageError(
            f"{guess.text.partition(',')[0]}: `{BINDINGS[guess.type]}`, which reads it, is not "
            "installed",
            hint="pip install 'evkit[containers]'",
        ) from error
