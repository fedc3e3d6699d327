"""Run as root by `acquire.opener`: open one block device read-only and pass the descriptor back.

Nothing of evkit is imported, nothing is written, and only what is a block device is passed on. The
socket is standard input. Answer: one byte `D` (past the cache), `X` (exclusive), `B` (both) or `P`
(plain) with the descriptor, or `E` and the error number in decimal.
"""

from __future__ import annotations

import array
import errno
import os
import socket
import stat
import sys

_EXCLUSIVE = os.O_EXCL
_DIRECT = getattr(os, "O_DIRECT", 0)
WAYS = ((_DIRECT | _EXCLUSIVE, b"B"), (_DIRECT, b"D"), (_EXCLUSIVE, b"X"), (0, b"P"))


def attempt(path: bytes) -> tuple[int, bytes]:
    """Open a block device read-only; return the descriptor and how it was opened.

    Raises:
        OSError: it cannot be opened, or is something else (ENOTBLK).
    """
    if not stat.S_ISBLK(os.stat(path).st_mode):
        raise OSError(errno.ENOTBLK, os.strerror(errno.ENOTBLK))
    last: OSError | None = None
    for flags, word in WAYS:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
        except OSError as error:
            if error.errno not in {errno.EBUSY, errno.EINVAL}:
                raise
            last = error
            continue
        if stat.S_ISBLK(os.fstat(descriptor).st_mode):
            return descriptor, word
        os.close(descriptor)
        raise OSError(errno.ENOTBLK, os.strerror(errno.ENOTBLK))
    raise last if last is not None else OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def main(arguments: list[str]) -> int:
    """Answer on standard input; return the exit code."""
    channel = socket.socket(fileno=0)
    try:
        descriptor, word = attempt(os.fsencode(arguments[0]))
    except OSError as error:
        channel.sendall(b"E%d" % (error.errno or errno.EIO))
        return 1
    rights = array.array("i", [descriptor])
    channel.sendmsg([word], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
