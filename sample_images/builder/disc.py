"""`disc.iso`: a data disc, ISO 9660 with Rock Ridge and Joliet names, made by xorriso."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from builder import content, pictures
from builder.item import Item
from builder.tools import EPOCH, run

NAME = "disc.iso"
TITLE = "data disc: ISO 9660 with Rock Ridge and Joliet names"


def items():
    """Return what is on the disc."""
    folder = {"kind": "folder", "when": "2025-03-01T09:00:00"}
    return [
        Item(path=b"clips", **folder),
        Item(path="دستاویزات".encode(), **folder),
        Item(path=b"clips/gate_1.mp4", data=pictures.clip(1), when="2025-03-06T20:00:00"),
        Item(path=b"clips/gate_2.mp4", data=pictures.clip(2), when="2025-03-06T20:30:00"),
        Item(
            path=b"clips/gate_2_copy.mp4",
            data=pictures.clip(2),
            remark="same content as clips/gate_2.mp4",
        ),
        Item(path=b"clips/index.csv", data=b"file,from,to\r\ngate_1.mp4,20:00,20:30\r\n"),
        Item(
            path=b"picture.txt",
            data=pictures.jpeg(320, 240, 1, "training picture 1"),
            remark="a JPEG with the wrong extension; also on the stick and on the phone",
        ),
        Item(path="دستاویزات/نوٹ.txt".encode(), data=content.URDU_NOTE),
        Item(path=b"offer.html", data=content.LOAN_PAGE),
        Item(
            path=b"empty.bin",
            remark="The Sleuth Kit lists it twice: in the Joliet tree and as an orphan",
        ),
        Item(path=b"-o", data=b"a name that looks like an option\n"),
        Item(path=b"line\nbreak.txt", shown=b"line_break.txt", data=b"a name with a line feed\n"),
        Item(
            path=b"esc\x1b[31mred.txt",
            shown=b"esc_[31mred.txt",
            data=b"a name with a terminal sequence\n",
        ),
        Item(path="scan_\u202efdp.exe".encode(), data=b"a name that is shown turned round\n"),
        Item(
            path=b"latin1 caf\xe9.txt", shown=b"latin1 caf_.txt", data=b"a name that is not UTF-8\n"
        ),
        Item(
            path=b"links.txt",
            shown=b"$OrphanFiles/OrphanFile-17",
            kind="symlink",
            target=b"../../etc/hostname",
            remark="symbolic link: only in the Rock Ridge tree, hence listed as an orphan",
        ),
    ]


def _stage(folder):
    for item in items():
        path = os.path.join(os.fsencode(folder), item.path)
        if item.kind == "folder":
            os.mkdir(path)
            os.chmod(path, 0o755)
        elif item.kind == "symlink":
            os.symlink(item.target, path)
        else:
            Path(os.fsdecode(path)).write_bytes(item.data)
            os.chmod(path, 0o644)
    for item in reversed(items()):
        path = os.path.join(os.fsencode(folder), item.path)
        os.utime(path, (item.seconds, item.seconds), follow_symlinks=False)
    os.utime(folder, (EPOCH, EPOCH))


def build(path):
    """Write the image."""
    path.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as name:
        stage = Path(name) / "stage"
        stage.mkdir()
        stage.chmod(0o755)
        _stage(stage)
        run(
            "xorriso", "-as", "mkisofs", "-quiet", "-o", str(path), "-V", "TRAINING_DISC",
            "-sysid", "", "-p", "evkit", "-publisher", "evkit", "-r", "-J", "-joliet-long",
            "-no-pad", "-iso-level", "3", "--modification-date=2025030910300000",
            "--set_all_file_dates", "2025030910300000", str(stage),
            SOURCE_DATE_EPOCH=str(EPOCH),
        )  # fmt: skip
