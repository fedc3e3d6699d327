"""Opening an image of any kind that evkit can decode."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.images import detect
from evkit.images.raw import RawImage, find_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evkit.images.beside import Files
    from evkit.images.model import Image

CHAINS = frozenset({"vmdk", "vhd", "vhdx", "qcow"})  # they name further files inside


def find_files(path: bytes) -> tuple[detect.Kind, list[bytes]]:
    """Return what `path` is and all files of the image that it belongs to, in order.

    Raises:
        InputError: it cannot be read, cannot be decoded by evkit, or a part is missing.
        UsageError: the extra that decodes it is not installed.
    """
    with _reading(path):
        return _find_files(path)


def _find_files(path: bytes) -> tuple[detect.Kind, list[bytes]]:
    kind = detect.detect(path)
    detect.need_readable(path, kind)
    if kind.name in CHAINS:
        with open_image(path) as image:
            return kind, [part.path for part in image.segments]
    if kind.name == "ewf":
        from evkit.images.e01.names import find_segments

        return kind, find_segments(path)
    if kind.name == "ewf2":
        from evkit.images import ex01

        return kind, ex01.find_segments(path)
    parts = find_parts(path)
    if parts[0] != path:
        # the second part of a split image may begin with anything; the first one decides
        kind = detect.detect(parts[0])
        detect.need_readable(parts[0], kind)
    return kind, parts


def open_image(path: bytes, paths: Sequence[bytes] | None = None) -> Image:
    """Open an image read-only.

    Args:
        path: any file of the image; of a container that names further files, the one that does.
        paths: all its files in order when they are known already.

    Raises:
        InputError: as `find_files`, or the container is damaged or cannot be read where it says
            how it is laid out.
        UsageError: the extra that decodes it is not installed.
    """
    with _reading(path):
        return _open(path, paths)


@contextlib.contextmanager
def _reading(path: bytes) -> Iterator[None]:
    """Turn a read error into an InputError: without its tables no container can be opened."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot read `{escape_bytes(path)}`: {error.strerror or error}",
            hint="the file, or the medium it lies on, is failing: use another copy",
        ) from error


def _open(path: bytes, paths: Sequence[bytes] | None) -> Image:
    first = path if paths is None else paths[0]
    kind = detect.detect(first)
    detect.need_readable(first, kind)
    if kind.name in CHAINS:
        from evkit.images.beside import Beside, Given

        return _chain(kind.name, Beside(path) if paths is None else Given(paths))
    if paths is None:
        kind, paths = find_files(path)
    if kind.name == "ewf":
        from evkit.images.e01.reader import E01Image

        return E01Image(paths)
    if kind.name == "ewf2":
        from evkit.images.ex01 import Ex01Image

        return Ex01Image(paths)
    return RawImage(paths)


def _chain(name: str, files: Files) -> Image:
    if name == "vmdk":
        from evkit.images.vmdk import VmdkImage

        return VmdkImage(files)
    if name == "qcow":
        from evkit.images.qcow import QcowImage

        return QcowImage(files)
    from evkit.images.vhd import VhdImage

    return VhdImage(files)
