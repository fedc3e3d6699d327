"""One reader at a time: a device is claimed on its own open descriptor, for as long as it is open.

A BSD lock on the device node keeps a second evkit away, whichever station it works for, and keeps
udev from probing it meanwhile. The lock goes with the descriptor: nothing is left behind by a stop.
"""

from __future__ import annotations

import os

from evkit.acquire import sysfs
from evkit.core import clock
from evkit.core.errors import LockedError
from evkit.core.locks import lock
from evkit.core.text import escape_bytes

LOCKS = b"/proc/locks"
_PATIENCE = 3.0  # udev holds a lock of its own while it looks at a device
_PAUSE = 0.1


def claim(path: bytes, descriptor: int, patience: float = _PATIENCE) -> bool:
    """Claim an open device; return False where the system has no such lock.

    Args:
        path: as named, for the message.
        descriptor: of the device.
        patience: seconds to wait for a lock that goes away.

    Raises:
        LockedError: another process reads it.
    """
    end = clock.monotonic() + patience
    while (locked := lock(descriptor)) is False and clock.monotonic() < end:
        clock.sleep(_PAUSE)
    if locked is not False:
        return locked is True
    number = _holder(descriptor)
    by = f" by process {number}" if number else ""
    raise LockedError(
        f"`{escape_bytes(path)}` is being acquired already{by}",
        hint="wait until that work has ended, or stop it; one device is read once at a time",
    )


def _holder(descriptor: int) -> str | None:
    """Return the number of the process that holds the lock, as far as the system tells."""
    inode = str(os.fstat(descriptor).st_ino)
    for line in sysfs.read_bytes(LOCKS).splitlines():
        words = line.decode("ascii", "replace").split()
        if "->" in words or len(words) < 6 or words[1] != "FLOCK":  # noqa: PLR2004 - fields of proc(5)
            continue
        if words[5].rpartition(":")[2] == inode and words[4].isdigit():
            return words[4]
    return None
