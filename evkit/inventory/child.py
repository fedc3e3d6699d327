"""The engine process: `python -m evkit.inventory.child`.

Reads one request from standard input, sets its own limits, and answers as `evkit.inventory.wire`
says. Native code cannot disturb the answers: the real standard output is kept on another
descriptor and descriptor 1 leads nowhere.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from evkit.core import ejson
from evkit.core.errors import EvkitError, InputError
from evkit.core.paths import unb64
from evkit.core.text import escape
from evkit.inventory import limits
from evkit.inventory.source import open_source
from evkit.inventory.wire import MAX_REQUEST, Sender

if TYPE_CHECKING:
    from evkit.inventory import tsk
    from evkit.inventory.filetype import FileTypes


def main() -> int:
    """Serve one request; exit status 0 when `done` was sent."""
    stream = os.fdopen(os.dup(1), "wb", closefd=True)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    sender = Sender(stream)
    data = sys.stdin.buffer.read(MAX_REQUEST + 1)
    request = ejson.as_object(ejson.loads(data, max_bytes=MAX_REQUEST), "request")
    try:
        _serve(request, sender)
    except (EvkitError, MemoryError, OSError, RuntimeError) as error:
        reason = "engine-memory" if isinstance(error, MemoryError) else "engine-error"
        row = {"row": "error", "stage": "engine", "reason": reason, "detail": _safe(error)}
        sender.row(row | ({"fs": request["fs"]} if "fs" in request else {}))
    sender.send("done")
    sender.flush()
    return 0


def _serve(request: dict[str, Any], sender: Sender) -> None:
    types = None
    if request["types"] and request["task"] != "table":
        from evkit.inventory.filetype import FileTypes

        types = FileTypes()  # before the limits: finding the library may start a process
    applied = limits.apply(request["limits"])
    info = {"types": types.engine if types else "off", "limits": applied}
    if request["task"] == "tree":
        from evkit.inventory.tree import send_tree

        sender.send("info", {"engine": f"files, Python {sys.version.split()[0]}", **info})
        send_tree(request, sender, types)
        return
    from evkit.inventory import tsk

    sender.send("info", {"engine": tsk.version(), **info})
    with open_source([unb64(path) for path in request["paths"]]) as source:
        if request["task"] == "table":
            from evkit.inventory.table import send_table

            send_table(source, sender)
        elif request["task"] == "gaps":
            _gaps(request, tsk.Image(source), sender)
        else:
            _volume(request, tsk.Image(source, request["sector_size"]), sender, types)


def _volume(
    request: dict[str, Any], image: tsk.Image, sender: Sender, types: FileTypes | None
) -> None:
    from evkit.inventory import beside, detect, foreign
    from evkit.inventory.offerable import Offerable
    from evkit.inventory.streams import Streams
    from evkit.inventory.tsk import open_file_system
    from evkit.inventory.volume import Job, Volume
    from evkit.inventory.walk import Walk

    job = Job(
        fs=request["fs"],
        offset=request["offset"],
        size=request["size"],
        hashes=tuple(request["hashes"]),
        budget=request["budget"],
        orphans=request["orphans"],
        unread=tuple((start, length) for start, length in request["unread"]),
    )

    def read(offset: int, size: int) -> bytes:
        return image.read(job.offset + offset, size)

    try:
        handle = open_file_system(image, job.offset)
    except InputError as error:
        guess = detect.look(read, job.size)
        if foreign.applies(guess):
            foreign.serve(guess, job, image, sender, types, request)
            return
        facts = {"type": guess.type, "size": job.size, "state": guess.state}
        said = "" if guess.state in {"ok", "encrypted"} else f" (libtsk: {error.message})"
        sender.send("fs", facts | {"reason": guess.reason, "detail": guess.text + said})
        return
    volume = Volume(job, handle, image)
    if request["task"] == "again":
        again = Streams(volume, sender, types)
        for inode, attr, attr_id in request["streams"]:
            again.record(inode, (attr, attr_id))
        return
    head = detect.head_of(read, job.size)
    sender.send("fs", beside.complete(volume.facts(), head))
    for row in beside.missed(job.fs, volume.kind, head):
        sender.row(row)
    offerable = Offerable(volume) if request.get("offer") else None
    walk = Walk(volume, sender, Streams(volume, sender, types, offerable))
    walk.run()
    if request.get("slack") or request.get("unallocated"):
        from evkit.inventory import space

        space.serve(request, volume, sender, walk.records)


def _gaps(request: dict[str, Any], image: tsk.Image, sender: Sender) -> None:
    from evkit.inventory.space import Spaces
    from evkit.inventory.volume import Job

    job = Job(
        fs=0, offset=0, size=image.get_size(), hashes=tuple(request["hashes"]),
        budget=request["budget"],
        unread=tuple((start, length) for start, length in request["unread"]),
    )  # fmt: skip
    Spaces(job, image, sender).gaps((n, offset, size) for n, offset, size in request["gaps"])


def _safe(error: BaseException) -> str:
    return escape(" ".join(str(error).split())[:400]) or type(error).__name__


if __name__ == "__main__":
    raise SystemExit(main())
