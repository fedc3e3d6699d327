"""Writes files into an NTFS volume with libntfs-3g: no mount, no privileges.

Run as a program under `faketime` by `builder.laptop`; the library asks the system for the time.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import glob
import struct

_DATA = 0x80
_ROOT = 5
_FOLDER, _FILE = 0o40000, 0o100000
_EPOCH = 116444736000000000  # 1970 in units of 100 ns since 1601


def _library():
    name = ctypes.util.find_library("ntfs-3g")
    names = [name] if name else sorted(glob.glob("/usr/lib/*/libntfs-3g.so.*"))
    if not names:
        raise FileNotFoundError("the library libntfs-3g is not installed")
    lib = ctypes.CDLL(names[0], use_errno=True)
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    u8, u32, s64 = ctypes.c_uint8, ctypes.c_uint32, ctypes.c_int64
    for name, result, arguments in (
        ("ntfs_mount", pointer, (text, ctypes.c_ulong)),
        ("ntfs_umount", ctypes.c_int, (pointer, ctypes.c_int)),
        ("ntfs_inode_open", pointer, (pointer, ctypes.c_uint64)),
        ("ntfs_inode_close", ctypes.c_int, (pointer,)),
        ("ntfs_create", pointer, (pointer, u32, pointer, u8, u32)),
        ("ntfs_link", ctypes.c_int, (pointer, pointer, pointer, u8)),
        ("ntfs_delete", ctypes.c_int, (pointer, text, pointer, pointer, pointer, u8)),
        ("ntfs_attr_add", ctypes.c_int, (pointer, u32, pointer, u8, pointer, s64)),
        ("ntfs_attr_open", pointer, (pointer, u32, pointer, u32)),
        ("ntfs_attr_close", None, (pointer,)),
        ("ntfs_attr_pwrite", s64, (pointer, s64, s64, text)),
        ("ntfs_inode_set_times", ctypes.c_int, (pointer, text, ctypes.c_size_t, ctypes.c_int)),
    ):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def _name(name):
    """Return a UTF-16 buffer and its number of units."""
    units = name.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")
    return ctypes.create_string_buffer(units), len(units) // 2


class Volume:
    """An NTFS volume that is open for writing; paths are bytes relative to the root."""

    def __init__(self, path):
        self._lib = _library()
        self._volume = self._need(self._lib.ntfs_mount(str(path).encode(), 0), "mount")
        self._numbers = {b"": _ROOT}
        self._unnamed = ctypes.addressof(ctypes.c_uint16.in_dll(self._lib, "AT_UNNAMED"))

    @staticmethod
    def _need(value, what):
        if not value:
            raise OSError(ctypes.get_errno(), f"libntfs-3g cannot {what}")
        return value

    @staticmethod
    def _zero(value, what):
        if value:
            raise OSError(ctypes.get_errno(), f"libntfs-3g cannot {what}")

    def _open(self, path):
        number = self._numbers[path]
        return self._need(self._lib.ntfs_inode_open(self._volume, number), f"open {path!r}")

    def _close(self, inode):
        self._zero(self._lib.ntfs_inode_close(inode), "close an inode")

    def create(self, path, *, folder=False):
        """Make an empty file or folder."""
        parent, _, name = path.rpartition(b"/")
        units, length = _name(name)
        above = self._open(parent)
        mode = _FOLDER if folder else _FILE
        made = self._lib.ntfs_create(above, 0, units, length, mode)
        self._need(made, f"create {path!r}")
        self._numbers[path] = ctypes.cast(made, ctypes.POINTER(ctypes.c_uint64))[0]
        self._close(made)
        self._close(above)

    def write(self, path, data, *, at=0, stream=""):
        """Write data to a file or to a stream of it, which is made."""
        inode = self._open(path)
        units, length = _name(stream.encode()) if stream else (self._unnamed, 0)
        if stream:
            added = self._lib.ntfs_attr_add(inode, _DATA, units, length, None, 0)
            self._zero(added, f"add the stream {stream}")
        attribute = self._need(self._lib.ntfs_attr_open(inode, _DATA, units, length), "open data")
        done = 0
        while done < len(data):
            step = self._lib.ntfs_attr_pwrite(attribute, at + done, len(data) - done, data[done:])
            if step <= 0:
                raise OSError(ctypes.get_errno(), "libntfs-3g cannot write")
            done += step
        self._lib.ntfs_attr_close(attribute)
        self._close(inode)

    def link(self, old, new):
        """Give a file one more name."""
        parent, _, name = new.rpartition(b"/")
        units, length = _name(name)
        inode, above = self._open(old), self._open(parent)
        self._zero(self._lib.ntfs_link(inode, above, units, length), f"link {new!r}")
        self._close(inode)
        self._close(above)

    def times(self, path, seconds):
        """Set creation, modification and access time."""
        stamp = _EPOCH + seconds * 10_000_000
        value = struct.pack("<3Q", stamp, stamp, stamp)
        inode = self._open(path)
        self._zero(self._lib.ntfs_inode_set_times(inode, value, len(value), 0), "set times")
        self._close(inode)

    def delete(self, path):
        """Delete a file or an empty folder."""
        parent, _, name = path.rpartition(b"/")
        units, length = _name(name)
        inode, above = self._open(path), self._open(parent)
        gone = self._lib.ntfs_delete(self._volume, None, inode, above, units, length)  # closes both
        self._zero(gone, f"delete {path!r}")

    def close(self):
        """Write everything out."""
        self._zero(self._lib.ntfs_umount(self._volume, 0), "unmount")
