"""DFXML: valid, lossless where XML cannot hold a name, honest about what is deleted."""

from __future__ import annotations

import exportkit as kit
import pytest
from lxml import etree

from evkit.inventory.exports.unsaid import NOT_SAID


def _one(tmp_path, *rows, types=None):
    with kit.made(tmp_path / "i.db", list(rows), types) as inventory:
        return kit.data(inventory, "dfxml")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    with kit.hostile(tmp_path_factory.mktemp("dfxml") / "i.db") as inventory:
        return kit.data(inventory, "dfxml")


def test_hostile_names_are_valid_and_come_back(hostile, vectors):
    kit.schema(vectors).assertValid(etree.fromstring(hostile))
    found = kit.files(hostile)
    names = {kit.exact(item) for item in found}
    plain = set(kit.HOSTILE)
    assert plain | {b"d/" + name for name in kit.HOSTILE} <= names
    assert {one + b":" + two for one, two in zip(kit.HOSTILE, kit.HOSTILE, strict=True)} <= names
    targets = {kit.exact(item, "link_target") for item in found} - {None}
    assert targets == set(kit.HOSTILE)
    assert len(found) == 1 + 3 * len(kit.HOSTILE)


def test_nothing_in_it_moves_a_terminal_or_a_reader(hostile):
    text = hostile.decode("utf-8")
    assert not {char for char in text if ord(char) < 32} - {"\n"}
    assert not {"\u202e", "\u2028", "\x85", "\x7f", "\ufeff"} & set(text)


def test_a_name_that_xml_can_hold_stands_as_it_is(hostile):
    found = {kit.exact(item): item for item in kit.files(hostile)}
    for name in (b"back\\slash", b"\\x0a", b"<b>&amp;", b"]]><!--", "نوٹ.txt".encode()):
        assert found[name].find(f"{kit.OWN}filename_b64") is None
    for name in (b"esc\x1b[31m", b"bad\xff\xfe", "\ufffe\uffff".encode()):
        assert found[name].find(f"{kit.OWN}filename_b64") is not None


def test_a_digest_has_its_basis_on_it_and_beside_it(tmp_path, vectors):
    raw = _one(
        tmp_path,
        kit.source(digests={"md5": "0" * 32}),
        kit.filesystem(),
        kit.name(b"/gone", 5, allocated=False, reallocated="no"),
        kit.stream(5, basis="deleted-contiguous-guess"),
    )
    kit.schema(vectors).assertValid(etree.fromstring(raw))
    (item,) = kit.files(raw)
    digests = item.findall(f"{kit.DFXML}hashdigest")
    assert {digest.get("type") for digest in digests} == {"md5", "sha256"}
    assert {digest.get(f"{kit.OWN}basis") for digest in digests} == {"deleted-contiguous-guess"}
    assert item.find(f"{kit.OWN}content").get("basis") == "deleted-contiguous-guess"
    assert item.findtext(f"{kit.DFXML}alloc_inode") == "0"
    assert item.findtext(f"{kit.DFXML}alloc_name") == "0"
    assert item.findtext(f"{kit.OWN}reallocated") == "no"


def test_a_reused_record_is_neither_in_use_nor_free(tmp_path, vectors):
    reused = kit.name(b"/reused", 6, allocated=False, reallocated="yes", name_seq=3)
    del reused["seq"]
    raw = _one(tmp_path, kit.source(), kit.filesystem(), reused, kit.name(b"/new", 6, seq=4),
               kit.stream(6, seq=4))  # fmt: skip
    kit.schema(vectors).assertValid(etree.fromstring(raw))
    old, new = kit.files(raw)
    assert old.find(f"{kit.DFXML}alloc_inode") is None
    assert old.find(f"{kit.DFXML}hashdigest") is None
    assert old.findtext(f"{kit.OWN}reallocated") == "yes"
    assert new.findtext(f"{kit.DFXML}alloc_inode") == "1"


def test_times_zones_and_precisions(tmp_path, vectors):
    day, two = 86400 * 10**9, 2 * 10**9
    raw = _one(
        tmp_path,
        kit.source(),
        kit.filesystem(type="fat16"),
        kit.name(b"/a", 5, zone="local-unknown", resolution={"a": day, "m": two, "b": 10**7},
                 times={"a": str(day), "m": str(two), "b": "1078084677510000000"}),
        kit.name(b"/b", 6, zone="utc", resolution={"m": 100},
                 times={"m": "1078084677513052800", "c": "9" * 19, "a": "-" + "9" * 18},
                 name_times={"m": "5", "b": "-7"}),
    )  # fmt: skip
    kit.schema(vectors).assertValid(etree.fromstring(raw))
    local, utc = kit.files(raw)
    modified, accessed = (local.find(f"{kit.DFXML}{name}") for name in ("mtime", "atime"))
    assert modified.text == "1970-01-01T00:00:02.000000000"
    assert modified.get("prec") == "2"
    assert accessed.get("prec") == "86400"
    born = local.find(f"{kit.DFXML}crtime")
    assert born.get("prec") is None
    assert born.get(f"{kit.OWN}resolution_ns") == "10000000"
    assert utc.findtext(f"{kit.DFXML}mtime") == "2004-02-29T19:57:57.513052800Z"
    assert utc.find(f"{kit.OWN}file_name_times_ns").attrib == {"mtime": "5", "crtime": "-7"}


def test_runs_holes_residents_and_stored_forms(tmp_path, vectors):
    raw = _one(
        tmp_path,
        kit.source(),
        kit.filesystem(offset=4096),
        kit.name(b"/a", 5),
        kit.stream(5, extents=[[8192, 512], [-1, 1024], [4096, 10], [0, 3]], extents_left_out=4),
        kit.name(b"/b", 6),
        kit.stream(6, flags=["resident"], extents=None),
        kit.name(b"/c", 7),
        kit.stream(7, flags=["compressed"]),
    )
    kit.schema(vectors).assertValid(etree.fromstring(raw))
    runs = [item.find(f"{kit.DFXML}byte_runs") for item in kit.files(raw)]
    assert [dict(run.attrib) for run in runs[0]] == [
        {"file_offset": "0", "fs_offset": "4096", "img_offset": "8192", "len": "512"},
        {"file_offset": "512", "len": "1024", "fill": "0"},
        {"file_offset": "1536", "fs_offset": "0", "img_offset": "4096", "len": "10"},
        {"file_offset": "1546", "img_offset": "0", "len": "3"},
    ]
    assert runs[0].get(f"{kit.OWN}left_out") == "4"
    assert dict(runs[1][0].attrib) == {"file_offset": "0", "len": "3", "type": "resident"}
    assert "file_offset" not in runs[2][0].attrib
    assert runs[2].get(f"{kit.OWN}stored") == "compressed"


def test_what_could_not_be_read_is_in_it(tmp_path, vectors):
    place = {"partition": 1, "kind": "partition", "table": "dos", "offset": 0, "size": 9}
    raw = _one(
        tmp_path,
        kit.source(sector_size=512),
        {"row": "partition", "state": "damaged", "reason": "clipped", "description": "a\x1b<",
         **place},
        {"row": "partition", "state": "ok", **place, "partition": 2, "kind": "gap"},
        kit.filesystem(fs=1, state="encrypted", reason="bitlocker", type="bitlocker"),
        {"row": "directory", "fs": 2, "inode": 7, "seq": 0, "path": "/x\x1b", "allocated": True,
         "entries": 0, "state": "unreadable", "reason": "engine"},
        kit.name(b"/bad", 8, fs=2),
        kit.stream(8, fs=2, state="damaged", reason="short-read", digests=None, bytes_digested=1,
                   detail="\ud800 no".replace("\ud800", "?")),
        kit.filesystem(fs=2, partition=1),
        {"row": "error", "fs": 1, "stage": "engine", "reason": "engine-crash", "detail": "<&>\n"},
    )  # fmt: skip
    tree = etree.fromstring(raw)
    kit.schema(vectors).assertValid(tree)
    volumes = list(tree.iter(f"{kit.DFXML}volume"))
    assert {volume.get(f"{kit.OWN}fs") for volume in volumes} == {"1", "2"}
    errors = [volume.findtext(f"{kit.DFXML}error") for volume in volumes]
    assert "encrypted, bitlocker" in errors
    (item,) = kit.files(raw)
    assert item.findtext(f"{kit.DFXML}error").startswith("damaged, short-read")
    assert item.find(f"{kit.DFXML}hashdigest") is None
    assert tree.find(f"{kit.OWN}error").get("reason") == "engine-crash"
    assert tree.find(f"{kit.OWN}directory/{kit.OWN}path_b64") is not None
    assert tree.find(f"{kit.OWN}coverage").get("result") == "complete"
    system = tree.find(f".//{kit.DFXML}partitionsystemobject")
    assert [item.tag.partition("}")[2] for item in system] == ["pstype_str", "partitionobject"]
    assert tree.find(f".//{kit.OWN}partition").get("kind") == "gap"
    said = [item.text for item in tree.iter(f"{kit.OWN}not_said")]
    assert tuple(said) == NOT_SAID["dfxml"]


def test_a_folder_is_volumes_without_an_image(tmp_path, vectors):
    source = {"row": "source", "kind": "tree", "name": "export"}
    tree = {"row": "filesystem", "fs": 1, "type": "tree", "offset": 0, "size": 0, "state": "ok"}
    raw = _one(tmp_path, source, tree, kit.name(b"/a", 5), kit.stream(5, extents=None))
    document = etree.fromstring(raw)
    kit.schema(vectors).assertValid(document)
    assert document.find(f"{kit.DFXML}volume") is not None
    assert document.find(f"{kit.DFXML}diskimageobject") is None


def test_a_directory_with_a_named_stream_is_both(tmp_path, vectors):
    raw = _one(
        tmp_path, kit.source(), kit.filesystem(), kit.name(b"/d", 5, type="directory"),
        kit.stream(5, name="hidden"),
    )  # fmt: skip
    kit.schema(vectors).assertValid(etree.fromstring(raw))
    found = [(kit.exact(item), item.findtext(f"{kit.DFXML}name_type")) for item in kit.files(raw)]
    assert found == [(b"d", "d"), (b"d:hidden", "r")]


def test_slack_and_free_space_are_in_it_with_how_they_are_known(tmp_path, vectors):
    raw = _one(tmp_path, kit.source(), kit.filesystem(), kit.space())
    tree = etree.fromstring(raw)
    kit.schema(vectors).assertValid(tree)
    item = tree.find(f"{kit.OWN}space")
    assert (item.get("what"), item.get("derived")) == ("unallocated", "bitmap")
    run = item.find(f"{kit.DFXML}byte_runs/{kit.DFXML}byte_run")
    assert (run.get("img_offset"), run.get("len")) == ("16384", "512")
    digest = item.find(f"{kit.DFXML}hashdigest")
    assert (digest.get("type"), digest.get(f"{kit.OWN}basis")) == ("md5", "bitmap")
