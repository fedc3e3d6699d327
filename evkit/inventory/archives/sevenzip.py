"""Members of a 7z, by py7zr (extra `archives`), one after the other and never to a disk.

py7zr reads the header and decompresses; its own extraction is not used, because it renames and
refuses names and ends at the first wrong checksum. Format: 7zFormat.txt of the LZMA SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.inventory.archives.caps import CapError, ReadError, words_of
from evkit.inventory.archives.entries import Entry, Source
from evkit.inventory.archives.sink import Sink
from evkit.inventory.times import FILETIME_EPOCH

if TYPE_CHECKING:
    from evkit.inventory.archives.listing import Archive

_AES = b"\x06\xf1\x07\x01"
_LZMA, _LZMA2, _PPMD = b"\x03\x01\x01", b"\x21", b"\x03\x04\x01"


def read_7z(archive: Archive) -> None:
    """List a 7z.

    Raises:
        ReadError: it is damaged, encrypted, or py7zr is not installed.
    """
    try:
        import py7zr
        from py7zr import exceptions
    except ImportError as error:
        raise ReadError(
            "7z-not-here", "needs py7zr: pip install 'evkit[archives]'", "unsupported"
        ) from error
    handle: Any = archive.content.open()
    try:
        opened = py7zr.SevenZipFile(handle, "r")
    except exceptions.PasswordRequired as error:
        raise ReadError("encrypted", "also the names", "encrypted") from error
    except (MemoryError, RecursionError, CapError):
        raise
    except Exception as error:
        raise ReadError("not-a-7z", words_of(error)) from error
    trouble = _Members(archive, opened, handle).run()
    if trouble is not None:
        raise trouble


class _Members:
    """The members of one 7z; those of a folder follow each other in one packed stream."""

    def __init__(self, archive: Archive, opened: Any, handle: Any) -> None:  # noqa: ANN401
        self._archive, self._opened, self._handle = archive, opened, handle
        streams = getattr(opened.header, "main_streams", None)
        self._folders = streams.unpackinfo.folders if streams is not None else []
        self._places = streams.packinfo.packpositions if streams is not None else [0]
        self._first = _first_streams(self._folders)
        self._now: Any = None
        self._at = 0
        self._lost: ReadError | None = None

    def run(self) -> ReadError | None:
        """Send all members; returns why some are not whole, if they are not."""
        trouble: ReadError | None = None
        for item in self._opened.files:
            problem = self._member(item)
            if problem is not None and trouble is None and problem.state == "damaged":
                trouble = ReadError("member-damaged", "", "damaged")
        return trouble

    def _member(self, item: Any) -> ReadError | None:  # noqa: ANN401
        entry = _entry(item)
        if entry.type == "directory":
            self._archive.member(entry)
            return None
        if item.emptystream:
            self._archive.add(entry, Source(lambda: _EMPTY))
            return None
        if item.folder is not self._now:
            self._now, self._lost = item.folder, None
            self._lost = _refused(item.folder, self._archive.job.budget.caps.dictionary)
            self._at = self._start(item.folder)
        number = self._archive.member(entry)
        sink = Sink(self._archive, number, entry, Source(once=True))
        problem = self._lost or self._read(item, sink)
        sink.end(problem)
        if isinstance(problem, CapError):
            raise problem
        return problem

    def _start(self, folder: Any) -> int:  # noqa: ANN401
        at = self._first.get(id(folder), 0)
        place = self._places[at] if at < len(self._places) else 0
        return int(self._opened.afterheader + place)

    def _read(self, item: Any, sink: Sink) -> ReadError | None:  # noqa: ANN401
        end = self._archive.content.size
        self._handle.seek(self._at)
        try:
            crc = self._opened.worker.decompress(
                self._handle, item.folder, sink, item.uncompressed, item.compressed, end
            )
            self._at = self._handle.tell()
        except CapError as error:
            return error
        except MemoryError:
            self._lost = ReadError("engine-memory", "", "unreadable")
        except Exception as error:  # noqa: BLE001 - whatever a decompressor raises on hostile bytes
            self._lost = ReadError("packed-data", words_of(error))
        else:
            if item.crc32 is not None and crc != item.crc32:
                return ReadError("crc-differs", f"{crc:08x}, {item.crc32:08x} stated")
            return None
        return self._lost


class _Empty:
    """No bytes."""

    def read(self, _size: int = -1, /) -> bytes:
        return b""


_EMPTY = _Empty()


def _first_streams(folders: list[Any]) -> dict[int, int]:
    """Return the number of the first packed stream of each folder."""
    found, at = {}, 0
    for folder in folders:
        found[id(folder)] = at
        at += len(folder.packed_indices)
    return found


def _refused(folder: Any, most: int) -> ReadError | None:  # noqa: ANN401
    """Return why a folder is not unpacked: encrypted, or it wants too much memory."""
    for coder in folder.coders:
        method, properties = bytes(coder["method"]), bytes(coder["properties"] or b"")
        if method == _AES:
            return ReadError("encrypted", "", "encrypted")
        wanted = 0
        if method in {_LZMA, _PPMD}:
            wanted = int.from_bytes(properties[1:5], "little")
        elif method == _LZMA2 and properties:
            bits = properties[0]
            wanted = (2 | bits & 1) << (bits // 2 + 11)
        if wanted > most:
            return ReadError("dictionary-too-large", f"{wanted} bytes", "unreadable")
    return None


def _entry(item: Any) -> Entry:  # noqa: ANN401
    path = str(item.filename).encode("utf-8", "surrogatepass")
    kind = "directory" if item.is_directory else "file"
    if item.is_symlink:
        kind = "symlink"
    mode = item.posix_mode
    times = {}
    ticks = item.lastwritetime
    if ticks is not None and 0 < int(ticks) < 1 << 62:
        times["m"] = (int(ticks) - FILETIME_EPOCH) * 100
    return Entry(
        path=path,
        type=kind,
        size=None if kind == "directory" else int(item.uncompressed or 0),
        times=times,
        step=100,
        mode=mode & 0o7777 if mode is not None else None,
    )
