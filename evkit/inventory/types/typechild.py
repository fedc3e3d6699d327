"""The process that tells file types from heads: `python -m evkit.inventory.types.typechild`.

Standard input is a line with the request and then frames: length of the head (4 bytes, big-endian),
1 and the SHA-256 of a stream that is all in its head or 0 alone, the head. The answer is a `type`
message for each frame in order, empty where there is no engine, then `done`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from evkit.core import ejson
from evkit.inventory import limits
from evkit.inventory.types.filetype import HEAD, FileTypes
from evkit.inventory.wire import MAX_REQUEST, Sender

if TYPE_CHECKING:
    from typing import BinaryIO

DIGEST = 32


def main() -> int:
    """Answer frames until the input ends; exit status 0 when `done` was sent."""
    stream = os.fdopen(os.dup(1), "wb", closefd=True)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    source = sys.stdin.buffer
    line = source.readline(MAX_REQUEST)
    request = ejson.as_object(ejson.loads(line.rstrip(b"\n"), max_bytes=MAX_REQUEST), "request")
    types = FileTypes()  # before the limits: finding the library may start a process
    limits.apply(request["limits"])
    sender = Sender(stream)
    while (frame := _frame(source)) is not None:
        sender.send("type", types.of(*frame) or "")
    sender.send("done")
    sender.flush()
    return 0


def _frame(source: BinaryIO) -> tuple[bytes, str | None] | None:
    start = source.read(5)
    if not start:
        return None
    length = int.from_bytes(start[:4], "big")
    if len(start) < 5 or length > HEAD or start[4] > 1:  # noqa: PLR2004 - the length and a flag
        raise ValueError("not a frame")
    digest = source.read(DIGEST).hex() if start[4] else None
    head = source.read(length)
    if len(head) != length:
        raise ValueError("a frame is cut off")
    return head, digest


if __name__ == "__main__":
    raise SystemExit(main())
