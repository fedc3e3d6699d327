"""The strict zip reader against archives that different programs read differently."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from evkit.core.errors import InputError
from evkit.manifest import zipread
from evkit.manifest.tree import read

FILES = {"bagit.txt": b"hello", "data/a.txt": b"a" * 5000, "data/empty": b""}


def archive(files=None, method=zipfile.ZIP_DEFLATED, edit=None) -> bytes:
    """Make a zip with the standard library; `edit(info)` may change an entry before it is added."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as handle:
        for name, data in (FILES if files is None else files).items():
            info = zipfile.ZipInfo(name, (2026, 11, 22, 9, 0, 0))
            info.compress_type = method
            if edit is not None:
                edit(info)
            handle.writestr(info, data)
    return out.getvalue()


@pytest.fixture
def opened(tmp_path):
    trees = []

    def open_(data: bytes, limits=zipread.DEFAULT):
        path = tmp_path / f"{len(trees)}.zip"
        path.write_bytes(data)
        tree = zipread.ZipTree(str(path), limits)
        trees.append(tree)
        return tree

    yield open_
    for tree in trees:
        tree.close()


@pytest.fixture
def refused(tmp_path):
    def check(data: bytes, words: str | None = None, limits=zipread.DEFAULT):
        path = tmp_path / "refused.zip"
        path.write_bytes(data)
        with pytest.raises(InputError, match=words):
            read_all(str(path), limits)

    return check


def read_all(path: str, limits: zipread.Limits) -> None:
    with zipread.ZipTree(path, limits) as tree:
        for name in tree.sizes:
            read(tree, name, 1 << 30)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_good_archives(opened, method):
    tree = opened(archive(method=method))
    assert tree.sizes == {name: len(data) for name, data in FILES.items()}
    assert {name: read(tree, name, 1 << 20) for name in FILES} == FILES
    with tree.open("data/a.txt") as first, tree.open("data/a.txt") as second:
        assert (first.read(10), second.read(3)) == (b"a" * 10, b"aaa")


def test_names_in_urdu_and_zip64(opened):
    assert read(opened(archive({"data/ثبوت": b"x"})), "data/ثبوت", 9) == b"x"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as handle, handle.open("a", "w", force_zip64=True) as entry:
        entry.write(b"content")
    assert read(opened(out.getvalue()), "a", 99) == b"content"


def test_an_archive_of_infozip_or_of_the_system(opened, program, tmp_path):
    import subprocess

    tool = program("zip")
    (tmp_path / "bag" / "data").mkdir(parents=True)
    (tmp_path / "bag" / "data" / "a").write_bytes(b"a" * 100)
    subprocess.run([tool, "-qr", "../x.zip", "."], cwd=tmp_path / "bag", check=True)
    assert read(opened((tmp_path / "x.zip").read_bytes()), "data/a", 999) == b"a" * 100


def test_empty(opened, refused):
    assert opened(archive({})).sizes == {}
    refused(b"", "shorter")
    refused(b"PK", "shorter")


def test_bytes_around_the_archive(refused):
    good = archive()
    refused(b"MZ" + good)
    refused(good + b"\n", "end record")
    refused(b"\x00" * 22 + good)


def test_a_comment(refused):
    out = io.BytesIO(archive())
    with zipfile.ZipFile(out, "a") as handle:
        handle.comment = b"x"
    refused(out.getvalue(), "comment")


def test_an_archive_inside_the_end_of_another(refused):
    refused(archive() + archive())
    refused(archive({"a": archive()})[:-30] + archive()[-30:])


def test_duplicate_names(refused):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as handle:
        handle.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            handle.writestr("a", b"2")
    refused(out.getvalue(), "twice")


@pytest.mark.parametrize(
    ("first", "second"),
    [("data/a", "data/A"), ("N\u00fa", "Nu\u0301"), ("a", "a/b"), ("a", "a/")],
)
def test_colliding_names(refused, first, second):
    refused(archive({first: b"", second: b""}))


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../../x", "C:/x", "a\\b", "a\nb", "./a", "a//b", "~/x", "a\u202eb"]
)
def test_traversal(refused, name):
    refused(_named(name))


def _named(name: str) -> bytes:
    """Put a name into an archive that zipfile itself would clean."""
    raw = name.encode()
    fake = "n" * len(raw)
    flags = 0 if name.isascii() else zipread.UTF8
    data = archive({fake: b"x"}, zipfile.ZIP_STORED).replace(fake.encode(), raw)
    out = bytearray(data)
    out[6:8] = struct.pack("<H", flags)
    at = out.index(b"PK\x01\x02")
    out[at + 8 : at + 10] = struct.pack("<H", flags)
    return bytes(out)


def test_links_and_special_files(refused):
    def link(info):
        info.create_system = 3
        info.external_attr = 0o120777 << 16

    def device(info):
        info.create_system = 3
        info.external_attr = 0o060644 << 16

    refused(archive({"a": b"/etc/passwd"}, edit=link), "link")
    refused(archive({"a": b""}, edit=device), "special")


def test_other_methods_and_encryption(refused):
    refused(archive({"a": b"x" * 99}, zipfile.ZIP_BZIP2), "method 12")
    data = bytearray(archive({"a": b"x"}, zipfile.ZIP_STORED))
    data[6] |= 1
    refused(bytes(data))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    refused(bytes(data), "encrypted")


def test_a_data_descriptor(refused):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise OSError

        def tell(self):
            raise OSError

    out = Pipe()
    with zipfile.ZipFile(out, "w") as handle:
        handle.writestr("a", b"x")
    refused(out.getvalue(), "flags")


def test_a_local_header_that_differs(refused):
    good = archive({"abc": b"x" * 9}, zipfile.ZIP_STORED)
    refused(good.replace(b"abc", b"abd", 1), "differs")
    for at in (4, 8, 10, 12, 14, 18, 22):
        changed = bytearray(good)
        changed[at] ^= 1
        refused(bytes(changed))


def test_gaps_and_overlaps(refused):
    data = archive({"a": b"one", "b": b"two"}, zipfile.ZIP_STORED)
    at = data.index(b"PK\x03\x04", 4)
    refused(data[:at] + b"gap" + data[at:])
    central = bytearray(data)
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    central[second + 42 : second + 46] = struct.pack("<I", 0)
    refused(bytes(central), "follow")


def test_content_that_does_not_fit_its_header(refused):
    good = archive({"a": b"content-of-a"}, zipfile.ZIP_STORED)
    refused(good.replace(b"content-of-a", b"content-of-b"), "CRC")
    packed = archive({"a": b"z" * 100})
    changed = bytearray(packed)
    changed[31] ^= 0x10
    refused(bytes(changed))


def test_a_lie_about_the_size(refused):
    for size in (99, 101, 0):
        data = bytearray(archive({"a": b"z" * 100}))
        struct.pack_into("<I", data, 22, size)
        struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, size)
        refused(bytes(data))


def test_bombs(refused):
    refused(archive({"a": b"\0" * (8 << 20)}), "200 times")
    few = zipread.Limits(entries=2)
    refused(archive(), "entries", few)
    refused(archive(), "directory", zipread.Limits(directory=10))
    refused(archive(), "unpacked", zipread.Limits(size=100))


def test_extra_fields_that_rename(refused):
    def rename(info):
        info.extra = struct.pack("<HHBI", 0x7075, 6, 1, 0) + b"b"

    refused(archive({"a": b""}, edit=rename), "extra field")


def test_every_truncation(refused):
    good = archive({"a": b"x" * 20, "b": b"y"}, zipfile.ZIP_STORED)
    for length in range(len(good)):
        refused(good[:length])
