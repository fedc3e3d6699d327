"""Which driver reads a volume (child only)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.inventory import foreign
from evkit.inventory.offerable import Offerable
from evkit.inventory.streams import Streams
from evkit.inventory.tsk import open_file_system
from evkit.inventory.volume import Job, Volume
from evkit.inventory.volumes import beside, detect
from evkit.inventory.walk import TskDriver

if TYPE_CHECKING:
    from evkit.inventory import tsk
    from evkit.inventory.driver import Driver
    from evkit.inventory.types.filetype import FileTypes


def open_driver(
    job: Job, image: tsk.Image, types: FileTypes | None
) -> tuple[Driver | None, dict[str, Any]]:
    """Open the file system of a volume.

    Returns:
        (driver or None when there is nothing to list, content of the `fs` message).
    """

    def read(offset: int, size: int) -> bytes:
        return image.read(job.offset + offset, size)

    try:
        handle = open_file_system(image, job.offset)
    except InputError as error:
        guess = detect.look(read, job.size)
        if foreign.applies(guess):
            return foreign.open_driver(guess, job, image, types)
        facts = {"type": guess.type, "size": job.size, "state": guess.state}
        said = f" (libtsk: {error.message})" if guess.state == "damaged" else ""
        return None, facts | {"reason": guess.reason, "detail": guess.text + said}
    volume = Volume(job, handle, image)
    head = detect.head_of(read, job.size)
    missed = beside.missed(job.fs, volume.kind, head)
    driver = TskDriver(volume, Streams(volume, types, Offerable(volume)), missed)
    return driver, beside.complete(driver.facts(), head)
