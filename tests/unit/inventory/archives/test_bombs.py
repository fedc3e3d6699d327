"""Archives that explode: a cap ends them, the rows say which, and nothing takes long."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tracemalloc
import zipfile

import archivekit as kit
import pytest

from evkit.inventory.archives.caps import Caps

SMALL = Caps(base=1 << 20, ratio=10, memory=1 << 20)


def test_a_thousand_to_one():
    data = kit.zipped({"zeros": bytes(32 << 20), "after": b"x"})
    listed = kit.Listed(data, caps=SMALL)
    assert listed.capped
    row = listed.streams()[b"/zeros"]
    assert (row["state"], row["reason"]) == ("unreadable", "too-many-bytes")
    assert row["bytes_digested"] < 3 << 20
    assert (listed.top["state"], listed.top["reason"]) == ("unreadable", "too-many-bytes")
    assert listed.count.row()["result"] == "with-gaps"


def test_the_same_unpacked_whole_within_the_caps():
    data = kit.zipped({"zeros": bytes(4 << 20)})
    tracemalloc.start()
    listed = kit.Listed(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert listed.streams()[b"/zeros"]["state"] == "ok"
    assert peak < 4 << 20


def test_archives_in_archives_end_at_a_depth():
    data = kit.zipped({"f": b"x"})
    for level in range(10):
        data = kit.zipped({f"{level}.zip": data})
    listed = kit.Listed(data)
    assert len(listed.systems) == 7
    assert listed.systems[-1]["reason"] == "too-deep"
    assert listed.count.row()["result"] == "with-gaps"


def test_forty_two():
    """Sixteen zips in each of several layers: the caps count over all of them."""
    data = kit.zipped({"0.dll": bytes(1 << 20)})
    for level in range(4):
        data = kit.zipped({f"{level}-{n}.zip": data for n in range(16)})
    listed = kit.Listed(data, caps=Caps(base=32 << 20, ratio=1))
    assert listed.capped
    assert {row["reason"] for row in listed.systems if "reason" in row} == {"too-many-bytes"}


def test_too_many_members():
    listed = kit.Listed(kit.zipped({str(n): b"" for n in range(50)}), caps=Caps(members=20))
    assert listed.top["reason"] == "too-many-members"
    assert len(listed.kind("name")) == 20


def test_too_slow():
    listed = kit.Listed(kit.zipped({"a": b"1"}), caps=Caps(seconds=-1.0))
    assert listed.top["reason"] == "too-slow"


def test_a_zip_that_holds_itself():
    """The best known zip quine, as far as its form goes: an archive named in its own member."""
    inner = kit.zipped({"r.zip": b"PK\x05\x06" + bytes(18)})
    for _ in range(20):
        inner = kit.zipped({"r/r.zip": inner})
    assert kit.Listed(inner).systems[-1]["reason"] == "too-deep"


@pytest.mark.parametrize(
    ("pack", "kind"), [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz")]
)
def test_packed_streams(pack, kind):
    listed = kit.Listed(pack(bytes(32 << 20)), name=b"zeros.bin." + kind.encode(), caps=SMALL)
    assert listed.top["type"] == kind
    assert listed.capped
    whole = kit.Listed(pack(b"text" * 5000), name=b"a.txt.gz")
    assert whole.top["state"] == "ok"
    assert whole.kind("stream")[0]["size"] == 20000


def test_an_xz_with_a_huge_dictionary():
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 26}]
    data = lzma.compress(bytes(1 << 20), filters=filters)
    listed = kit.Listed(data, caps=Caps(dictionary=1 << 20))
    row = listed.kind("stream")[0]
    assert row["state"] in {"unreadable", "damaged"}
    assert "digests" not in row


def test_an_inner_archive_too_large_for_memory():
    inner = kit.zipped({"big": bytes(range(256)) * 9000}, zipfile.ZIP_STORED)
    data = kit.zipped({"in.zip": inner})
    listed = kit.Listed(data, caps=Caps(memory=1 << 20))
    assert (listed.systems[1]["state"], listed.systems[1]["reason"]) == (
        "unsupported", "nested-too-large",
    )  # fmt: skip
    assert listed.streams()[b"/in.zip"]["state"] == "ok"


def test_an_inner_tar_too_large_for_memory_is_read_again():
    inner = kit.tarred({"big": bytes(range(256)) * 9000})
    listed = kit.Listed(kit.zipped({"in.tar": inner}), caps=Caps(memory=1 << 20))
    assert listed.systems[1]["state"] == "ok"
    assert listed.streams(3)[b"/big"]["size"] == 256 * 9000


def test_many_entries_for_one_member():
    """Overlapping entries, as in the better zip bomb: read, and charged each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("k", bytes(1 << 20))
    body = packed.getvalue()[: packed.getvalue().find(b"PK\x01\x02")]
    entry = packed.getvalue()[len(body) : packed.getvalue().find(b"PK\x05\x06")]
    data = kit.assembled([body], [entry] * 400)
    listed = kit.Listed(data, caps=Caps(base=16 << 20, ratio=1))
    assert listed.capped
    assert {row.get("reason") for row in listed.kind("name")} == {
        None,
        "duplicate-name",
        "overlaps",
    } - {"duplicate-name"}
