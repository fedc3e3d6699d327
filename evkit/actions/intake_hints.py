"""What an intake says besides: images given as plain files, and how to start again."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

from evkit.actions.intake_job import IMAGE
from evkit.actions.longwork import quoted
from evkit.core.errors import EvkitError
from evkit.core.text import escape_bytes
from evkit.images import detect

if TYPE_CHECKING:
    from evkit.actions.intake_job import Request


def image_hints(request: Request) -> tuple[str, ...]:
    """Name what looks like an image of a medium and is taken in as a plain file."""
    if request.kind == IMAGE:
        return ()
    found = []
    for path in request.paths:
        kind = _image_kind(path)
        if kind is None:
            continue
        text = f"`{escape_bytes(os.path.basename(path))}` looks like an image: {kind.title}; "
        if kind.readable:
            only = dataclasses.replace(request, paths=(path,))
            text += f"to take in its medium use `{command(only, IMAGE)}`"
        else:
            text += "evkit does not decode this format and takes it in as a plain file"
        found.append(text)
    return tuple(found)


def _image_kind(path: bytes) -> detect.Kind | None:
    """Return the kind of an image of a medium, None for anything else."""
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    try:
        kind = detect.detect(path)
    except EvkitError:
        return None  # what cannot be read is a row of the list
    if kind.group == "container":
        return kind
    return kind if kind.name == "raw" and detect.has_boot_sector(path) else None


def command(request: Request, kind: str) -> str:
    """Return the command line that takes the same paths in as `kind`."""
    words = " ".join(quoted(path) for path in request.paths)
    text = f"evkit intake {words} --exhibit {request.exhibit}"
    return text if kind == "files" else f"{text} --kind {kind}"
