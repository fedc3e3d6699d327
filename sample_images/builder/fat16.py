"""A disk with an MBR and one FAT16 volume, written byte by byte.

No program is used: the places of files, the fragments and the deleted names are chosen here. The
structures follow Microsoft's "FAT: General Overview of On-Disk Format" 1.03.
"""

from __future__ import annotations

import struct

SECTOR = 512
START = 128  # first sector of the volume
SECTORS = 4480  # of the whole disk
CLUSTERS = 4200  # of one sector; FAT16 needs 4085 at least
FAT_SECTORS = 17
ROOT_ENTRIES = 128
VOLUME_SECTORS = 1 + 2 * FAT_SECTORS + ROOT_ENTRIES * 32 // SECTOR + CLUSTERS
SERIAL = 0x20250311
LABEL = b"TRAINING   "
END = 0xFFFF

_SHORT_ALLOWED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-~!#$%&'()@^`{}")


def dos_time(moment):
    """Return (date, time, hundredths) of a naive datetime: local time, no zone."""
    date = (moment.year - 1980) << 9 | moment.month << 5 | moment.day
    time = moment.hour << 11 | moment.minute << 5 | moment.second // 2
    return date, time, moment.second % 2 * 100


class Volume:
    """The clusters and the two tables of a FAT16 volume."""

    def __init__(self):
        self.table = [0xFFF8, END] + [0] * CLUSTERS
        self.data = bytearray(CLUSTERS * SECTOR)
        self.next = 2
        self.hole = 0

    def place(self, data, *, fragments=(), gap=0, into_hole=False, at=0, keep=True):
        """Write data to clusters and return the first one; 0 when there is no data.

        `fragments` are the cluster counts of the first pieces, each followed by `gap` clusters
        left free; `into_hole` uses the last such gap; `at` writes from a given cluster on;
        `keep=False` leaves the table free, as after a deletion.
        """
        count = -(-len(data) // SECTOR)
        if not count:
            return 0
        if into_hole or at:
            first = at or self.hole
            chain = list(range(first, first + count))
        else:
            chain = []
            for piece in fragments:
                chain += range(self.next, self.next + piece)
                self.hole = self.next + piece
                self.next += piece + gap
            chain += range(self.next, self.next + count - len(chain))
            self.next = chain[-1] + 1
        for number, cluster in enumerate(chain):
            if self.table[cluster]:
                raise ValueError(f"cluster {cluster} is in use")
            block = data[number * SECTOR : (number + 1) * SECTOR]
            self.data[(cluster - 2) * SECTOR : (cluster - 2) * SECTOR + len(block)] = block
            if keep:
                self.table[cluster] = chain[number + 1] if number + 1 < len(chain) else END
        return chain[0]

    def rewrite(self, cluster, data):
        """Write data over the clusters from `cluster` on, without touching the table."""
        self.data[(cluster - 2) * SECTOR : (cluster - 2) * SECTOR + len(data)] = data


def _units(name):
    return name.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")


def short_name(name, taken):
    """Return the 11 bytes of the short name and whether a long one is needed."""
    text = name.upper()
    base, _, extension = text.rpartition(b".") if b"." in text[1:] else (text, b"", b"")
    plain = name == text and len(base) <= 8 and len(extension) <= 3 and b"." not in base
    if plain and base and set(base + extension) <= _SHORT_ALLOWED:
        made = base.ljust(8) + extension.ljust(3)
        if made not in taken:
            return made, False
    stem = bytes(byte if byte in _SHORT_ALLOWED else 0x5F for byte in base if byte not in b" .")
    tail = bytes(byte if byte in _SHORT_ALLOWED else 0x5F for byte in extension)[:3]
    for number in range(1, 10):
        made = stem[:6] + b"~%d" % number
        made = made.ljust(8) + tail.ljust(3)
        if made not in taken:
            return made, True
    raise ValueError(f"no short name left for {name!r}")


def _long_entries(name, short):
    check = 0
    for byte in short:
        check = ((check & 1) << 7 | check >> 1) + byte & 0xFF
    units = _units(name)
    if len(units) % 26:
        units += b"\0\0"
        units += b"\xff" * (-len(units) % 26)
    count = len(units) // 26
    made = []
    for order in range(count, 0, -1):
        piece = units[(order - 1) * 26 : order * 26]
        flag = order | (0x40 if order == count else 0)
        made.append(
            bytes([flag])
            + piece[:10]
            + bytes([0x0F, 0, check])
            + piece[10:22]
            + b"\0\0"
            + piece[22:]
        )
    return made


def _entry(short, attribute, cluster, size, item):
    date, time, hundredths = dos_time(item.time)
    return struct.pack(
        "<11sBBBHHHHHHHI",
        short,
        attribute,
        0,
        hundredths,
        time,
        date,
        date,
        0,
        time,
        date,
        cluster,
        size,
    )


def entries(item, taken, cluster):
    """Return the directory entries (32 bytes each) of one item."""
    name = item.path.rpartition(b"/")[2]
    short, is_long = short_name(name, taken)
    taken.add(short)
    folder = item.kind == "folder"
    made = _long_entries(name, short) if is_long else []
    made.append(
        _entry(short, 0x10 if folder else 0x20, cluster, 0 if folder else len(item.data), item)
    )
    if item.deleted:
        made = [b"\xe5" + entry[1:] for entry in made]
    return b"".join(made)


def _boot_sector():
    head = struct.pack(
        "<3s8sHBHBHHBHHHIIBBBI11s8s",
        b"\xeb\x3c\x90",
        b"MSDOS5.0",
        SECTOR,
        1,
        1,
        2,
        ROOT_ENTRIES,
        VOLUME_SECTORS,
        0xF8,
        FAT_SECTORS,
        63,
        16,
        START,
        0,
        0x80,
        0,
        0x29,
        SERIAL,
        LABEL,
        b"FAT16   ",
    )
    return head + b"\xf4" + bytes(510 - len(head) - 1) + b"\x55\xaa"


def _mbr():
    def address(sector):
        cylinder, rest = divmod(sector, 16 * 63)
        head, place = divmod(rest, 63)
        return bytes([head, cylinder >> 2 & 0xC0 | place + 1, cylinder & 0xFF])

    entry = (
        b"\0"
        + address(START)
        + b"\x06"
        + address(START + VOLUME_SECTORS - 1)
        + struct.pack("<II", START, VOLUME_SECTORS)
    )
    return bytes(440) + struct.pack("<IH", SERIAL, 0) + entry + bytes(48) + b"\x55\xaa"


def disk(items, places):
    """Return the bytes of the disk.

    Args:
        items: `Item` values; a folder stands before what is in it.
        places: arguments of `Volume.place` by path.
    """
    volume = Volume()
    clusters, folders = {}, {b"": []}
    for item in items:
        if item.kind == "folder":
            folders[item.path] = []
            room = _room(item.path, items)
            clusters[item.path] = volume.place(bytes(room), keep=not item.deleted)
    first = {}
    for item in items:
        if item.kind == "file":
            options = dict(places.get(item.path, {}))
            if "over" in options:
                options["at"] = first[options.pop("over")]
            clusters[item.path] = first[item.path] = volume.place(
                item.data, keep=not item.deleted, **options
            )
    taken = {folder: set() for folder in folders}
    for item in items:
        parent = item.path.rpartition(b"/")[0]
        folders[parent].append(entries(item, taken[parent], clusters[item.path]))
    label = (
        LABEL + b"\x08" + bytes(10) + struct.pack("<HHHI", *dos_time(items[0].time)[1::-1], 0, 0)
    )
    for item in items:
        if item.kind == "folder":
            parent = clusters.get(item.path.rpartition(b"/")[0], 0)
            dots = _entry(b".          ", 0x10, clusters[item.path], 0, item)
            dots += _entry(b"..         ", 0x10, parent, 0, item)
            volume.rewrite(clusters[item.path], dots + b"".join(folders[item.path]))
    root = (label + b"".join(folders[b""])).ljust(ROOT_ENTRIES * 32, b"\0")
    if len(root) > ROOT_ENTRIES * 32:
        raise ValueError("the root folder is full")
    table = b"".join(struct.pack("<H", value) for value in volume.table)
    table = table.ljust(FAT_SECTORS * SECTOR, b"\0")
    whole = _boot_sector() + table * 2 + root + bytes(volume.data)
    return (_mbr().ljust(START * SECTOR, b"\0") + whole).ljust(SECTORS * SECTOR, b"\0")


def _room(path, items):
    """Return the bytes that the folder `path` needs, rounded up to clusters."""
    total = 64
    for item in items:
        if item.path.rpartition(b"/")[0] == path:
            total += 32 + 32 * -(-(len(_units(item.path.rpartition(b"/")[2])) + 2) // 26)
    return -(-total // SECTOR) * SECTOR
