"""`phone-gpt-ext4.raw`: the memory of a small phone, GPT with one ext4 volume.

mke2fs fills the volume from a folder; debugfs then fixes owners and times of all inodes, makes the
fragmented file and deletes. Both get a fixed time, so that the same versions give the same bytes.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from builder import content, gpt, pictures
from builder.item import Item
from builder.tools import EPOCH, run

NAME = "phone-gpt-ext4.raw"
TITLE = "memory of a phone, 1.1 MiB: GPT, one ext4 volume"
BLOCKS = 1024
BLOCK = 1024
OWNER = 10123  # as Android numbers the users of apps
_FEATURES = "none,ext_attr,filetype,extent,dir_index,sparse_super,large_file,extra_isize"
_FEATURES += ",metadata_csum"
_FIRST_INODE = 12  # 11 is lost+found
_PADDING = 24  # small files whose every second one is deleted, to break the free space up
_FRAGMENTED = b"media/transfers_all.csv"


def _padding():
    return [
        Item(
            path=b"cache/thumb_%02d.png" % number,
            data=pictures.png(36, 16 + number % 4 * 8, number),
            deleted=number % 2 == 1,
            when="2025-03-08T11:00:00",
            remark="deleted; its blocks were used again" if number % 2 else "",
        )
        for number in range(_PADDING)
    ]


def items():
    """Return what is in the volume."""
    picture = pictures.jpeg(320, 240, 1, "training picture 1")
    sparse = b"head of a sparse file\n".ljust(4096, b"\0") + bytes(200_000 - 8192)
    folders = [b"cache", b"chat", b"media", "پیغامات".encode(), b"names", b"links"]
    made = [Item(path=path, kind="folder", when="2025-03-01T08:00:00") for path in folders]
    made += _padding()
    made += [
        Item(path=b"chat/export.txt", data=content.chat(80, 600), when="2025-03-09T09:58:00"),
        Item(path=b"chat/contacts.vcf", data=content.contacts(30), when="2025-03-05T12:00:00"),
        Item(path="پیغامات/نوٹ.txt".encode(), data=content.URDU_NOTE, when="2025-03-07T15:05:44"),
        Item(path=b"media/IMG_0001.jpg", data=picture, when="2025-02-20T11:45:10"),
        Item(
            path=b"media/voice.txt",
            data=picture,
            remark="a JPEG with the wrong extension; same content as media/IMG_0001.jpg",
        ),
        Item(
            path=b"media/sparse.bin",
            data=sparse + b"tail of a sparse file\n".rjust(4096, b"\0"),
            remark="sparse: two of 200 blocks hold data",
        ),
        Item(path=b"media/empty"),
        Item(
            path=b"links/hard",
            hard_link=True,
            target=b"chat/export.txt",
            remark="hard link to chat/export.txt",
        ),
        Item(path=b"links/soft", kind="symlink", target=b"../chat/export.txt"),
        Item(path=b"links/out", kind="symlink", target=b"../../../../etc/hostname"),
        Item(path=b"links/long", kind="symlink", target=b"deep/" * 20 + b"nowhere"),
        Item(path=b"links/pipe", kind="fifo"),
    ]
    made += [
        Item(path=b"names/" + name, data=b"content of a file with a hostile name %d\n" % number)
        for number, name in enumerate(_hostile())
    ]
    made += [
        Item(
            path=b"media/deleted_picture.jpg",
            data=pictures.jpeg(480, 360, 6, "training picture 6"),
            deleted=True,
            remark="deleted last: nothing was written over it",
        ),
        Item(
            path=_FRAGMENTED,
            data=content.transfers(260, 99),
            remark="fragmented: written into the gaps of cache, with the inode of a deleted file",
        ),
    ]
    return made


def _hostile():
    """Return names that break careless programs; all are allowed on ext4."""
    return [
        b"-n",
        b" leading space",
        b"line\nbreak",
        b"esc\x1b]0;title\x07\x1b[2J",
        "bidi\u202egpj.exe".encode(),
        b"latin1 caf\xe9.txt",
        b"cut utf8 \xd9",
        b"back\\slash",
        b"=1+1.csv",
        b"<img src=x onerror=alert(1)>.txt",
        b"quote'\"$(id)`id`;&|*?",
        b"CON.txt",
        "ڈ".encode() * 120 + b".txt",
    ]


def _stage(folder, wanted):
    for item in wanted:
        path = os.path.join(os.fsencode(folder), item.path)
        if item.kind == "folder":
            os.mkdir(path)
            os.chmod(path, 0o755)
        elif item.kind == "symlink":
            os.symlink(item.target, path)
        elif item.kind == "fifo":
            os.mkfifo(path)
            os.chmod(path, 0o644)
        elif item.hard_link:
            os.link(os.path.join(os.fsencode(folder), item.target), path)
        else:
            Path(os.fsdecode(path)).write_bytes(item.data)
            os.chmod(path, 0o644)
    for item in reversed(wanted):
        path = os.path.join(os.fsencode(folder), item.path)
        os.utime(path, (item.seconds, item.seconds), follow_symlinks=False)


def _debugfs(image, lines):
    script = "".join(line + "\n" for line in lines).encode()
    run("debugfs", "-w", "-f", "-", str(image), give=script, E2FSPROGS_FAKE_TIME=str(EPOCH))


def _owners(inodes):
    """Give every inode of the staged files one owner and the same change and birth time."""
    lines = []
    for inode in range(_FIRST_INODE, _FIRST_INODE + inodes):
        lines += [f"sif <{inode}> {field} {OWNER}" for field in ("uid", "gid")]
        for field in ("atime", "ctime", "crtime"):
            lines += [f"sif <{inode}> {field} @{EPOCH}", f"sif <{inode}> {field}_extra 0"]
    return lines


def volume(folder):
    """Return the bytes of the ext4 volume."""
    image, stage, extra = folder / "volume", folder / "stage", folder / "fragmented"
    stage.mkdir()
    stage.chmod(0o755)
    wanted = items()
    fragmented = next(item for item in wanted if item.path == _FRAGMENTED)
    _stage(stage, [item for item in wanted if item is not fragmented])
    os.utime(stage, (EPOCH, EPOCH))
    (folder / "none.conf").write_text("")
    run(
        "mke2fs", "-q", "-F", "-t", "ext4", "-O", _FEATURES, "-b", str(BLOCK), "-I", "256",
        "-N", "128", "-m", "0", "-L", "userdata", "-U", "e71d0000-0000-4000-8000-000000000003",
        "-E", "hash_seed=e71d0000-0000-4000-8000-000000000004,nodiscard,lazy_itable_init=0,"
        "root_owner=0:0", "-d", str(stage), str(image), str(BLOCKS),
        E2FSPROGS_FAKE_TIME=str(EPOCH), MKE2FS_CONFIG=str(folder / "none.conf"),
    )  # fmt: skip
    extra.write_bytes(fragmented.data)
    os.chmod(extra, 0o644)
    gone = [item.path.decode() for item in wanted if item.deleted]
    _debugfs(image, [f"rm /{path}" for path in gone if path.startswith("cache/")])
    _debugfs(image, [f'write "{extra}" {fragmented.path.decode()}'])
    staged = sum(not item.hard_link for item in wanted) - 1  # the fragmented file uses an old inode
    _debugfs(image, _owners(staged))
    _debugfs(image, [f"rm /{path}" for path in gone if not path.startswith("cache/")])
    return image.read_bytes()


def build(path):
    """Write the image."""
    with tempfile.TemporaryDirectory() as name:
        path.write_bytes(gpt.disk(volume(Path(name)), "userdata"))
