"""`laptop-ntfs.raw`: a volume of a laptop, NTFS without a partition table.

mkntfs makes it and libntfs-3g fills it, both under `faketime`: the same versions give the same
bytes.
"""

# ruff: noqa: RUF001 - Urdu text
from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # the child that runs under faketime
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from builder import content, pictures
from builder.item import Item
from builder.ntfs_volume import Volume
from builder.tools import run

NAME = "laptop-ntfs.raw"
TITLE = "volume of a laptop, 1.5 MiB: NTFS without a partition table"
SIZE = 1536 * 1024
CLOCK = "2025-03-09 10:30:00"
_PIECE = 5120  # bytes that the two fragmented files get in turn
_LEDGER, _GONE = b"Documents/ledger.csv", b"Documents/ledger_old.csv"
_SPARSE = b"Documents/disk.bin"
_HOLE = 300_000


def items():
    """Return what is in the volume, in the order in which it is written."""
    lists = content.transfers(150, 11)
    picture = pictures.jpeg(640, 480, 2, "training picture 2")
    form = pictures.pdf(["LOAN FORM - TRAINING", "Fee: 1500. Nothing here is real."])
    folder = {"kind": "folder", "when": "2025-03-01T09:00:00"}
    gone = {"deleted": True, "when": "2025-03-08T18:40:00"}
    return [
        *(Item(path=path, **folder) for path in (b"Documents", b"Pictures", "خطوط".encode())),
        Item(path=b"Temp", deleted=True, kind="folder"),
        Item(path=_LEDGER, data=content.transfers(400, 21), remark="fragmented"),
        Item(
            path=_GONE,
            data=content.transfers(400, 22),
            remark="deleted and fragmented: NTFS keeps the runs, so it can be recovered",
            **gone,
        ),
        Item(
            path=b"Documents/transfers.csv",
            data=lists,
            remark="same content as two files of usb-fat16.raw",
        ),
        Item(
            path=b"Documents/transfers.csv",
            stream="notes",
            data=content.HIDDEN_STREAM,
            remark="alternate data stream",
        ),
        Item(path=b"Documents/form.pdf", data=form, when="2025-03-02T07:12:00"),
        Item(
            path=b"Documents/form.pdf",
            stream="Zone.Identifier",
            data=content.ZONE,
            remark="alternate data stream: where the file came from",
        ),
        Item(
            path=b"Documents",
            stream="hidden.png",
            data=pictures.png(90, 64, 5),
            remark="alternate data stream of a folder",
        ),
        Item(
            path=b"Documents/backup.dat",
            data=content.archive([("list.csv", lists), ("note.txt", content.URDU_NOTE)]),
            remark="a zip archive with the wrong extension",
        ),
        Item(
            path=_SPARSE,
            data=b"start".ljust(1024, b"\0") + bytes(_HOLE) + b"end of the sparse file\n",
            remark="sparse",
        ),
        Item(path=b"Pictures/IMG_0002.jpg", data=picture, when="2025-02-20T11:46:40"),
        Item(
            path=b"Pictures/readme.txt",
            data=picture,
            remark="a JPEG with the wrong extension; same content as Pictures/IMG_0002.jpg",
        ),
        Item(
            path=b"Pictures/again.jpg",
            hard_link=True,
            target=b"Pictures/IMG_0002.jpg",
            remark="hard link to Pictures/IMG_0002.jpg",
        ),
        Item(path="خطوط/نوٹ.txt".encode(), data=content.URDU_NOTE, when="2025-03-07T15:05:44"),
        Item(path="خطوط/فہرست ۱.csv".encode(), data=content.URDU_LIST),
        Item(path=b"small.txt", data=b"resident: lies inside its MFT record\n"),
        Item(path=b"empty.txt"),
        *(
            Item(
                path=name, shown=shown, data=b"content of a file with a hostile name %d\n" % number
            )
            for number, (name, shown) in enumerate(_hostile())
        ),
        Item(path=b"Temp/call_list.csv", data=content.calls(20, 3), remark="deleted", **gone),
        Item(
            path=b"Documents/chat.txt",
            data=content.chat(70, 700),
            remark="deleted, with a stream that is deleted with it",
            **gone,
        ),
        Item(
            path=b"Documents/chat.txt",
            stream="notes",
            data=b"stream of a deleted file\n" * 60,
            remark="alternate data stream of a deleted file",
            **gone,
        ),
        Item(path=b"password hint.txt", data=b"the usual one, then 47\n", **gone),
    ]


def _hostile():
    return [
        (b"--help", b""),
        (b"line\nbreak.txt", b""),
        (b"esc\x1b[31mred.txt", b""),
        ("photo_\u202egpj.exe".encode(), b""),
        (b"half\xed\xb0\x80pair.txt", b"half^pair.txt"),
        (b"=cmd.csv", b""),
        (b"<b>bold<b>.txt", b""),
    ]


def _interleave(volume, wanted):
    """Write two files in turn, so that both are fragmented."""
    pair = [item for item in wanted if item.path in (_LEDGER, _GONE)]
    for item in pair:
        volume.create(item.path)
    for at in range(0, max(len(item.data) for item in pair), _PIECE):
        for item in pair:
            if at < len(item.data):
                volume.write(item.path, item.data[at : at + _PIECE], at=at)


def fill(path):
    """Write all items into the volume at `path`."""
    volume = Volume(path)
    wanted = items()
    for item in wanted:
        if item.path in (_LEDGER, _GONE):
            if item.path == _LEDGER:
                _interleave(volume, wanted)
            continue
        if item.hard_link:
            volume.link(item.target, item.path)
        elif not item.stream:
            volume.create(item.path, folder=item.kind == "folder")
        if item.path == _SPARSE:
            volume.write(item.path, item.data[:1024])
            volume.write(item.path, item.data[1024 + _HOLE :], at=1024 + _HOLE)
        elif item.data:
            volume.write(item.path, item.data, stream=item.stream)
    for item in wanted:
        if not item.stream and not item.hard_link:
            volume.times(item.path, item.seconds)
    for item in reversed(wanted):
        if item.deleted and not item.stream:
            volume.delete(item.path)
    volume.close()


def build(path):
    """Write the image."""
    path.write_bytes(b"")
    with path.open("r+b") as handle:
        handle.truncate(SIZE)
    shape = ["-s", "512", "-c", "1024", "-p", "0", "-H", "16", "-S", "63"]
    run("faketime", "-f", CLOCK, "mkntfs", "-F", "-q", *shape, "-L", "LAPTOP", str(path))
    run("faketime", "-f", CLOCK, sys.executable, "-B", __file__, str(path))


if __name__ == "__main__":
    fill(sys.argv[1])
