"""A mask leaves digests and takes everything that names or describes content."""

from __future__ import annotations

import json
import os

import inventorykit as kit
import pytest

from evkit.core.errors import RefusedError
from evkit.inventory.database.reader import Inventory
from evkit.inventory.database.store import Writer
from evkit.inventory.mask import KEPT, SENSITIVE, Mask, hidden
from evkit.manifest import rows

TELLING = frozenset({
    "path", "path_b64", "name", "name_b64", "short", "short_b64", "target", "target_b64",
    "description", "description_b64", "detail", "times", "name_times", "mode", "uid", "gid",
    "stored", "mime",
})  # fmt: skip


def test_no_field_that_tells_something_is_kept():
    assert not KEPT & TELLING


def test_what_a_masked_row_keeps():
    row = {
        "row": "name", "fs": 1, "inode": 5, "seq": 1, "path": "/a/secret.jpg",
        "path_b64": "L2E=", "name": "secret.jpg", "parent": 2, "type": "file",
        "allocated": True, "state": "ok", "times": {"m": "5"}, "zone": "utc", "mode": 420,
        "target": "x", "short": "SECRET~1.JPG", "something_new": "secret",
    }  # fmt: skip
    found = hidden(row)
    assert found == {
        "row": "name", "fs": 1, "inode": 5, "seq": 1, "path": SENSITIVE, "name": SENSITIVE,
        "parent": 2, "type": "file", "allocated": True, "state": "ok", "zone": "utc",
    }  # fmt: skip
    rows.check(found)
    source = {"row": "source", "kind": "image", "name": "C1/E1/A1", "acquisition": "C1/E1/A1"}
    assert hidden(source) == source
    assert hidden({"row": "source", "kind": "tree", "name": "x"})["name"] == SENSITIVE


def name(inode, text, **more):
    return {
        "row": "name", "fs": 1, "inode": inode, "seq": 0, "path": f"/{text}", "name": text,
        "parent": 2, "type": "file", "allocated": True, "state": "ok", **more,
    }  # fmt: skip


def stream(inode, digit, attr=1, **more):
    return {
        "row": "stream", "fs": 1, "inode": inode, "seq": 0, "attr": attr, "attr_id": 0, "size": 1,
        "bytes_digested": 1, "basis": "allocated", "state": "ok",
        "digests": {"sha256": digit * 64}, **more,
    }  # fmt: skip


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "x.db"
    with Writer(os.fsencode(path)) as writer:
        for row in (
            {"row": "source", "kind": "image", "name": "x.raw"},
            {"row": "filesystem", "fs": 1, "type": "ntfs", "offset": 0, "size": 9, "state": "ok"},
            name(5, "secret"), name(5, "other-link"), name(6, "plain"),
            stream(5, "a"), stream(5, "b", 2, name="hidden-ads"), stream(6, "c"),
            {"row": "error", "fs": 1, "inode": 5, "path": "/secret", "stage": "walk",
             "reason": "bad"},
            {"row": "error", "fs": 1, "inode": 6, "path": "/plain", "stage": "walk",
             "reason": "bad"},
            {"row": "coverage", "result": "complete", "bytes": {}, "filesystems": {},
             "directories": {}, "names": {}, "streams": {}, "spaces": {},
             "orphans": {}, "errors": 2},
        ):  # fmt: skip
            writer.add(row)
        writer.add_type(5, "image/jpeg")
        writer.add_type(6, "image/png")
        writer.add_type(7, "text/plain")
        writer.finish({"hashes": "sha256", "engine": "none"})
    return os.fsencode(path)


def test_a_hit_masks_its_record_and_nothing_else(database):
    with Inventory(database) as plain:
        mask = Mask.of_streams(plain, [5])
    assert mask.streams == {5, 6}
    with Inventory(database, mask=mask) as found:
        shown = dict(found.rows())
        assert [shown[n]["path"] for n in (2, 3, 4)] == [SENSITIVE, SENSITIVE, "/plain"]
        assert shown[6]["name"] == SENSITIVE
        assert [shown[n]["path"] for n in (8, 9)] == [SENSITIVE, "/plain"]
        assert shown[5]["digests"] == {"sha256": "a" * 64}
        assert [found.mime(n) for n in (5, 6, 7)] == [SENSITIVE, SENSITIVE, "text/plain"]
        assert found.row(2) == shown[2]
        assert [row["name"] for _, row in found.joined("name", 1, 5)] == [SENSITIVE] * 2
        assert found.streams_with("digests.sha256", "a" * 64)[0][1] == shown[5]
        assert found.names_like("secret") == []
        assert len(found.names_like("plain")) == 1
        assert found.problems() == []  # of the rows themselves
        with pytest.raises(RefusedError, match="sensitive material"):
            next(found.lines())


def test_everything_is_masked(database):
    with Inventory(database, mask=Mask(everything=True)) as found:
        text = repr(list(found.rows())) + repr(found.mimes([5, 6, 7]))
        for word in ("secret", "other-link", "plain", "hidden-ads", "image/", "x.raw"):
            assert word not in text
        assert found.coverage()["errors"] == 2
        assert kit.of_kind(found, "stream")[0]["digests"]


@pytest.mark.parametrize("kind", rows.KINDS)
def test_a_masked_row_has_all_that_a_row_must_have(kind):
    _, required = rows._KINDS[kind]
    masked = hidden({"row": kind, **dict.fromkeys(required, "x")})
    assert required <= set(masked)


def test_what_lies_in_a_masked_stream():
    numbered = {
        5: {"row": "stream", "fs": 1, "inode": 5, "seq": 0},
        8: {"row": "stream", "fs": 2, "inode": 1, "seq": 0},
        9: {"row": "stream", "fs": 1, "inode": 9, "seq": 0},
    }

    class Fake:
        """Rows of an archive in an archive, as far as the mask looks at them."""

        def row(self, number):
            return numbered[number]

        def joined_all(self, kind, places):
            return {(1, 5): [(5, numbered[5])]}

        def rows(self, kind):
            yield 20, {"row": "filesystem", "fs": 3, "within": 8}
            yield 21, {"row": "filesystem", "fs": 2, "within": 5}
            yield 22, {"row": "filesystem", "fs": 4, "within": 9}
            yield 23, {"row": "filesystem", "fs": 1}

    mask = Mask.of_streams(Fake(), [5])
    assert mask.systems == {2, 3}
    assert mask.hides(99, name(1, "x") | {"fs": 3})
    assert not mask.hides(99, name(1, "x") | {"fs": 4})


def test_an_old_name_that_a_rename_left_behind_is_masked():
    """It has no sequence of its own: whether the record is still its own is not known."""
    mask = Mask(nodes=frozenset({(1, 5, 2)}), places=frozenset({(1, 5)}))
    old = name(5, "secret.jpg", allocated=False, reallocated="unknown", name_seq=2)
    del old["seq"]
    assert mask.row(9, old)["path"] == SENSITIVE
    other = {**old, "inode": 6}
    assert mask.row(9, other) == other


EVERY_KIND = (
    {"row": "source", "kind": "tree", "name": "secret"},
    {"row": "partition", "partition": 1, "kind": "gap", "table": "dos", "offset": 0, "size": 9,
     "description": "secret", "state": "ok"},
    {"row": "filesystem", "fs": 1, "type": "zip", "offset": 0, "size": 9, "label": "secret",
     "within": 5, "state": "ok"},
    {"row": "directory", "fs": 1, "inode": 5, "seq": 0, "path": "/secret", "allocated": True,
     "entries": 1, "left_out": 2, "state": "damaged", "detail": "secret"},
    name(5, "secret", allocated=False, reallocated="no", target="secret", short="secret"),
    stream(5, "a", name="secret"),
    {"row": "space", "fs": 1, "what": "unallocated", "derived": "bitmap", "size": 1, "zeros": True,
     "bytes_digested": 1, "digests": {}, "state": "ok", "left_out": 1},
    {"row": "message", "fs": 1, "inode": 5, "attachments": 2, "subject": "secret",
     "from": "secret", "to": "secret", "message_id": "secret", "sent": "5", "state": "ok"},
    {"row": "export", "fs": 1, "inode": 5, "kind": "ufd", "path": "/secret", "tool": "secret",
     "stated": 1, "agreed": 0, "differing": 1, "missing": 0, "unchecked": 0, "state": "damaged"},
    {"row": "error", "fs": 1, "inode": 5, "path": "/secret", "stage": "walk", "reason": "bad",
     "detail": "secret"},
    {"row": "coverage", "result": "complete", "errors": 0, "bytes": {}, "filesystems": {},
     "directories": {}, "names": {}, "streams": {}, "spaces": {}, "orphans": {}},
)  # fmt: skip


@pytest.mark.parametrize("row", EVERY_KIND, ids=lambda row: row["row"])
def test_what_is_masked_is_still_a_row(row):
    """Whatever reads rows finds the fields that a row must have, and nothing that tells."""
    rows.check(row)
    found = hidden(row)
    rows.check(found)
    assert "secret" not in json.dumps(found)


def test_every_kind_is_masked_here():
    assert {row["row"] for row in EVERY_KIND} == set(rows.KINDS)
