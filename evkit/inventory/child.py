"""The engine process: `python -m evkit.inventory.child`.

Reads one request, a line, from standard input, sets its own limits, and answers as
`docs/spec/inventory-engine.md` says; for a volume tasks follow until the input ends. Native code
cannot disturb the answers: the real standard output is kept on another descriptor and descriptor 1
leads nowhere.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from evkit.core import ejson
from evkit.core.errors import EvkitError
from evkit.core.paths import unb64
from evkit.inventory import limits
from evkit.inventory.serve import safe
from evkit.inventory.source import open_source
from evkit.inventory.wire import MAX_REQUEST, Sender

if TYPE_CHECKING:
    from evkit.images.model import Image
    from evkit.inventory import tsk
    from evkit.inventory.types.filetype import FileTypes


def main() -> int:
    """Serve one request; exit status 0 when `done` was sent."""
    stream = os.fdopen(os.dup(1), "wb", closefd=True)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    sender = Sender(stream)
    line = sys.stdin.buffer.readline(MAX_REQUEST + 1).rstrip(b"\n")
    request = ejson.as_object(ejson.loads(line, max_bytes=MAX_REQUEST), "request")
    try:
        _serve(request, sender)
    except (EvkitError, MemoryError, OSError, RuntimeError) as error:
        reason = "engine-memory" if isinstance(error, MemoryError) else "engine-error"
        row = {"row": "error", "stage": "engine", "reason": reason, "detail": safe(error)}
        sender.row(row | ({"fs": request["fs"]} if "fs" in request else {}))
    sender.send("done")
    sender.flush()
    return 0


def _serve(request: dict[str, Any], sender: Sender) -> None:
    types = None
    if request["types"] and request["task"] != "table":
        from evkit.inventory.types.filetype import FileTypes

        types = FileTypes()  # before the limits: finding the library may start a process
    applied = limits.apply(request["limits"])
    info = {"types": types.engine if types else "off", "limits": applied}
    if request["task"] in {"tree", "inside"}:
        from evkit.inventory.trees.tree import send_files

        sender.send("info", {"engine": f"files, Python {sys.version.split()[0]}", **info})
        send_files(request, sender, types)
        return
    from evkit.inventory import tsk

    sender.send("info", {"engine": tsk.version(), **info})
    paths = [unb64(path) for path in request["paths"]]
    with open_source(paths) as source:
        if request["task"] == "table":
            from evkit.inventory.table import send_table

            send_table(source, sender)
        elif request["task"] == "gaps":
            _gaps(request, tsk.Image(source), sender)
        else:
            _volume(
                request,
                source,
                tsk.open_medium(source, paths, request["sector_size"]),
                sender,
                types,
            )


def _volume(
    request: dict[str, Any],
    source: Image,
    image: tsk.Image,
    sender: Sender,
    types: FileTypes | None,
) -> None:
    from evkit.inventory.drivers import open_driver
    from evkit.inventory.plain import Plain
    from evkit.inventory.pulse import Pulse
    from evkit.inventory.serve import Server
    from evkit.inventory.volume import Job

    job = Job(
        fs=request["fs"],
        offset=request["offset"],
        size=request["size"],
        hashes=tuple(request["hashes"]),
        orphans=request["orphans"],
        member=request.get("member", 1),
        unread=tuple((start, length) for start, length in request["unread"]),
    )
    driver, facts = open_driver(job, image, types)
    if library := getattr(driver, "library", ""):
        sender.send("info", {"libraries": library})
    sender.send("fs", facts)
    sender.flush()
    if driver is not None:
        plain = Plain(source, job.hashes, types)
        server = Server(job.fs, driver, plain, sender, Pulse(sender, request["call"]))
        server.run(sys.stdin.buffer)


def _gaps(request: dict[str, Any], image: tsk.Image, sender: Sender) -> None:
    from evkit.inventory.driver import Answer
    from evkit.inventory.space import Spaces
    from evkit.inventory.volume import Job

    job = Job(
        fs=0,
        offset=0,
        size=image.get_size(),
        hashes=tuple(request["hashes"]),
        unread=tuple((start, length) for start, length in request["unread"]),
    )
    out = Answer(sender, request["budget"])
    Spaces(job, image, out).gaps((n, offset, size) for n, offset, size in request["gaps"])


if __name__ == "__main__":
    raise SystemExit(main())
