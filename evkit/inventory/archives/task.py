"""The task `inside` of the engine process: the archives that the listing of a tree came upon."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from evkit.core.paths import unb64
from evkit.core.text import escape
from evkit.inventory.archives.caps import Budget, CapError, Caps, ReadError
from evkit.inventory.archives.content import Content, Reader, of_file
from evkit.inventory.archives.forms import reader_of
from evkit.inventory.archives.job import Job
from evkit.inventory.archives.listing import Archive

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.inventory.types.filetype import FileTypes
    from evkit.inventory.wire import Sender


def send_inside(request: dict[str, Any], sender: Sender, types: FileTypes | None) -> None:
    """List each archive of a request; every one gets its rows, whatever happens to another."""
    caps = Caps()
    fs = request["fs"]
    for item in request["archives"]:
        budget = Budget(caps, item["size"])
        job = Job(sender, request["hashes"], types, fs, budget, reader_of)
        with contextlib.suppress(CapError):  # said in the rows
            _one(job, item)
        fs = job.fs


def _one(job: Job, item: dict[str, Any]) -> None:
    path = unb64(item["path"])
    name = unb64(item["name"])
    size, changed = item["size"], int(item["mtime"])
    try:
        handle = of_file(path)
    except OSError as error:
        problem = ReadError("read-error", escape(error.strerror or ""), "unreadable")
        Archive(job, Content(name, size, _refusing(problem), seeking=False), item["type"]).run()
        return
    with handle:
        facts = os.fstat(handle.fileno())
        if (facts.st_size, facts.st_mtime_ns) != (size, changed):
            problem = ReadError("changed-while-read", "it is not the file that was digested")
            content = Content(name, size, _refusing(problem), seeking=False)
        else:
            content = Content(name, size, lambda: _from_start(handle), seeking=True)
        Archive(job, content, item["type"]).run()


def _from_start(handle: Any) -> Reader:  # noqa: ANN401
    handle.seek(0)
    return handle  # type: ignore[no-any-return]


def _refusing(problem: ReadError) -> Callable[[], Reader]:
    def refuse() -> Reader:
        raise problem

    return refuse
