"""VMware images through libvmdk: one file, several extents, snapshots over their parents."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.images.beside import EXTENT, PARENT
from evkit.images.native import NativeImage, decoding, missing, open_file
from evkit.images.vmdkdescriptor import marks_zeros, read_descriptor

if TYPE_CHECKING:
    from evkit.images.beside import Files
    from evkit.images.vmdkdescriptor import Descriptor, Extent

LIBRARY = "pyvmdk"
TITLE = "VMware image"
MAX_DEPTH = 64


class VmdkImage(NativeImage):
    """A VMware image.

    Args:
        files: its first file, and which files its names stand for.

    Raises:
        UsageError: the binding is not installed.
        InputError: the container is damaged, or a file of it is missing.
    """

    format = "vmdk"

    def __init__(self, files: Files) -> None:
        self.decoder = f"libvmdk {_library().get_version()}"
        layers = _layers(files)
        super().__init__(LIBRARY, files.taken)
        try:
            with self._lock:
                for path, descriptor, extents in layers:
                    self._add(path, descriptor, extents)
                with decoding(LIBRARY, layers[0][0], TITLE):
                    size = self._handles[0].get_media_size()
            self._keep_size(size)
        except BaseException:
            self.close()
            raise
        self.sector_size = 512
        self.metadata = _metadata(layers[0][1])
        self.remarks = tuple(files.remarks)

    def _add(self, path: bytes, descriptor: Descriptor, extents: list[bytes]) -> None:
        """Open one layer and hang it below the layer above."""
        first = open_file(path)
        self._files.append(first)
        opened = []
        for extent in extents:
            opened.append(open_file(extent))
            self._files.append(opened[-1])
        library = _library()
        with decoding(LIBRARY, path, TITLE):
            handle = library.handle()
            handle.open_file_object(first)
            told = handle.get_number_of_extents()
            if told != len(descriptor.extents):
                raise ValueError(f"{told} extents, {len(descriptor.extents)} in the descriptor")
            handle.open_extent_data_files_as_file_objects(opened)
            if self._handles:
                self._handles[-1].set_parent(handle)
            self._handles.append(handle)


def _library() -> Any:  # noqa: ANN401 - pyvmdk has no types
    try:
        import pyvmdk
    except ImportError as error:
        raise missing(LIBRARY) from error
    return pyvmdk


def _layers(files: Files) -> list[tuple[bytes, Descriptor, list[bytes]]]:
    """Return the image and its parents: descriptor file, descriptor, extent files in order."""
    found: list[tuple[bytes, Descriptor, list[bytes]]] = []
    path = files.taken[0]
    while True:
        descriptor = read_descriptor(path)
        if found:
            _need_parent(path, found[-1][1], descriptor)
        extents = [] if not descriptor.inside else [path]
        for extent in () if descriptor.inside else descriptor.extents:
            if extent.kind == "ZERO":
                raise InputError(
                    f"`{escape_bytes(path)}` has an extent without a file, which evkit cannot read"
                )
            extents.append(files.take(extent.names, EXTENT))
            _need_length(extents[-1], extent)
        found.append((path, descriptor, extents))
        if not descriptor.parent:
            return found
        _need_kept_zeros(extents)
        if len(found) >= MAX_DEPTH:
            raise InputError(f"the image has over {MAX_DEPTH} parents")
        path = files.take(descriptor.parent, PARENT)


def _need_parent(path: bytes, child: Descriptor, parent: Descriptor) -> None:
    wanted, found = child.number("parentCID"), parent.number("CID")
    if wanted != found:
        raise InputError(
            f"`{escape_bytes(path)}` is not the parent that the image was made from, "
            "or was changed since",
            details={"wanted CID": f"{wanted or 0:08x}", "found CID": f"{found or 0:08x}"},
        )


def _need_kept_zeros(extents: list[bytes]) -> None:
    """Refuse what libvmdk decodes wrongly: bytes of the parent where the image has zeros."""
    for path in extents:
        if marks_zeros(path):
            raise InputError(
                f"`{escape_bytes(path)}` marks zeros over its parent, which libvmdk misreads",
                hint="convert the whole chain to raw with a tool that knows it, such as "
                "`qemu-img convert`, take both in, and name the chain with `--derived-from`",
            )


def _need_length(path: bytes, extent: Extent) -> None:
    """Refuse a plain extent that is shorter than its part of the medium, or begins inside its file.

    libvmdk takes the place of its beginning, which is in sectors, for bytes.
    """
    if extent.offset:
        raise InputError(
            f"`{escape_bytes(path)}` holds an extent that begins inside it, which libvmdk misreads",
            hint="convert the image to raw with a tool that knows it, such as `qemu-img convert`, "
            "take both in, and name the container with `--derived-from`",
        )
    if extent.kind in {"FLAT", "VMFS"} and os.path.getsize(path) < extent.size:
        raise InputError(
            f"`{escape_bytes(path)}` is shorter than the extent that it holds",
            hint="the file was cut short; ask for it again",
        )


def _metadata(descriptor: Descriptor) -> dict[str, str]:
    names = {"createType": "disk_type", "CID": "content_id", "parentCID": "parent_content_id"}
    return {
        names[key]: value for key, value in descriptor.settings.items() if key in names and value
    }
