"""Locks of open files and folders that the system drops when their process ends.

They need nothing on the disk and cannot be left behind. Whoever only wants to know that nobody else
is at work needs them; where there are none the work goes on without.
"""

from __future__ import annotations

import errno

_HELD = frozenset({errno.EWOULDBLOCK, errno.EACCES})


def lock(descriptor: int, *, shared: bool = False) -> bool | None:
    """Lock an open file or folder without waiting; the lock goes with the descriptor.

    Args:
        descriptor: of the file or folder.
        shared: others may hold it shared too.

    Returns:
        True when it is held now, False when another process holds it, None where the system or the
        file system has no such locks.
    """
    try:
        import fcntl
    except ImportError:
        return None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _HELD else None
    return True
