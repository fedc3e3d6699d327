"""A stream row while it is made, and its canonical text with or without digests (child only)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.inventory.names import quote, text_field

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SIZE = 2**53 - 1
_UNREAD = b'"bytes_digested":0,'


class StreamRow:
    """What is known of a stream before it is read; `size` is None when it is out of range."""

    __slots__ = (
        "attr", "attr_id", "basis", "extents", "flags", "fs", "inode", "left_out", "name", "seq",
        "size",
    )  # fmt: skip

    def __init__(self, fs: int, inode: int, seq: int, attr: int, attr_id: int) -> None:
        self.fs = fs
        self.inode = inode
        self.seq = seq
        self.attr = attr
        self.attr_id = attr_id
        self.basis = "none"
        self.name = b""
        self.size: int | None = None
        self.extents: list[list[int]] = []
        self.left_out = 0
        self.flags: list[str] = []

    def offer(self) -> bytes:
        """Return the row without digests and state, for whoever reads the extents."""
        return self._text("0", "", "", "")

    def read(self, digests: Mapping[str, str]) -> bytes:
        """Return the row of a stream that was read to its end."""
        return self._text(str(self.size), digests_text(digests), "", "ok")

    def failed(self, state: str, reason: str, read: int = 0, detail: str = "") -> bytes:
        """Return the row of a stream without digests."""
        more = f'"detail":{quote(detail)},' if detail else ""
        return self._text(str(read), more, f',"reason":"{reason}"', state)

    def _text(self, read: str, more: str, reason: str, state: str) -> bytes:
        head = f'{{"attr":{self.attr},"attr_id":{self.attr_id},"basis":"{self.basis}"'
        parts = [f'{head},"bytes_digested":{read},{more}']
        if self.extents:
            listed = ",".join(f"[{place},{length}]" for place, length in self.extents)
            parts.append(f'"extents":[{listed}],')
        if self.left_out:
            parts.append(f'"extents_left_out":{self.left_out},')
        if self.flags:
            parts.append('"flags":[' + ",".join(f'"{flag}"' for flag in self.flags) + "],")
        parts.append(f'"fs":{self.fs},"inode":{self.inode}')
        if self.name:
            parts.append("," + text_field("name", self.name))
        size = "" if self.size is None else f',"size":{self.size}'
        parts.append(f'{reason},"row":"stream","seq":{self.seq}{size}')
        parts.append(f',"state":"{state}"}}' if state else "}")
        return "".join(parts).encode()


def digests_text(digests: Mapping[str, str]) -> str:
    """Return the field `digests` with its comma, as it stands in a row."""
    values = ",".join(f'"{name}":"{digests[name]}"' for name in sorted(digests))
    return f'"digests":{{{values}}},'


def completed(offer: bytes, size: int, digests: str) -> bytes:
    """Make the row of an offer whose stream was read to its end.

    Args:
        offer: as `StreamRow.offer` writes it.
        size: bytes of the stream.
        digests: as `digests_text` writes them.
    """
    head, mark, tail = offer.partition(_UNREAD)
    if not mark:
        raise ValueError("not an offer")
    read = f'"bytes_digested":{size},{digests}'.encode()
    return b"".join((head, read, tail[:-1], b',"state":"ok"}'))


def refused(offer: bytes, state: str, reason: str) -> bytes:
    """Make the row of an offer whose stream is not read."""
    head, mark, tail = offer.rpartition(b',"row":"stream","seq":')
    if not mark:
        raise ValueError("not an offer")
    words = f',"reason":"{reason}"'.encode()
    return b"".join((head, words, mark, tail[:-1], f',"state":"{state}"}}'.encode()))
