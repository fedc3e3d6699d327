"""Containers that no free program writes, made from their published layouts."""

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
        made.text(
            1,
            _object(
                "sn\tmd\tlb\tts\tdt\tbp\tph", f"S-1\tModel\tLabel\t{len(medium) // 512}\tf\t512\t1"
            ),
        )
        made.text(
            2,
            _object(
                "nm\tcn\ten\tex\tnt\ttb\tcp\tsb\tgr",
                f"name\tC-1\tE-1\texaminer\tnote\t{len(chunks)}\t1\t{chunk // 512}\t1",
            ),
        )
        made.chunks(part, (number - 1) * each)
        if number == segments:
            if errors:
                made.table(
                    5, struct.pack("<I12x", len(errors)), [struct.pack("<QI4x", *e) for e in errors]
                )
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


def l01(files: dict[str, bytes]) -> bytes:
    """An L01 with these files in one folder, of one segment."""
    medium = b"".join(files.values())
    medium += bytes(-len(medium) % 512)
    chunks = [medium[at : at + 32768] for at in range(0, len(medium), 32768)]
    rows, at = [], 0
    for number, (name, data) in enumerate(files.items(), 1):
        be = f"1 {len(data):x} {at:x}"
        digest = hashlib.md5(data).hexdigest()
        rows.append(
            f"0\t0\n\t{name}\t{number}\t2\t1\t\t\t\t1700000000\t1700000000\t1700000000\t1700000000\t\t1700000000\t{digest}\t{len(data)}\t\t-1\t-1\t\t\t{be}\t-1\t\n"
        )
        at += len(data)
    tags = "p n id opr src sub cid jq cr ac wr mo dl aq ha ls du lo po mid cfi be pm lpt"
    tags = tags.replace(" ", "\t")
    empty = "\t" * 22
    tree = (
        f"5\nrec\ntb\tcl\n{len(medium)}\t1\n\n"
        "perm\n0\t1\np\tn\ts\tpr\tnta\tnti\n0\t0\n1\t\t\t10\t\t\n\n"
        "srce\n1\t1\np\tn\tid\tev\ttb\tlo\tpo\tah\tgu\taq\n0\t1\n1\t\t\t\t\t\t\t\t\t\n"
        f"0\t0\n\tsource\t1\tE-1\t{len(medium)}\t-1\t-1\t\t0\t1700000000\n\n"
        "sub\n0\t1\np\tn\tid\tnu\tco\tgu\n0\t0\n1\t\t\t\t\t\n\n"
        f"entry\n1\t1\n{tags}\n0\t1\n1\t{empty}\n0\t{len(files)}\n1\tfolder{empty}\n"
        + "".join(rows)
        + "\n"
    ).encode("utf-16-le")
    head = hashlib.md5(tree).digest() + struct.pack("<QI20x", len(tree), 0)
    head = head[:24] + struct.pack("<I", zlib.adler32(head)) + head[28:]
    return _ewf1(b"LVF\x09\x0d\x0a\xff\0", medium, chunks, [(b"ltree", head + tree)])


def _ewf1(mark: bytes, medium: bytes, chunks: list[bytes], more) -> bytes:
    data = bytearray(mark + struct.pack("<BHH", 1, 1, 0))

    def section(kind: bytes, body: bytes, *, last: bool = False) -> None:
        start = len(data)
        after = start if last else start + 76 + len(body)
        head = struct.pack("<16sQQ40s", kind, after, 76 + len(body), b"")
        data.extend(head + struct.pack("<I", zlib.adler32(head)) + body)

    tags = "c\tn\ta\te\tt\tav\tov\tm\tu\tp"
    values = "C-1\tE-1\tlogical\texaminer\tnote\t6\tLinux\t2020 1 1 0 0 0\t2020 1 1 0 0 0\t0"
    text = f"1\r\nmain\r\n{tags}\r\n{values}\r\n"
    section(b"header", zlib.compress(text.encode()))
    volume = struct.pack("<B3xIIIQ", 14, len(chunks), 64, 512, len(medium) // 512).ljust(36, b"\0")
    volume = (volume + b"\1").ljust(52, b"\0") + b"\1".ljust(4, b"\0") + struct.pack("<I", 64)
    volume = (volume.ljust(64, b"\0") + _SET).ljust(1048, b"\0")
    section(b"volume", volume + struct.pack("<I", zlib.adler32(volume)))
    base, body, entries = len(data), bytearray(), b""
    for chunk in chunks:
        entries += struct.pack("<I", 76 + len(body) | 0x80000000)
        body += zlib.compress(chunk)
    section(b"sectors", bytes(body))
    head = struct.pack("<I4xQ4x", len(chunks), base)
    table = (
        head
        + struct.pack("<I", zlib.adler32(head))
        + entries
        + struct.pack("<I", zlib.adler32(entries))
    )
    section(b"table", table)
    section(b"table2", table)
    for kind, value in more:
        section(kind, value)
    section(b"data", volume + struct.pack("<I", zlib.adler32(volume)))
    section(b"done", b"", last=True)
    return bytes(data)


def vhd(size: int, blocks: dict[int, dict[int, bytes]], *, parent: str = "", uid: int = 1) -> bytes:
    """A dynamic VHD with sectors `{block: {sector: 512 bytes}}`; over `parent` when it is named."""
    block = 1 << 21
    count = -(-size // block)
    at = 1536 + -(-count * 4 // 512) * 512
    table, body = [0xFFFFFFFF] * count, b""
    for number, sectors in sorted(blocks.items()):
        bits, data = bytearray(512), bytearray(block)
        for sector, content in sectors.items():
            bits[sector // 8] |= 0x80 >> sector % 8
            data[sector * 512 : sector * 512 + 512] = content
        table[number] = (at + len(body)) // 512
        body += bits + data
    head = struct.pack(">8sQQIII", b"cxsparse", 2**64 - 1, 1536, 0x10000, count, block)
    head += bytes(4) + (bytes([2]) * 16 if parent else bytes(16)) + bytes(8)
    head = (head + parent.encode("utf-16-be").ljust(512, b"\0")).ljust(1024, b"\0")
    foot = struct.pack(
        ">8sIIQI4sI4sQQ", b"conectix", 2, 0x10000, 512, 0, b"win ", 1, b"Wi2k", size, size
    )
    foot += struct.pack(">III", 0x00410410, 4 if parent else 3, 0) + bytes([uid]) * 16
    foot = _summed(foot.ljust(512, b"\0"), 64)
    rows = b"".join(struct.pack(">I", row) for row in table)
    return foot + _summed(head, 36) + rows.ljust(at - 1536, b"\xff") + body + foot


def cowd(size: int, grains: dict[int, bytes]) -> bytes:
    """A sparse extent of an ESX snapshot (`COWD`) with grains of one sector."""
    sectors = size // 512
    tables: dict[int, list[int]] = {}
    directory = [0] * -(-sectors // 4096)
    at = 4 + -(-len(directory) * 4 // 512)
    for grain in grains:
        tables.setdefault(grain // 4096, [0] * 4096)
    for number in tables:
        directory[number] = at
        at += 32
    body = b""
    for grain, content in sorted(grains.items()):
        tables[grain // 4096][grain % 4096] = at
        body += content
        at += 1
    data = struct.pack("<4sIIIIIII", b"COWD", 1, 3, sectors, 1, 4, len(directory), at)
    data = data.ljust(2048, b"\0") + struct.pack(f"<{len(directory)}I", *directory)
    data = data.ljust(-(-len(data) // 512) * 512, b"\0")
    return data + b"".join(struct.pack("<4096I", *table) for table in tables.values()) + body


def descriptor(extents: list[str], *, cid: str = "00000001", parent: tuple[str, str] | None = None):
    """The descriptor of a VMware image; `parent` is (CID, name)."""
    kinds = {
        "FLAT": "twoGbMaxExtentFlat",
        "VMFSSPARSE": "vmfsSparse",
        "SPARSE": "twoGbMaxExtentSparse",
    }
    kind = next((kinds[word] for line in extents for word in line.split() if word in kinds), "vmfs")
    hint = f'parentFileNameHint="{parent[1]}"\n' if parent else ""
    text = (
        f"# Disk DescriptorFile\nversion=1\nCID={cid}\n"
        f'parentCID={parent[0] if parent else "ffffffff"}\ncreateType="{kind}"\n{hint}\n'
        "# Extent description\n" + "\n".join(extents) + "\n\n# The Disk Data Base\n#DDB\n\n"
        'ddb.adapterType = "lsilogic"\n'
    )
    return text.encode()


def _summed(data: bytes, at: int) -> bytes:
    return data[:at] + struct.pack(">I", ~sum(data) & 0xFFFFFFFF) + data[at + 4 :]
