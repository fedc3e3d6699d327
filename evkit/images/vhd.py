"""Virtual PC (VHD) and Hyper-V (VHDX) images through libvhdi.

Two things are not left to the library (20260901), because it gives other bytes without an error: a
fixed VHDX is shown to it as a dynamic one, and images with a parent are refused.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.images.files import open_quietly
from evkit.images.native import NativeImage, decoding, missing, open_file
from evkit.images.vhdxfacts import MARK, VhdxFacts, read_facts

if TYPE_CHECKING:
    from evkit.images.beside import Files

LIBRARY = "pyvhdi"
_TITLES = {"vhd": "Virtual PC image", "vhdx": "Hyper-V image"}
_FIXED, _DYNAMIC, _DIFFERENCING = 2, 3, 4
_LOG = (
    "the image was not closed: its log holds writes that were not carried out, and that are "
    "missing from this medium"
)
_TYPES = {_FIXED: "fixed", _DYNAMIC: "dynamic"}


class VhdImage(NativeImage):
    """A VHD or VHDX image in one file.

    Args:
        files: its file.

    Raises:
        UsageError: the binding is not installed.
        InputError: the container is damaged, or needs a parent.
    """

    def __init__(self, files: Files) -> None:
        path = files.taken[0]
        super().__init__(LIBRARY, [path])
        with open_file(path) as opened:
            self.format = "vhdx" if opened.read(len(MARK)) == MARK else "vhd"
        facts = _facts(path) if self.format == "vhdx" else VhdxFacts()
        try:
            with self._lock, decoding(LIBRARY, path, _TITLES[self.format]):
                size, kind = self._open(path, facts)
            self._check_kind(path, kind)
            self._keep_size(size)
        except BaseException:
            self.close()
            raise
        self.metadata = {"disk_type": _TYPES[_FIXED if facts.fixed else kind], **self.metadata}
        if facts.log_waits:
            self.remarks = (_LOG,)

    def _check_kind(self, path: bytes, kind: int) -> None:
        if kind == _DIFFERENCING:
            raise _parent(path)
        if self.format == "vhdx" and kind != _DYNAMIC:
            raise InputError(f"`{escape_bytes(path)}` contradicts itself about its kind of disk")

    def _open(self, path: bytes, facts: VhdxFacts) -> tuple[object, int]:
        """Open the handle; return the length of the medium and the kind of disk."""
        opened = _AsDynamic(path, facts.flags_at) if facts.fixed else open_file(path)
        self._files.append(opened)
        library = _library()
        self.decoder = f"libvhdi {library.get_version()}"
        handle = library.file()
        handle.open_file_object(opened)
        self._handles.append(handle)
        self.sector_size = int(handle.get_bytes_per_sector()) or None
        found = {"format_version": handle.get_format_version(), "id": handle.get_identifier()}
        self.metadata = {key: str(value) for key, value in found.items() if value is not None}
        return handle.get_media_size(), int(handle.get_disk_type())


def _library() -> Any:  # noqa: ANN401 - pyvhdi has no types
    try:
        import pyvhdi
    except ImportError as error:
        raise missing(LIBRARY) from error
    return pyvhdi


class _AsDynamic(io.FileIO):
    """A fixed VHDX without the bit that says so, which is meant for writers only.

    libvhdi expects the table of blocks of a fixed one without the entries of sector bitmaps; the
    format has them in every VHDX, after each 4 GiB.
    """

    def __init__(self, path: bytes, flags_at: int | None) -> None:
        super().__init__(open_quietly(path), "rb")
        self._at = flags_at

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        data = super().read(-1 if size is None else size) or b""
        if self._at is None or not start <= self._at < start + len(data):
            return data
        changed = bytearray(data)
        changed[self._at - start] &= 0xFE
        return bytes(changed)


def _facts(path: bytes) -> VhdxFacts:
    try:
        facts = read_facts(path)
    except OSError as error:
        raise InputError(
            f"cannot read `{escape_bytes(path)}`: {error.strerror or error}"
        ) from error
    if facts.has_parent:
        raise _parent(path)
    return facts


def _parent(path: bytes) -> InputError:
    return InputError(
        f"`{escape_bytes(path)}` holds only what differs from a parent, which evkit does not "
        "decode in this format",
        hint="merge a copy of it into a copy of its parent with a tool that knows the format; take "
        "the files in with `--kind files`, the merged image with `--kind image`",
    )
