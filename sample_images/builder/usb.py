"""The content of `usb-fat16.raw`: a memory stick with lists, pictures and deleted files."""

from __future__ import annotations

from builder import content, fat16, pictures
from builder.item import Item

NAME = "usb-fat16.raw"
TITLE = "memory stick, 2.2 MiB: MBR, one FAT16 volume"


def items():
    """Return what is on the stick, in the order in which it is written."""
    lists = content.transfers(150, 11)
    picture = pictures.jpeg(320, 240, 1, "training picture 1")
    folder = {"kind": "folder", "when": "2025-03-01T09:00:00"}
    gone = {"deleted": True, "when": "2025-03-08T22:15:30"}
    return [
        Item(path=b"README.TXT", data=content.README_USB, when="2025-03-01T09:00:00"),
        Item(path=b"ACCOUNTS", **folder),
        Item(path=b"DCIM", **folder),
        Item(
            path=b"OLD",
            shown=b"_LD",
            deleted=True,
            kind="folder",
            when="2025-03-02T10:00:00",
            remark="deleted folder: FAT loses the first letter of a short name",
        ),
        Item(path="رپورٹ".encode(), **folder),
        Item(
            path=b"ACCOUNTS/transfers_2025.csv",
            data=lists,
            when="2025-03-09T14:30:21",
            remark="fragmented: three pieces",
        ),
        Item(path=b"ACCOUNTS/small.csv", data=content.transfers(6, 12), remark="lies in the gap"),
        Item(
            path=b"ACCOUNTS/transfers_2025 (copy).csv",
            data=lists,
            when="2025-03-09T14:31:03",
            remark="same content as ACCOUNTS/transfers_2025.csv",
        ),
        Item(
            path=b"ACCOUNTS/ledger_draft.csv",
            data=content.transfers(60, 77),
            remark="deleted and fragmented: a contiguous guess takes in chat_backup.txt",
            **gone,
        ),
        Item(
            path=b"ACCOUNTS/chat_backup.txt",
            data=content.chat(22, 840)[:1500],
            remark="deleted, contiguous, lies between the pieces of ledger_draft.csv",
            **gone,
        ),
        Item(
            path=b"ACCOUNTS/old_list.csv",
            data=content.transfers(25, 5),
            remark="deleted, contiguous: can be recovered",
            **gone,
        ),
        Item(
            path=b"OLD/numbers.vcf",
            shown=b"_LD/numbers.vcf",
            data=content.contacts(12),
            remark="deleted in a deleted folder",
            **gone,
        ),
        Item(
            path=b"DCIM/IMG_0003.JPG",
            shown=b"DCIM/_MG_0003.JPG",
            data=pictures.jpeg(480, 360, 9, "training picture 3"),
            remark="deleted; its clusters are now those of DCIM/IMG_0004.JPG",
            **gone,
        ),
        Item(path=b"DCIM/IMG_0001.JPG", data=picture, when="2025-02-20T16:45:10"),
        Item(
            path=b"DCIM/IMG_0002.JPG",
            data=pictures.jpeg(640, 480, 2, "training picture 2"),
            when="2025-02-20T16:46:40",
        ),
        Item(
            path=b"DCIM/IMG_0004.JPG",
            data=pictures.jpeg(320, 240, 4, "training picture 4"),
            when="2025-03-09T08:01:00",
        ),
        Item(
            path=b"holiday.txt",
            data=picture,
            remark="a JPEG with the wrong extension; same content as DCIM/IMG_0001.JPG",
        ),
        Item(path="رپورٹ/نوٹ.txt".encode(), data=content.URDU_NOTE, when="2025-03-07T20:05:44"),
        Item(path="رپورٹ/کھاتے ۲۰۲۵.csv".encode(), data=content.URDU_LIST),
        Item(path=b"-rf", data=b"a name that looks like an option\n"),
        Item(path=b"line\nbreak.txt", data=b"a name with a line feed\n"),
        Item(path=b"esc\x1b[31mred.txt", data=b"a name with a terminal sequence\n"),
        Item(
            path="invoice_\u202etxt.exe".encode(),
            data=b"a name that is shown from right to left; this is a text\n",
        ),
        Item(
            path=b"half\xed\xa0\xbdpair.txt",
            shown=b"half^air.txt",
            data=b"a name with one half of a UTF-16 pair\n",
            remark="the name holds the lone surrogate U+D83D; The Sleuth Kit eats the next letter",
        ),
        Item(path=b"empty.dat"),
        Item(path=b"screen.png", data=pictures.png(120, 96, 2), when="2025-03-09T19:12:02"),
    ]


PLACES = {
    b"ACCOUNTS/transfers_2025.csv": {"fragments": (6, 5), "gap": 2},
    b"ACCOUNTS/small.csv": {"into_hole": True},
    b"ACCOUNTS/ledger_draft.csv": {"fragments": (4,), "gap": 3},
    b"ACCOUNTS/chat_backup.txt": {"into_hole": True},
    b"DCIM/IMG_0004.JPG": {"over": b"DCIM/IMG_0003.JPG"},
}


def build(path):
    """Write the image."""
    path.write_bytes(fat16.disk(items(), PLACES))
