"""xmllint, mactime, fls, fiwalk and pyarrow read the exports of every image that we have."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
from datetime import UTC, datetime

import exportkit
import inventorykit as kit
import pytest
from lxml import etree

from evkit.core.paths import from_fields
from evkit.inventory.exports.formats import FORMATS, export
from evkit.inventory.scan import Options
from evkit.inventory.search.find import entries

VECTORS = ("ext2.raw", "mbr.raw", "hfsplus.raw", "iso9660.raw", "imynd.dd", "image.raw",
           "tsk_volume_system.raw", "ext2.qcow2", "windows_volume.qcow2", "apfs.raw",
           "1", "5", "6", "7", "9")  # fmt: skip
SAMPLES = ("usb-fat16.raw", "phone-gpt-ext4.raw", "laptop-ntfs.raw", "disc.iso", "exported")
NOT_TSK = {"ext2.qcow2", "windows_volume.qcow2", "apfs.raw", "exported"}  # of Debian's, that is
NO_TIME = "3373865674"  # what fls writes for an NTFS time of zero
MARKS = re.compile(r"((?: \(\$FILE_NAME\))?(?: \(deleted(?:-realloc)?\))?)$")
LABEL = re.compile(r" *\(Volume Label Entry\)")
CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


@pytest.fixture(scope="module", params=[*VECTORS, *SAMPLES])
def case(request, vectors, tmp_path_factory):
    """(name, path of the image, its inventory, folder with an export in each format)."""
    folder = tmp_path_factory.mktemp("exports")
    if request.param in VECTORS:
        path = kit.unpack(vectors / "images", request.param, folder)
    else:
        path = kit.SAMPLES / request.param
        if not path.exists():
            pytest.skip("the sample images are not here")
    options = Options(types=False, hashes=("md5", "sha1"), slack=True, unallocated=True)
    inventory = kit.scan(path, folder / "i.db", options)
    for kind in FORMATS:
        export(inventory, kind, os.fsencode(folder / f"x.{kind}"))
    yield request.param, path, inventory, folder
    inventory.close()


def _run(command, **more) -> subprocess.CompletedProcess:
    environment = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
    return subprocess.run(command, capture_output=True, check=True, env=environment, **more)


def test_dfxml_is_valid_for_two_validators(case, program, vectors):
    _, _, inventory, folder = case
    document = folder / "x.dfxml"
    exportkit.schema(vectors).assertValid(etree.parse(str(document)))
    schema = vectors / "dfxml" / "dfxml.xsd"
    done = _run([program("xmllint"), "--noout", "--nonet", "--schema", str(schema), str(document)])
    assert done.stderr.decode().endswith("x.dfxml validates\n")
    found = exportkit.files(document.read_bytes())
    digests = [item for item in found if item.find(f"{exportkit.DFXML}hashdigest") is not None]
    streams = {entry.stream_row for entry in entries(inventory) if entry.stream}
    assert len({item.find(f"{exportkit.OWN}row").get("stream") for item in found} - {None}) == len(
        streams
    )
    for item in digests:
        assert item.find(f"{exportkit.OWN}content").get("basis") in {
            "allocated", "deleted-runs-recorded", "deleted-contiguous-guess",
        }  # fmt: skip


def test_slack_and_free_space_are_in_all_that_can_hold_them(case):
    _, _, inventory, folder = case
    spaces = kit.of_kind(inventory, "space")
    tree = etree.parse(str(folder / "x.dfxml"))
    assert len(tree.findall(f".//{exportkit.OWN}space")) == len(spaces)
    table = exportkit.table((folder / "x.csv").read_bytes())
    lines = [line for line in table if line["row"] == "space"]
    assert [line["md5"] for line in lines] == [
        row.get("digests", {}).get("md5", "") for row in spaces
    ]
    assert all(line["basis"] for line in lines)


def test_fiwalk_digests_the_same_files(case, program):
    name, path, _, folder = case
    if name in NOT_TSK:
        pytest.skip("not an image that The Sleuth Kit reads")
    done = _run([program("fiwalk"), "-x", str(path)])

    def facts(raw: bytes) -> dict:
        found = {}
        for item in etree.fromstring(raw, etree.XMLParser(recover=True)).iter("{*}fileobject"):
            text = {child.tag.rpartition("}")[2]: child.text for child in item}
            hashes = {h.get("type"): h.text for h in item.findall("{*}hashdigest")}
            used = text.get("alloc_name") == text.get("alloc_inode") == "1"
            whole = text["name_type"] == "r" and text.get("filesize") not in {None, "0"}
            if whole and (used or text.get("alloc") == "1"):
                name = LABEL.sub("", text["filename"])
                key = (name, text["inode"], text["filesize"])
                found[key] = (hashes.get("md5"), hashes.get("sha1"))
        return found

    theirs, ours = facts(done.stdout), facts((folder / "x.dfxml").read_bytes())
    same = theirs.keys() & ours.keys()
    assert {key: theirs[key] for key in same} == {key: ours[key] for key in same}
    clean = {key for key in ours if key[0].isascii() and "^" not in key[0] and ":" not in key[0]}
    missing = {key for key in clean - theirs.keys() if "\\" not in key[0]}
    assert {key for key in missing if not key[0].startswith("$")} == set()


def _lines(raw: bytes, *, ours: bool) -> dict:
    """(name, mark, address) -> (mode, uid, gid, size, times) of a bodyfile."""
    found = {}
    for line in raw.split(b"\n"):
        if not line or line.startswith(b"#"):
            continue
        first, _, rest = line.decode("utf-8", "surrogateescape").partition("|")
        cells = [first, *rest.rsplit("|", 9)]  # fls does not escape the bar in a name
        name, address, mode = cells[1:4]
        mark = MARKS.search(name)[1]
        name = name[: len(name) - len(mark)].partition(" -> ")[0]
        name = LABEL.sub("", name)
        plain = exportkit.unescape(name) if ours else name.encode("utf-8", "surrogateescape")
        plain = CONTROL.sub(b"^", plain).rstrip(b" ")
        if plain.endswith(b"/") or b"/$OrphanFiles/" in plain or b"/.:" in plain:
            continue
        inode, _, attribute = address.partition("-")
        kind = attribute.partition("-")[0]
        if kind == "144":
            if "d" not in mode[2:3]:
                continue  # an index of a system file, no stream of its own
            attribute = ""
        if kind == "48":
            attribute = "48"
        sized = kind not in {"48", "144"} and mode[0] not in "vVl" and (mode[2] != "d" or attribute)
        size = cells[6] if sized else None
        times = tuple(0 if value == NO_TIME else int(value) for value in cells[7:])
        if kind == "48" and not any(times):
            continue
        found[plain, mark, inode, attribute] = (mode[2:], cells[4], cells[5], size, times)
    return found


def _same(ours, theirs, *, fat: bool) -> bool:
    """Compare two lines; this fls drops the second that a FAT birth time has in its hundredths."""
    if ours is None or ours[:4] != theirs[:4] or ours[4][:3] != theirs[4][:3]:
        return False
    return ours[4][3] - theirs[4][3] in ({0, 1} if fat else {0})


def test_fls_writes_the_same_bodyfile(case, program):
    name, path, inventory, folder = case
    if name in NOT_TSK:
        pytest.skip("not an image that The Sleuth Kit reads")
    ours = _lines((folder / "x.bodyfile").read_bytes(), ours=True)
    volumes = kit.of_kind(inventory, "filesystem")
    theirs: dict = {}
    for volume in (row for row in volumes if "root" in row):
        mount = f"fs{volume['fs']}:/" if len(volumes) > 1 else "/"
        offset = ["-o", str(volume["offset"] // 512)] if volume["offset"] else []
        done = _run([program("fls"), "-r", "-p", "-m", mount, *offset, str(path)])
        theirs |= _lines(done.stdout, ours=False)
    theirs = {key: value for key, value in theirs.items() if key[1] != " (deleted-realloc)"}
    fat = any(row["type"].startswith(("fat", "exfat")) for row in volumes)
    differ = {
        key: (ours.get(key), value)
        for key, value in theirs.items()
        if not _same(ours.get(key), value, fat=fat)
    }
    assert differ == {}
    assert theirs or name == "tsk_volume_system.raw"


def test_mactime_reads_every_line(case, program):
    _, _, _, folder = case
    body = folder / "x.bodyfile"
    done = _run([program("mactime"), "-b", str(body), "-d", "-y"])
    assert done.stderr == b""
    expected = set()
    for cells in exportkit.body(body.read_bytes()):
        times = dict(zip("amcb", map(int, cells[7:]), strict=True))
        if any(times.values()):
            for moment in set(times.values()):
                shown = "".join(letter if times[letter] == moment else "." for letter in "macb")
                stamp = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                stamp = stamp if moment else "0000-00-00T00:00:00Z"
                if moment >= 0:
                    expected.add((stamp, shown, cells[2], cells[1]))
    text = done.stdout.decode("utf-8")
    table = list(csv.DictReader(io.StringIO(text, newline="")))
    found = {(line["Date"], line["Type"], line["Meta"], line["File Name"]) for line in table}
    assert found == expected


def test_pyarrow_reads_the_values_of_the_rows(case):
    _, _, inventory, folder = case
    table, metadata = exportkit.frame((folder / "x.parquet").read_bytes())
    assert metadata[b"evkit.row_root"].decode() == inventory.meta["row_root"]
    rows = [row for row in table.drop_columns(_stamps(table)).to_pylist() if row["row"] == "entry"]
    every = list(entries(inventory))
    assert len(rows) == len(every)
    for row, entry in zip(rows, every, strict=True):
        name, stream = entry.name or {}, entry.stream or {}
        assert (row["n"], row["stream_row"]) == (entry.name_row, entry.stream_row)
        assert row["path_raw"] == from_fields(name)
        assert row["stream_raw"] == (from_fields(stream, "name") if "name" in stream else None)
        for field in ("size", "basis", "bytes_digested", "attr", "attr_id", "extents_left_out"):
            assert row[field] == stream.get(field)
        for field in ("allocated", "reallocated", "mode", "uid", "gid", "links", "zone", "parent"):
            assert row[field] == name.get(field)
        assert {kind: row[kind] for kind in ("md5", "sha1") if row[kind]} == stream.get(
            "digests", {}
        )
        extents = row["extents"] and [[item["offset"], item["length"]] for item in row["extents"]]
        assert extents == stream.get("extents")
    stamps = {column: table[column].cast("int64").to_pylist() for column in _stamps(table)}
    first = table.num_rows - len(every)
    for number, entry in enumerate(every, first):
        suffix = "" if (entry.name or {}).get("zone") == "utc" else "_local"
        for letter, text in (entry.name or {}).get("times", {}).items():
            assert stamps[f"{letter}time{suffix}"][number] == int(text)


def _stamps(table) -> list[str]:
    return [name for name in table.column_names if "time" in name and name != "times_beyond"]
