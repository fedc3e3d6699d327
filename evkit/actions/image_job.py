"""What is to be converted, and the source opened for it: a file, or an acquisition."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.acquire import mapfile, partitions
from evkit.acquire.converting import Origin
from evkit.acquire.imaging import E01
from evkit.core.errors import InputError, UsageError
from evkit.core.text import escape_bytes
from evkit.hashing.digests import ALGORITHMS
from evkit.images.e01 import codec
from evkit.images.e01.reader import E01Image
from evkit.images.opening import open_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evkit.actions.recorded_image import Recorded
    from evkit.core.ranges import Range
    from evkit.images.model import Image

NO_MAP = b"none"
_RAW = ("raw", "split-raw")


@dataclass(frozen=True, kw_only=True)
class Request:
    """How an image is to be made from another one.

    Attributes:
        format: `raw` or `e01`; None for what the name of the target says, or the other one.
        compress: of an E01.
        split: most bytes of a file.
        part: number of the partition to take.
        range: the range to take, as typed.
        fields, happened, reason: of the record, as typed.
        to: folder outside the station that takes the image.
    """

    format: str | None = None
    compress: str = codec.FAST
    split: int | None = None
    part: str | None = None
    range: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    happened: str | None = None
    reason: str | None = None
    to: bytes | None = None

    @property
    def is_part(self) -> bool:
        """Whether only a part is taken."""
        return self.part is not None or self.range is not None


@contextlib.contextmanager
def open_path(path: bytes, chart: bytes | None = None) -> Iterator[Origin]:
    """Open an image file as a source.

    Args:
        path: any file of the image.
        chart: its map; None for one that lies beside a raw image, `none` for none.

    Raises:
        InputError: it cannot be read or decoded, or is a device; its map is damaged.
        UsageError: the extra that decodes it is not installed.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise InputError(
            f"cannot read `{escape_bytes(path)}`: {error.strerror or error}",
            hint="check the name; give the path of an image that exists and that you may read",
        ) from error
    if not stat.S_ISREG(mode):
        raise InputError(
            f"`{escape_bytes(path)}` is no file", hint="devices are read by `evkit acquire`"
        )
    with open_image(path, None) as image:
        found = None
        if chart != NO_MAP and (chart is not None or image.format in _RAW):
            found = _chart(image, chart)
        yield Origin(image=image, stated=stated(image), chart=found)


@contextlib.contextmanager
def open_recorded(recorded: Recorded) -> Iterator[Origin]:
    """Open the image of an acquisition as a source.

    Raises:
        InputError: it cannot be read or decoded, or has another length than is on record.
    """
    with open_image(recorded.files[0], recorded.files) as image:
        if image.size != recorded.size:
            raise InputError(
                f"the image of `{recorded.ref}` has {image.size:,} bytes, "
                f"{recorded.size:,} are on record",
                hint=f"`evkit verify {recorded.ref}` says what changed",
            )
        own = tuple(("record", name, value) for name, value in recorded.digests.items())
        chart = None
        if recorded.unread:
            chart = mapfile.of_gaps(recorded.unread, recorded.size)
        yield Origin(image=image, stated=own, tree=recorded.tree, chart=chart)


def stated(image: Image) -> tuple[tuple[str, str, str], ...]:
    """Return all digests of the medium that a container states: (where, algorithm, hex)."""
    if isinstance(image, E01Image):
        return tuple(dict.fromkeys(image.stored))
    return tuple(("container", name, value) for name, value in image.stored_digests.items())


def names_for(origin: Origin, form: str) -> tuple[str, ...]:
    """Return the digests to make: what is stated, and what the new image is to state."""
    wanted = {"md5", "sha256", *(name for _, name, _ in origin.stated)}
    if form == E01:
        wanted.add("sha1")
    return tuple(name for name in ALGORITHMS if name in wanted)


def narrowed(origin: Origin, request: Request) -> Origin:
    """Return the source with only the part that is asked for, or as it is.

    Raises:
        UsageError: there is no such part.
        InputError: the partition table cannot be read.
    """
    if not request.is_part:
        return origin
    window = window_of(origin.image, request)
    return dataclasses.replace(origin, window=window)


def window_of(image: Image, request: Request) -> Range:
    """Return offset and length of the part that is asked for.

    Raises:
        UsageError: there is no such part.
        InputError: the partition table cannot be read.
    """
    if (request.part is None) == (request.range is None):
        raise UsageError(
            "say which part: `--part N` or `--range OFFSET+LENGTH`",
            hint="`--part 2` for a partition, `--range 2048s+204800s` for a range",
        )
    medium = partitions.OfImage(image)
    if request.part is not None:
        found = partitions.choose_in(medium, request.part)
        return found.offset, found.length
    sector, size = medium.sector_size, image.size
    offset, length = partitions.read_range(request.range or "", sector, size)
    inside = offset >= 0 and length > 0 and offset + length <= size
    if not inside or offset % sector or (length % sector and offset + length != size):
        raise UsageError(
            f"bytes {offset} to {offset + length} are no range of sectors on a medium of "
            f"{size} bytes",
            hint=f"offset and length are multiples of {sector}, such as 2048s+204800s",
        )
    return offset, length


def maps_beside(files: Sequence[bytes]) -> list[bytes]:
    """Return the maps that lie beside a raw image: `disk.map` and `disk.dd.map` for `disk.dd`."""
    stem = os.path.splitext(files[0])[0]
    return [name for name in (stem + b".map", files[0] + b".map") if os.path.isfile(name)]


def _chart(image: Image, named: bytes | None) -> mapfile.RescueMap | None:
    found = [named] if named is not None else maps_beside([s.path for s in image.segments])
    if len(found) > 1:
        raise UsageError(
            f"two maps lie beside the image: `{escape_bytes(found[0])}` and "
            f"`{escape_bytes(found[1])}`",
            hint="say which with `--map FILE`, or `--map none`",
        )
    if not found:
        return None
    try:
        return mapfile.read(found[0], image.size)
    except InputError as error:
        hint = "name the right map with `--map FILE`, or `--map none`"
        raise InputError(error.message, hint=hint) from error


def shown(path: bytes) -> str:
    """Return the last part of a path for texts inside images, escaped."""
    return escape_bytes(os.path.basename(path))
