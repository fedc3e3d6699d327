"""Containers that no free program writes, made from their published layouts: Ex01, VHD with a parent, COWD."""

from __future__ import annotations

import hashlib
import struct
import zlib

_SET = bytes(range(16))


def ex01(medium: bytes, *, errors=(), segments=1, digests=True, chunk=32768) -> list[bytes]:
    """An Ex01 with deflated chunks; all chunks divided over `segments` files."""
    chunks = [medium[at : at + chunk] for at in range(0, len(medium), chunk)]
    each = -(-len(chunks) // segments)
    files = []
    for number in range(1, segments + 1):
        part = chunks[(number - 1) * each : number * each]
        made = _Ewf2(number)
        made.text(1, _object("sn\tmd\tlb\tts\tdt\tbp\tph", f"S-1\tModel\tLabel\t{len(medium) // 512}\tf\t512\t1"))
        made.text(2, _object("nm\tcn\ten\tex\tnt\ttb\tcp\tsb\tgr", f"name\tC-1\tE-1\texaminer\tnote\t{len(chunks)}\t1\t{chunk // 512}\t1"))
        made.chunks(part, (number - 1) * each)
        if number == segments:
            if errors:
                made.table(5, struct.pack("<I12x", len(errors)), [struct.pack("<QI4x", *e) for e in errors])
            if digests:
                made.value(8, hashlib.md5(medium).digest())
                made.value(9, hashlib.sha1(medium).digest())
        made.section(15 if number == segments else 13, b"")
        files.append(bytes(made.data))
    return files


class _Ewf2:
    def __init__(self, number: int) -> None:
        self.data = bytearray(b"EVF2\r\n\x81\0" + struct.pack("<BBHI", 2, 1, 1, number) + _SET)
        self.before = 0

    def section(self, kind: int, body: bytes, pad: int | None = None) -> None:
        if pad is None:
            pad = -len(body) % 16
            body += bytes(pad)
        self.data += body
        head = struct.pack("<IIQQII", kind, 1 if body else 0, self.before, len(body), 64, pad)
        head += (hashlib.md5(body).digest() if body else bytes(16)) + bytes(12)
        self.before = len(self.data)
        self.data += head + struct.pack("<I", zlib.adler32(head))

    def text(self, kind: int, text: str) -> None:
        self.section(kind, zlib.compress(b"\xff\xfe" + text.encode("utf-16-le")))

    def value(self, kind: int, value: bytes) -> None:
        body = value + struct.pack("<I", zlib.adler32(value))
        self.section(kind, body)

    def table(self, kind: int, head: bytes, entries: list[bytes]) -> None:
        body = head + struct.pack("<I", zlib.adler32(head)) + bytes(12)
        rows = b"".join(entries)
        self.section(kind, body + rows + struct.pack("<I", zlib.adler32(rows)) + bytes(12), 24)

    def chunks(self, part: list[bytes], first: int) -> None:
        entries, body, start = [], bytearray(), len(self.data)
        for chunk in part:
            packed = zlib.compress(chunk)
            entries.append(struct.pack("<QII", start + len(body), len(packed), 1))
            body += packed + bytes(-len(packed) % 16)
        self.section(3, bytes(body), 0)
        self.table(4, struct.pack("<QI4x", first, len(part)), entries)


def _object(tags: str, values: str) -> str:
    return f"1\nmain\n{tags}\n{values}\n\n"
