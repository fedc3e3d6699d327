"""Stated digests: how they are typed, lists, logs of other tools."""

from __future__ import annotations

import hashlib
import os

import pytest

from evkit.acquire import expect
from evkit.core.errors import UsageError
from evkit.hashing.rows import Row

MD5 = hashlib.md5(b"x").hexdigest()
SHA1 = hashlib.sha1(b"x").hexdigest()
SHA256 = hashlib.sha256(b"x").hexdigest()


@pytest.mark.parametrize(
    ("text", "name"),
    [(MD5, "md5"), (SHA1.upper(), "sha1"), (f"sha256:{SHA256}", "sha256"),
     (f"SHA-1={SHA1}", "sha1")],
)  # fmt: skip
def test_digests_as_typed(text, name):
    found = expect.parse(text)
    assert (found.algorithm, found.algorithms) == (name, (name,))


@pytest.mark.parametrize("text", ["", "abc", MD5[:-1], f"sha256:{MD5}", MD5[:-1] + "g", "/no/file"])
def test_neither_digest_nor_list(text):
    with pytest.raises(UsageError):
        expect.parse(text)


def rows(folder, **contents):
    for name, content in contents.items():
        digest = hashlib.sha256(content).hexdigest()
        row = Row(name.encode(), size=len(content), digests={"sha256": digest})
        yield os.fsencode(folder / name), row


def test_a_list(tmp_path):
    d = tmp_path / "d"
    d.mkdir()
    sums = [(hashlib.sha256(content).hexdigest(), name) for name, content in
            [("a", b"1"), ("b", b"2"), ("c", b"3"), ("old", b"5")]]  # fmt: skip
    (tmp_path / "list").write_text("".join(f"{digest}  {name}\n" for digest, name in sums))
    table = expect.against_list(
        expect.parse(str(tmp_path / "list")),
        rows(d, a=b"1", b=b"wrong", new=b"5", extra=b"9"),
        [os.fsencode(d)],
    )
    assert table.counts == {"match": 1, "mismatch": 1, "absent": 1, "renamed": 1, "not-listed": 1}
    assert table.mismatch
    assert table.incomplete
    assert not table.weak
    assert table.fields()["list"]["sha256"]
    assert {entry["is"] for entry in table.shown} == {"mismatch", "absent", "renamed", "not-listed"}


def test_digests_side_by_side():
    table = expect.against_digests(
        [("container", "md5", MD5), ("vendor-log", "sha1", "0" * 40),
         ("vendor-log", "md5", "1" * 32)],
        {"md5": MD5, "sha1": SHA1},
        {("md5", "1" * 32)},
    )  # fmt: skip
    assert [entry.agrees for entry in table.compared] == [True, False, True]
    assert table.counts == {"match": 2, "mismatch": 1}
    assert table.weak
    missing = expect.against_digests([("officer", "sha512", "0" * 128)], {"sha256": SHA256})
    assert missing.mismatch


LOGS = {
    "ftk": f"[Computed Hashes]\r\n MD5 checksum:    {MD5}\r\n SHA1 checksum:   {SHA1}\r\n\r\n"
    f"Image Verification Results:\r\n MD5 checksum:    {MD5} : verified\r\n",
    "ewfacquire": f"MD5 hash calculated over data:\t\t{MD5}\n"
    f"SHA1 hash calculated over data:\t{SHA1}\n",
    "dc3dd": f"input results for file `x':\n   4 sectors in\n   {MD5} (md5)\n   {SHA1} (sha1)\n",
    "guymager": f"MD5 hash                   : {MD5}\nSHA1 hash                  : {SHA1}\n"
    "SHA256 hash                : --\n",
}  # fmt: skip


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_logs_of_imagers(tmp_path, name, encoding):
    path = tmp_path / "log.txt"
    path.write_bytes(LOGS[name].encode(encoding))
    assert expect.read_log(os.fsencode(path)) == [("md5", MD5), ("sha1", SHA1)]


@pytest.mark.parametrize(
    "text", [MD5, f"serial {MD5}", f"sha1: {MD5}", "md5 of the image was not made", f"md5: {MD5}0"]
)
def test_a_number_without_its_name_is_no_digest(text):
    assert expect.digests_in_log(text.encode()) == []
