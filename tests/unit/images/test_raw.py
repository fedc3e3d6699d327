"""Raw and split raw: order, gaps, reading over the edges of parts."""

from __future__ import annotations

import os

import pytest

from evkit.core.errors import InputError
from evkit.images.opening import find_files, open_image
from evkit.images.raw import RawImage, find_parts


def parts(folder, names, size=1000):
    content = b""
    for name in names:
        data = os.urandom(size)
        (folder / name).write_bytes(data)
        content += data
    return content


@pytest.mark.parametrize(
    "names",
    [
        ["disk.001", "disk.002", "disk.003"],
        ["disk.000", "disk.001"],
        ["disk.dd.aa", "disk.dd.ab", "disk.dd.ac"],
        ["d.0001", "d.0002"],
        ["disk.998", "disk.999", "disk.1000"],
    ],
)
def test_any_part_finds_all(tmp_path, names):
    content = parts(tmp_path, names)
    if names[0] == "disk.998":
        for number in range(1, 998):
            (tmp_path / f"disk.{number:03d}").write_bytes(b"x" * 1000)
        content = b"x" * 997_000 + content
    for name in names:
        path = os.fsencode(tmp_path / name)
        if name == "disk.1000":
            continue  # four digits alone are a sequence of their own
        with open_image(path) as image:
            assert image.format == "split-raw"
            assert image.read(0, len(content)) == content
            assert image.size == len(content)


def test_every_range(tmp_path):
    content = parts(tmp_path, ["d.001", "d.002", "d.003"], size=7)
    with open_image(os.fsencode(tmp_path / "d.001")) as image:
        for start in range(23):
            for size in range(25):
                assert image.read(start, size) == content[start : start + size]


@pytest.mark.parametrize("missing", ["d.001", "d.003"])
def test_a_missing_part_is_refused_by_name(tmp_path, missing):
    parts(tmp_path, ["d.001", "d.002", "d.003", "d.004"])
    (tmp_path / missing).unlink()
    with pytest.raises(InputError, match=missing):
        find_parts(os.fsencode(tmp_path / "d.002"))


def test_a_missing_lettered_part_is_refused(tmp_path):
    parts(tmp_path, ["d.aa", "d.ab", "d.ad"])
    with pytest.raises(InputError, match=r"d\.ac"):
        find_parts(os.fsencode(tmp_path / "d.aa"))


def test_words_beside_parts_are_not_parts(tmp_path):
    parts(tmp_path, ["d.aaa", "d.aab", "d.log", "d.txt"])
    found = find_parts(os.fsencode(tmp_path / "d.aaa"))
    assert [os.path.basename(path) for path in found] == [b"d.aaa", b"d.aab"]


def test_names_that_are_no_sequence(tmp_path):
    for name in ("a.db", "b.raw", "c.1", "plain"):
        (tmp_path / name).write_bytes(b"x")
        path = os.fsencode(tmp_path / name)
        assert find_parts(path) == [path]


def test_an_empty_part_is_refused_and_an_empty_image_is_not(tmp_path):
    parts(tmp_path, ["d.001", "d.002"])
    (tmp_path / "d.002").write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        open_image(os.fsencode(tmp_path / "d.001"))
    (tmp_path / "e.raw").write_bytes(b"")
    with open_image(os.fsencode(tmp_path / "e.raw")) as image:
        assert image.size == 0
        assert image.read(0, 10) == b""


def test_a_part_of_another_size_is_a_remark(tmp_path):
    parts(tmp_path, ["d.001", "d.002", "d.003"])
    (tmp_path / "d.002").write_bytes(b"x" * 999)
    with open_image(os.fsencode(tmp_path / "d.001")) as image:
        assert len(image.remarks) == 1
        assert "999" in image.remarks[0]


def test_a_file_cut_while_open_is_an_error_not_zeros(tmp_path):
    path = tmp_path / "d.raw"
    path.write_bytes(bytes(1000))
    with RawImage([os.fsencode(path)]) as image:
        os.truncate(path, 500)
        with pytest.raises(OSError, match="ended early"):
            image.read(0, 1000)


def test_the_first_part_decides_the_kind(tmp_path):
    parts(tmp_path, ["d.001", "d.002"])
    (tmp_path / "d.002").write_bytes(b"QFI\xfb".ljust(100))
    with pytest.raises(InputError):  # the file that was named is looked at as well
        find_files(os.fsencode(tmp_path / "d.002"))
    kind, _ = find_files(os.fsencode(tmp_path / "d.001"))
    assert kind.name == "raw"


def test_names_that_are_not_utf8(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\n\x1b[31m.raw"
    with open(path, "wb") as handle:
        handle.write(b"abc")
    with open_image(path) as image:
        assert image.read(1, 5) == b"bc"


def test_a_pipe_among_the_parts_is_not_waited_for(tmp_path):
    """Whoever hands an image over chooses what lies beside it."""
    (tmp_path / "disk.001").write_bytes(bytes(512))
    os.mkfifo(tmp_path / "disk.002")
    with pytest.raises(InputError, match=r"disk\.002`: it is a pipe"):
        open_image(os.fsencode(tmp_path / "disk.001"))
    with pytest.raises(InputError, match="it is a pipe"):
        open_image(os.fsencode(tmp_path / "disk.002"))
