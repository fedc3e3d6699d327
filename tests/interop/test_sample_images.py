"""The sample images: rebuilt by their script, and read by The Sleuth Kit in two versions.

None of these tests uses evkit: they say that `expected.json` is right, so that others may rely on
it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from itertools import pairwise

import pytest

BUILDERS = ("faketime", "mkntfs", "mke2fs", "debugfs", "xorriso", "sha256sum")
READERS = ("fls", "icat", "mmls", "fsstat", "sha256sum", "md5sum")
NAMES = ("usb-fat16.raw", "phone-gpt-ext4.raw", "laptop-ntfs.raw", "disc.iso")
MAX_TOTAL = 8_000_000


def _run(*command):
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def folder(repository):
    return repository / "sample_images"


@pytest.fixture(scope="module")
def expected(folder):
    return json.loads((folder / "expected.json").read_text())


@pytest.fixture(scope="module")
def rebuilt(folder, program, tmp_path_factory):
    for name in BUILDERS:
        program(name)
    target = tmp_path_factory.mktemp("rebuilt")
    _run(sys.executable, str(folder / "build.py"), "--to", str(target))
    return target


def _make_expected(folder, program, source, target):
    for name in READERS:
        program(name)
    script = str(folder / "make_expected.py")
    _run(sys.executable, script, "--from", str(source), "--to", str(target))
    return json.loads(target.read_text())


@pytest.fixture(scope="module")
def made_again(folder, program, tmp_path_factory):
    """`expected.json` made anew from the images that are stored."""
    return _make_expected(folder, program, folder, tmp_path_factory.mktemp("x") / "expected.json")


def _contents(document):
    """Return what must not depend on versions: names, states and digests of the files put in."""
    found = set()
    for image in document["images"]:
        for volume in image["volumes"]:
            for row in volume["entries"]:
                if "system" not in row and "true_sha256" in row and row["same"]:
                    key = (row["listed"], row["allocated"], row["sha256"], row["md5"])
                    found.add((image["name"], volume["start"], volume["file_system"], *key))
    return found


def test_total_size(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MAX_TOTAL


def test_the_stick_and_the_exported_files_are_rebuilt_byte_for_byte(folder, rebuilt):
    stored = [folder / "usb-fat16.raw", folder / "exported.sha256"]
    stored += [path for path in (folder / "exported").rglob("*") if path.is_file()]
    assert len(stored) == 9
    for path in stored:
        assert (rebuilt / path.relative_to(folder)).read_bytes() == path.read_bytes(), path


def test_all_images_are_rebuilt(folder, rebuilt, program, expected, made_again, tmp_path):
    """Byte for byte with the same versions of the programs, else with the same contents."""
    if made_again["programs"] == expected["programs"]:
        for name in NAMES:
            assert (rebuilt / name).read_bytes() == (folder / name).read_bytes(), name
    again = _make_expected(folder, program, rebuilt, tmp_path / "expected.json")
    assert _contents(again) == _contents(expected)


def test_expected_is_what_the_programs_say(expected, made_again):
    assert len(_contents(expected)) > 80
    if made_again["programs"]["fls"] == expected["programs"]["fls"]:
        assert made_again["images"] == expected["images"]
    assert _contents(made_again) == _contents(expected)
    assert made_again["exported"] == expected["exported"]


def test_every_file_that_was_put_in_is_listed_and_readable(folder, expected):
    put_in = re.findall(r'"name": "([^"]+)"', (folder / "expected.json").read_text())
    assert tuple(put_in) == NAMES
    wrong = [
        row
        for image in expected["images"]
        for volume in image["volumes"]
        for row in volume["entries"]
        if row.get("same") is False
    ]
    assert wrong
    assert not [row for row in wrong if row["allocated"]]


def test_the_stick_holds_a_deleted_file_that_is_guessed_wrongly(expected):
    rows = {row["listed"]: row for row in expected["images"][0]["volumes"][0]["entries"]}
    assert rows["ACCOUNTS/ledger_draft.csv"]["same"] is False
    assert rows["ACCOUNTS/chat_backup.txt"]["same"] is True
    assert rows["ACCOUNTS/old_list.csv"]["same"] is True
    assert rows["DCIM/_MG_0003.JPG"]["same"] is False
    assert rows["holiday.txt"]["sha256"] == rows["DCIM/IMG_0001.JPG"]["sha256"]


def _runs(numbers):
    """Return the number of contiguous runs in a list of addresses."""
    return 1 + sum(after != before + 1 for before, after in pairwise(numbers))


@pytest.mark.parametrize(
    ("image", "listed", "heading", "at_least"),
    [
        ("usb-fat16.raw", "ACCOUNTS/transfers_2025.csv", "Sectors:", 3),
        ("phone-gpt-ext4.raw", "media/transfers_all.csv", "Direct Blocks:", 5),
        ("laptop-ntfs.raw", "Documents/ledger.csv", "Non-Resident", 3),
        ("laptop-ntfs.raw", "Documents/ledger_old.csv", "Non-Resident", 3),
    ],
)
def test_fragmented_files_are_fragmented(
    folder, expected, program, image, listed, heading, at_least
):
    volume = next(one for one in expected["images"] if one["name"] == image)["volumes"][0]
    row = next(one for one in volume["entries"] if one["listed"] == listed)
    inode = row["address"].split("-")[0]
    start = str(volume["start"] // 512)
    text = _run(program("istat"), "-o", start, str(folder / image), inode).decode()
    block = text[text.index(heading) :].split("\n", 1)[1].split("\n\n")[0]
    numbers = [int(number) for number in re.findall(r"\b[1-9][0-9]*\b", block)]
    assert _runs(numbers) >= at_least


def test_file_systems_pass_their_own_checks(folder, expected, program, tmp_path):
    """`fsck.fat`, `e2fsck` and `sgdisk` find nothing wrong."""
    for name, check in (
        ("usb-fat16.raw", ("fsck.fat", "-n")),
        ("phone-gpt-ext4.raw", ("e2fsck", "-fn")),
    ):
        volume = next(one for one in expected["images"] if one["name"] == name)["volumes"][0]
        data = (folder / name).read_bytes()[volume["start"] : volume["start"] + volume["size"]]
        copy = tmp_path / name
        copy.write_bytes(data)
        _run(program(check[0]), check[1], str(copy))
    said = _run(program("sgdisk"), "-v", str(folder / "phone-gpt-ext4.raw"))
    assert b"No problems found" in said


def _pytsk_rows(path, start):
    """Yield (name bytes, address, allocated, digest) of all names, read through pytsk3."""
    import pytsk3

    volume = pytsk3.FS_Info(pytsk3.Img_Info(str(path)), offset=start)
    waiting = [(b"", volume.info.root_inum)]
    seen = set()
    while waiting:
        above, inode = waiting.pop()
        if inode in seen:
            continue
        seen.add(inode)
        for entry in volume.open_dir(inode=inode):
            name, number = entry.info.name.name, entry.info.name.meta_addr
            if name in (b".", b".."):
                continue
            allocated = bool(int(entry.info.name.flags) & 1)
            is_folder = int(entry.info.name.type) == pytsk3.TSK_FS_NAME_TYPE_DIR
            try:
                file = volume.open_meta(number)
            except OSError:
                continue
            yield above + name, number, allocated, None if is_folder else _digest(file)
            if file.info.meta and int(file.info.meta.type) == pytsk3.TSK_FS_META_TYPE_DIR:
                waiting.append((above + name + b"/", number))


def _digest(file):
    try:
        size = file.info.meta.size
        data = file.read_random(0, size) if size else b""
    except OSError:
        return None
    return hashlib.sha256(data).hexdigest()


def _bytes(row, field):
    if f"{field}_b64" in row:
        return base64.b64decode(row[f"{field}_b64"])
    return row[field].encode()


@pytest.mark.parametrize("name", NAMES)
def test_pytsk3_reads_the_same(folder, expected, name):
    """Every name with its digest; the library is newer than the programs."""
    image = next(one for one in expected["images"] if one["name"] == name)
    for volume in image["volumes"]:
        found = {}
        for path, number, allocated, digest in _pytsk_rows(folder / name, volume["start"]):
            shown = bytes(0x5E if byte < 0x20 or byte == 0x7F else byte for byte in path)
            found[shown, str(number), allocated] = digest
        checked = 0
        for row in volume["entries"]:
            key = (_bytes(row, "listed"), row["address"].split("-")[0], row["allocated"])
            if "system" in row or row["type"] not in ("r/r", "-/r") or ":" in row["listed"]:
                continue
            if row["listed"].startswith("$OrphanFiles/"):
                continue
            assert key in found, row
            assert found[key] == row["sha256"], row
            checked += 1
        assert checked > 10


def test_the_providers_list_is_right(folder, expected, program):
    said = subprocess.run(
        [program("sha256sum"), "--check", "--strict", "../exported.sha256"],
        cwd=folder / "exported",
        capture_output=True,
        check=True,
    ).stdout
    assert said.count(b": OK\n") == len(expected["exported"]) == 7


def test_content_is_recognised_by_its_bytes(folder, expected, program):
    """`file` sees what the extensions hide."""
    kinds = {
        ("usb-fat16.raw", "holiday.txt"): "image/jpeg",
        ("usb-fat16.raw", "screen.png"): "image/png",
        ("laptop-ntfs.raw", "Documents/backup.dat"): "application/zip",
        ("laptop-ntfs.raw", "Documents/form.pdf"): "application/pdf",
        ("disc.iso", "clips/gate_1.mp4"): "video/mp4",
        ("disc.iso", "offer.html"): "text/html",
    }
    for (image, listed), kind in kinds.items():
        volume = next(one for one in expected["images"] if one["name"] == image)["volumes"][0]
        row = next(one for one in volume["entries"] if one["listed"] == listed)
        start = str(volume["start"] // 512)
        data = _run(program("icat"), "-o", start, str(folder / image), row["address"])
        said = subprocess.run(
            [program("file"), "--brief", "--mime-type", "-"],
            input=data,
            capture_output=True,
            check=True,
        ).stdout
        assert said.decode().strip() == kind, listed
