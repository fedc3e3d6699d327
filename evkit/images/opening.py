"""Opening an image of any kind that evkit can decode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.images import detect
from evkit.images.raw import RawImage, find_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.images.model import Image


def find_files(path: bytes) -> tuple[detect.Kind, list[bytes]]:
    """Return what `path` is and all files of the image that it belongs to, in order.

    Raises:
        InputError: it cannot be read, cannot be decoded by evkit, or a part is missing.
    """
    kind = detect.detect(path)
    detect.need_readable(path, kind)
    if kind.name == "ewf":
        from evkit.images.e01.names import find_segments

        return kind, find_segments(path)
    parts = find_parts(path)
    if parts[0] != path:
        # the second part of a split image may begin with anything; the first one decides
        kind = detect.detect(parts[0])
        detect.need_readable(parts[0], kind)
    return kind, parts


def open_image(path: bytes, paths: Sequence[bytes] | None = None) -> Image:
    """Open an image read-only.

    Args:
        path: any file of the image.
        paths: all its files in order when they are known already.

    Raises:
        InputError: as `find_files`, or the container is damaged.
    """
    if paths is None:
        kind, paths = find_files(path)
    else:
        kind = detect.detect(paths[0])
        detect.need_readable(paths[0], kind)
    if kind.name == "ewf":
        from evkit.images.e01.reader import E01Image

        return E01Image(paths)
    return RawImage(paths)
