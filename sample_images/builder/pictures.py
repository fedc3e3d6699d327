"""Small pictures, a clip and a document made by code: no camera, no person, no library involved.

Only integers are used, so that the bytes are the same everywhere.
"""

from __future__ import annotations

import struct
import zlib

_DC_BITS = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])  # table K.3 of ITU-T T.81
_DC_VALUES = bytes(range(12))
_AC_BITS = bytes([1] + [0] * 15)  # one code, `0`: end of block


class _Bits:
    def __init__(self):
        self.value = self.count = 0

    def add(self, value, length):
        self.value = self.value << length | value
        self.count += length

    def data(self):
        fill = -self.count % 8
        whole = (self.value << fill | (1 << fill) - 1).to_bytes((self.count + fill) // 8, "big")
        return whole.replace(b"\xff", b"\xff\x00")


def _dc_codes():
    codes, code, at = [], 0, 0
    for length, number in enumerate(_DC_BITS, start=1):
        for _ in range(number):
            codes.append((code, length))
            code += 1
            at += 1
        code <<= 1
    return codes


def _segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def _colour(x, y, seed):
    """Return Y, Cb, Cr of one block of 8 x 8 pixels: sky, ground, a sun, and a box as house."""
    across, down = x * 16 + seed * 7, y * 16
    if (x - 6 - seed % 5) ** 2 + (y - 4) ** 2 < 7:
        return 230, 40, 150
    if down > 300:
        return 90 + (across * 13 + down * 7 + seed * 31) % 40, 100, 110
    if 12 + seed % 7 < x < 24 and y > 10:
        return 120 + (seed * 17) % 60, 120, 150 + (x + y) % 3 * 4
    return 170 + down // 6 + (x * y + seed) % 5, 150, 110


def jpeg(width, height, seed, comment):
    """Return a baseline JPEG whose blocks of 8 x 8 pixels have one colour each."""
    codes = _dc_codes()
    bits = _Bits()
    before = [0, 0, 0]
    for y in range((height + 7) // 8):
        for x in range((width + 7) // 8):
            for part, level in enumerate(_colour(x, y, seed)):
                value = min(level, 255) - 128
                step = value - before[part]
                before[part] = value
                size = abs(step).bit_length()
                bits.add(*codes[size])
                bits.add(step if step > 0 else step + (1 << size) - 1, size)
                bits.add(0, 1)
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"\1\x11\0\2\x11\0\3\x11\0"
    return b"".join(
        [
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
            _segment(0xFE, comment.encode()),
            _segment(0xDB, b"\0" + bytes([8] * 64)),
            _segment(0xC0, frame),
            _segment(0xC4, b"\0" + _DC_BITS + _DC_VALUES),
            _segment(0xC4, b"\x10" + _AC_BITS + b"\0"),
            _segment(0xDA, b"\3\1\0\2\0\3\0\0\x3f\0"),
            bits.data(),
            b"\xff\xd9",
        ]
    )


def _stored(data):
    """Return a zlib stream of stored blocks: no compressor, so no difference between versions."""
    blocks = [data[at : at + 65535] for at in range(0, len(data), 65535)]
    made = b"\x78\x01"
    for number, block in enumerate(blocks, start=1):
        last = number == len(blocks)
        made += struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block
    return made + struct.pack(">I", zlib.adler32(data))


def png(width, height, seed):
    """Return a grey PNG: a made-up screen shot with lines of grey boxes."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            line, word = y // 8, (x // 6 + seed * 3 + y // 8 * 5) % 7
            text = y % 8 in (2, 3, 4) and word and x < width - (line * 11 + seed * 5) % 40
            rows.append(60 if text else 235)

    def chunk(kind, body):
        whole = kind + body
        return struct.pack(">I", len(body)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", _stored(bytes(rows)))
        + chunk(b"IEND", b"")
    )


def clip(seed):
    """Return an MP4 container without a track: a placeholder for a clip of a camera."""

    def box(kind, body):
        return struct.pack(">I", len(body) + 8) + kind + body

    note = b"placeholder for training: no picture inside. "
    return (
        box(b"ftyp", b"mp42\0\0\0\0mp42isom")
        + box(b"free", b"evkit sample clip %d" % seed)
        + box(b"mdat", note * 200 + bytes((seed * 31 + at * 7) % 256 for at in range(9000)))
    )


def pdf(lines):
    """Return a PDF of one page with ASCII lines."""
    text = "BT /F1 11 Tf 60 780 Td 15 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources 6 0 R>>",
        f"<</Length {len(text)}>>\nstream\n{text}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        "<</Font<</F1 5 0 R>>>>",
    ]
    made = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(made))
        made += f"{number} 0 obj\n{body}\nendobj\n".encode("ascii")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    tail = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    tail += f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(made)}\n%%EOF\n"
    return made + tail.encode("ascii")
