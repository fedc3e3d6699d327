"""At least one test for each finding about file-system libraries that changed the design.

The numbers are those of its section 0; finding 6 is about a library that evkit does not use, 11 and
12 are met by what evkit exports and by the child process (`tests/faults/test_inventory.py`).
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import inventorykit as kit
import pytest

from evkit.core.errors import InputError
from evkit.images.opening import find_files
from evkit.inventory.parts import part_row
from evkit.inventory.scan import Options
from evkit.inventory.search.find import entries
from evkit.inventory.volumes import detect


@pytest.fixture(scope="module")
def images(vectors):
    return vectors / "images"


@pytest.fixture(scope="module")
def inventory_of(images, tmp_path_factory):
    """Inventory an image of the outside vectors, once a module."""
    made = {}

    def get(name):
        if name not in made:
            folder = tmp_path_factory.mktemp("findings")
            options = Options(orphans=100)
            made[name] = kit.scan(kit.unpack(images, name, folder), folder / "i.db", options)
        return made[name]

    yield get
    for inventory in made.values():
        inventory.close()


# finding 1: containers open silently as raw


@pytest.mark.parametrize("name", ["ext2.qcow2", "ext2.vmdk", "ext2.vhd"])
def test_finding_1_a_container_is_decoded_and_never_read_as_raw(images, inventory_of, name):
    tree = kit.expected(images)["common_tree"]
    found = kit.by_path(inventory_of(name))
    assert {path: row["digests"]["sha256"] for path, row in found.items()} == {
        path: facts["sha256"] for path, facts in tree.items()
    }


def test_finding_1_a_container_is_refused_with_a_hint(tmp_path):
    path = tmp_path / "disk.raw"
    path.write_bytes(bytes(64) + b"\x7f\x10\xda\xbe" + bytes(960))
    with pytest.raises(InputError) as caught:
        find_files(os.fsencode(path))
    assert caught.value.exit_code == 14
    assert "does not decode" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("name", ["ext2.E01", "ext2.qcow2", "ext2.vmdk", "ext2.vhd"])
def test_finding_1_a_container_renamed_as_raw_is_decoded_all_the_same(images, tmp_path, name):
    renamed = tmp_path / "disk.dd"
    renamed.write_bytes((images / name).read_bytes())
    with kit.scan(renamed, tmp_path / "i.db", Options(types=False)) as inventory:
        assert kit.of_kind(inventory, "source")[0]["size"] >= 4194304
        found = kit.by_path(inventory)
        for path, facts in kit.expected(images)["common_tree"].items():
            assert found[path]["digests"]["sha256"] == facts["sha256"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (b"AFF10\r\n\0", b""),
        (b"AFF\0", b""),
        (b"PK\x03\x04" + bytes(22) + b"\x15\0\0\0container.description", b""),
        (b"ADSEGMENTEDFILE\0", b""),
        (b"LVF\x09\x0d\x0a\xff\0", b""),
        (b"LEF2\x0d\x0a\x81\0", b""),
        (b"encrcdsa", b""),
        (b"", b"koly"),
        (b"\x1f\x8b\x08", b""),
        (b"7z\xbc\xaf\x27\x1c", b""),
    ],
)
def test_finding_1_what_cannot_be_decoded_is_refused_and_never_read_as_raw(tmp_path, start, end):
    path = tmp_path / "disk.dd"
    path.write_bytes(start + bytes(4096 - len(start)) + end + bytes(512 - len(end)))
    with pytest.raises(InputError) as caught:
        find_files(os.fsencode(path))
    assert caught.value.hint


@pytest.mark.parametrize("name", ["ext2.E01", "ext2.split.E01"])
def test_finding_1_an_e01_is_decoded_and_never_read_as_raw(images, inventory_of, name):
    source = kit.of_kind(inventory_of(name), "source")[0]
    assert source["size"] == 4194304 != (images / name).stat().st_size
    tree = kit.expected(images)["common_tree"]
    found = kit.by_path(inventory_of(name))
    assert {path: row["digests"]["sha256"] for path, row in found.items()} == {
        path: facts["sha256"] for path, facts in tree.items()
    }


# finding 2: deleted NTFS entries have no metadata when a directory is read


def test_finding_2_deleted_ntfs_files_have_the_published_digests(images, inventory_of):
    published = kit.fact(kit.expected(images)["7-undel-ntfs.zip"], "deleted files and streams")
    found = kit.by_path(inventory_of("7"))
    assert len(published) == 9
    for facts in published:
        path = facts["path"].replace("\\", "/")
        # the record of dir3 is used again, so sing2.dat is an orphan
        row = found["/$OrphanFiles/sing2.dat" if path == "/dir3/sing2.dat" else path]
        assert row["digests"]["md5"] == facts["md5"]
        assert row["size"] == facts["size"]
        assert row["basis"] == "deleted-runs-recorded"
    names = {row["path"]: row for row in kit.of_kind(inventory_of("7"), "name")}
    assert names["/frag1.dat"]["reallocated"] == "no"
    assert names["/frag1.dat"]["seq"] == names["/frag1.dat"]["name_seq"] + 1


@pytest.mark.parametrize(
    ("name_seq", "seq", "in_use", "belongs", "word"),
    [
        (1, 2, False, True, "no"),
        (1, 1, False, True, "no"),
        (65535, 1, False, True, "no"),
        (1, 3, False, False, "yes"),
        (1, 2, True, False, "yes"),
        (1, 1, True, False, "unknown"),
    ],
)
def test_finding_2_a_record_that_moved_on_is_another_file(name_seq, seq, in_use, belongs, word):
    volume = _volume("ntfs")
    entry = SimpleNamespace(flags=2, meta_seq=name_seq)
    meta = SimpleNamespace(flags=1 if in_use else 2, seq=seq)
    assert volume.tie(entry, meta) == (belongs, word)


# finding 3: digests of deleted FAT files can be plausible and wrong


def test_finding_3_a_guessed_digest_says_that_it_is_a_guess(images, inventory_of):
    published = kit.fact(kit.expected(images)["6-undel-fat.zip"], "deleted files")
    found = {row["size"]: row for row in kit.by_path(inventory_of("6")).values() if row["size"]}
    wrong = 0
    for facts in published:
        row = found[facts["size"]]
        assert row["basis"] == "deleted-contiguous-guess"
        assert row["digests"]["md5"] == facts.get("incorrect_md5", facts["md5"])
        wrong += "incorrect_md5" in facts
    assert wrong == 3


# finding 4: short reads are silent


def test_finding_4_a_truncated_image_has_no_digest_for_what_is_missing(images, tmp_path):
    whole = kit.unpack(images, "ext2.raw", tmp_path)
    cut = tmp_path / "cut.raw"
    cut.write_bytes(whole.read_bytes()[: 514 * 1024 + 50])  # /passwords.txt begins at block 514
    with kit.scan(cut, tmp_path / "i.db") as inventory:
        found = kit.by_path(inventory)
        assert found["/a_directory/a_file"]["state"] == "ok"
        row = found["/passwords.txt"]
        assert "digests" not in row
        assert row["state"] in {"damaged", "unreadable"}
        assert row["bytes_digested"] < row["size"]
        volume = kit.of_kind(inventory, "filesystem")[0]
        assert (volume["state"], volume["reason"]) == ("damaged", "beyond-end-of-image")
        assert inventory.coverage()["result"] == "with-gaps"


# finding 5: FAT times depend on the time zone of the process


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_finding_5_fat_times_are_those_on_disk_in_every_zone(images, tmp_path, monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        with kit.scan(kit.unpack(images, "5", tmp_path), tmp_path / "i.db") as inventory:
            names = {row["name"]: row for row in kit.of_kind(inventory, "name")}
    finally:
        monkeypatch.undo()
        time.tzset()
    for name, born, modified in (
        ("winter.txt", 1072965601, 1072965602),  # 2004-01-01 14:00:01 and :02, local
        ("summer.txt", 1086102001, 1086102004),  # 2004-06-01 15:00:01 and :04, local
    ):
        row = names[name]
        assert row["times"]["b"].startswith(str(born))  # and hundredths of a second
        assert row["times"]["b"].endswith("0000000")
        assert row["times"]["m"] == f"{modified}000000000"
        assert row["zone"] == "local-unknown"
        assert row["resolution"] == {"a": 86400 * 10**9, "b": 10**7, "m": 2 * 10**9}


def test_finding_5_a_local_time_is_never_shown_with_a_z(inventory_of):
    from evkit.inventory.exports.formats import parts_of
    from evkit.inventory.exports.job import Job

    text = b"".join(parts_of("csv")(Job(inventory_of("5")))).decode()
    assert "2004-01-01T14:00:02.000000000," in text
    assert "000Z" not in text
    text = b"".join(parts_of("dfxml")(Job(inventory_of("5")))).decode()
    assert ">2004-01-01T14:00:02.000000000<" in text
    assert "000Z" not in text


def test_finding_5_the_engine_refuses_another_zone():
    code = "import evkit.inventory.tsk"
    import sys

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TZ": "Asia/Kolkata"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"TZ=UTC" in done.stderr


# finding 7: large directories are slow, and over a million names refused


def test_finding_7_a_large_directory_is_listed_in_time(tmp_path, program):
    count = 12000
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(count):
        (tree / f"f{number:05}").touch()
    image = _ext4(program, tmp_path, tree, "32M", inodes=count + 100)
    begun = time.monotonic()
    with kit.scan(image, tmp_path / "i.db", Options(types=False)) as inventory:
        assert time.monotonic() - begun < 300  # opened by path it would take an hour
        assert inventory.coverage()["names"]["listed"] == count + 2  # and the root, lost+found
        assert inventory.coverage()["streams"]["digested"] == count


def test_finding_7_a_directory_that_cannot_be_listed_is_a_row(images, tmp_path):
    whole = kit.unpack(images, "ext2.raw", tmp_path)
    data = bytearray(whole.read_bytes())
    table = int.from_bytes(data[2048 + 8 : 2048 + 12], "little") * 1024
    size = int.from_bytes(data[1024 + 88 : 1024 + 90], "little")
    inode = table + 11 * size  # /a_directory is inode 12
    data[inode + 40 : inode + 44] = (0x7FFFFFFF).to_bytes(4, "little")
    path = tmp_path / "damaged.raw"
    path.write_bytes(data)
    with kit.scan(path, tmp_path / "i.db") as inventory:
        rows = {row["path"]: row for row in kit.of_kind(inventory, "directory")}
        row = rows["/a_directory"]
        assert (row["state"], row["reason"]) == ("unreadable", "directory-not-listed")
        assert row["entries"] == 0
        assert inventory.coverage()["directories"]["failed"] == 1
        assert inventory.coverage()["result"] == "with-gaps"


# finding 8: never open by path


def test_finding_8_nothing_is_opened_by_path(repository):
    for module in (repository / "evkit" / "inventory").glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                assert not called.endswith("handle.open"), f"{module.name}: {called}"
                if node.func.attr == "open_dir":
                    assert [word.arg for word in node.keywords] == ["inode"]
                    assert not node.args


def test_finding_8_names_that_cannot_be_paths_are_reached(tmp_path, program):
    tree = tmp_path / "tree"
    tree.mkdir()
    name = b"bad\xff\xfeutf8"
    Path(os.fsdecode(os.path.join(os.fsencode(tree), name))).write_bytes(b"reached")
    image = _ext4(program, tmp_path, tree, "4M")
    with kit.scan(image, tmp_path / "i.db") as inventory:
        row = next(row for row in kit.of_kind(inventory, "name") if "name_b64" in row)
        assert row["name"] == "bad\\xff\\xfeutf8"
        stream = next(e.stream for e in entries(inventory) if e.name == row)
        assert stream["size"] == 7
        assert stream["digests"]["md5"] == hashlib.md5(b"reached").hexdigest()


# finding 9: what libtsk cannot see is named for what it is


def test_finding_9_apfs_is_listed_through_another_library(images, inventory_of):
    volume = kit.of_kind(inventory_of("apfs.raw"), "filesystem")[0]
    assert (volume["type"], volume["state"]) == ("apfs", "ok")
    found = kit.by_path(inventory_of("apfs.raw"))
    for path, facts in kit.expected(images)["common_tree"].items():
        assert found[path]["digests"]["sha256"] == facts["sha256"]


@pytest.mark.parametrize(
    ("offset", "mark", "kind", "state"),
    [
        (0, b"XFSB", "xfs", "unsupported"),
        (0x10040, b"_BHRfS_M", "btrfs", "unsupported"),
        (0, b"LUKS\xba\xbe", "luks", "encrypted"),
        (3, b"-FVE-FS-", "bitlocker", "encrypted"),
        (0x218, b"LVM2 001", "lvm", "unsupported"),
        (4086, b"SWAPSPACE2", "swap", "ok"),
        (1080, b"\x53\xef", "ext", "damaged"),
    ],
)
def test_finding_9_marks_of_other_volumes(offset, mark, kind, state):
    head = bytearray(b"x" * detect.PROBE)
    head[offset : offset + len(mark)] = mark
    guess = detect.guess(bytes(head))
    assert (guess.type, guess.state) == (kind, state)


def test_finding_9_compressed_hfs_content_is_not_the_digest_of_nothing():
    from evkit.inventory import streams
    from evkit.inventory.driver import Answer
    from evkit.inventory.volume import Job

    data = SimpleNamespace(type=4352, id=0, name=None, size=0, flags=2 | 0)
    extra = SimpleNamespace(type=4354, id=2, name=b"com.apple.decmpfs", size=16, flags=1 | 4)
    sent = []
    volume = _volume("hfs-plus", job=Job(fs=1, offset=0, size=1, hashes=("md5",)))
    file = _File([_Attribute(data), _Attribute(extra)], b"x" * 16)
    volume.handle = SimpleNamespace(open_meta=lambda inode: file)
    sender = SimpleNamespace(
        line=lambda line: sent.append(json.loads(line)), beat=lambda done: None
    )
    streams.Streams(volume, None).record(30, Answer(sender))
    compressed = next(row for row in sent if row["attr"] == 4352)
    assert (compressed["state"], compressed["reason"]) == ("unsupported", "hfs-compression")
    assert "digests" not in compressed
    assert next(row for row in sent if row["attr"] == 4354)["state"] == "ok"


# finding 10: file names are bytes, and hostile


def test_finding_10_hostile_names_are_kept_to_the_byte(tmp_path, program):
    names = [
        b"ctl\x01\x1b[31m|pipe\nnl",
        b"bad\xff\xfeutf8",
        "نام \u202egpj.exe".encode(),
        b"=1+1",
        b" ",
    ]
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in names:
        with open(os.path.join(os.fsencode(tree), name), "wb") as handle:
            handle.write(name)
    image = _ext4(program, tmp_path, tree, "4M")
    from evkit.core.paths import from_fields
    from evkit.core.text import is_clean

    with kit.scan(image, tmp_path / "i.db") as inventory:
        found = {from_fields(row, "name") for row in kit.of_kind(inventory, "name")}
        shown = [entry.shown for entry in entries(inventory)]
    assert set(names) <= found
    for text in shown:
        assert is_clean(text.replace("\\", ""))


def _ext4(program, folder: Path, tree: Path, size: str, inodes: int | None = None) -> Path:
    image = folder / "made.ext4"
    command = [program("mke2fs"), "-q", "-t", "ext4", "-d", str(tree), "-b", "1024"]
    command += ["-N", str(inodes)] if inodes else []
    subprocess.run([*command, str(image), size], check=True, capture_output=True)
    return image


def _volume(kind: str, job=None):
    """Make a Volume without pytsk3."""
    from evkit.inventory.volume import Volume

    volume = object.__new__(Volume)
    volume.kind = kind
    volume.job = job
    volume.block_size = 512
    volume.plain_blocks = True
    volume.has_sequence = kind == "ntfs"
    volume.image = SimpleNamespace(failures=0)
    return volume


class _Attribute:
    def __init__(self, info):
        self.info = info

    def __iter__(self):
        return iter(())


class _File:
    def __init__(self, attributes, content):
        self.info = SimpleNamespace(meta=SimpleNamespace(type=1, flags=1, seq=0))
        self._attributes = attributes
        self._content = content

    def __iter__(self):
        return iter(self._attributes)

    def read_random(self, offset, size, kind, number):
        return self._content[offset : offset + size]


def test_a_link_whose_target_lies_in_blocks_keeps_it(tmp_path):
    """ext4: targets over 59 bytes lie in extents, which libtsk does not follow for links."""
    with kit.scan(kit.SAMPLES / "phone-gpt-ext4.raw", tmp_path / "phone.db") as inventory:
        targets = {row["path"]: row.get("target") for row in kit.of_kind(inventory, "name")}
    assert targets["/links/soft"] == "../chat/export.txt"
    assert targets["/links/long"] == "deep/" * 20 + "nowhere"


def test_a_partition_behind_the_end_of_the_image_keeps_its_place_in_words():
    """The row is clipped to the image; where the table puts it must not be lost with that."""
    fields = {"kind": "partition", "table": "gpt", "size": 4096}
    behind = part_row({**fields, "offset": 9000}, 5000)
    assert (behind["offset"], behind["size"], behind["state"]) == (5000, 0, "damaged")
    assert "begins at byte 9000" in behind["detail"]
    across = part_row({**fields, "offset": 4000}, 5000)
    assert across["detail"] == "3096 of 4096 bytes are missing"
