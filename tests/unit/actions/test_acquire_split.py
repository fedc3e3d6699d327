"""No file of an image is longer than asked for, to the byte; and none is shorter without need."""

from __future__ import annotations

import os

import acquirekit as kit
import pytest
import stations

from evkit.actions import acquire_places as places
from evkit.actions.acquire_job import Request
from evkit.core.errors import UsageError
from evkit.images.e01.reader import E01Image

KIB, MIB = 1 << 10, 1 << 20


@pytest.fixture
def made(tmp_path):
    return stations.ready(tmp_path / "station")


def image(made, tmp_path, size, **options):
    """Acquire random bytes; return them and the image's files."""
    source = tmp_path / "stick.dd"
    source.write_bytes(os.urandom(size))
    got = kit.acquire_with(made, source, **options)
    assert got.exit_code == 0, got.lines()
    folder = made.path / "cases" / got.ref
    artifacts = kit.end_of(made, got.ref).fields["artifacts"]
    names = [item["name"] for item in artifacts if item["role"] in {"image", "segment"}]
    return source.read_bytes(), [folder / name for name in names]


@pytest.mark.parametrize("split", [4095, 4096, 4097, 16384, 65537])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_raw_parts(made, tmp_path, split, more):
    content, files = image(made, tmp_path, 3 * split + more, format="raw", split=split)
    sizes = [path.stat().st_size for path in files]
    assert b"".join(path.read_bytes() for path in files) == content
    assert sizes[:-1] == [split] * (len(sizes) - 1)
    assert 0 < sizes[-1] <= split
    assert len(sizes) == (4 if more > 0 else 3)


def test_a_raw_image_not_longer_than_a_part(made, tmp_path):
    for size in (99, 100, 101):
        _, files = image(made, tmp_path, size, format="raw", split=100)
        assert [path.stat().st_size for path in files] == ([size] if size <= 100 else [100, 1])


@pytest.mark.parametrize("compress", ["none", "fast"])
@pytest.mark.parametrize("split", [256 * KIB, 256 * KIB + 1, 300_001, MIB - 1, MIB])
def test_e01_segments(made, tmp_path, split, compress):
    content, files = image(
        made, tmp_path, 3 * MIB + 512, format="e01", split=split, compress=compress
    )
    sizes = [path.stat().st_size for path in files]
    assert max(sizes) <= split
    chunk = 32 * KIB + 4
    assert all(split - size < 2 * chunk for size in sizes[:-1])
    with E01Image([os.fsencode(path) for path in files]) as opened:
        assert opened.read(0, opened.size) == content


def request(**options):
    return Request(source=b"/dev/x", exhibit="C1/E1", **options)


@pytest.fixture
def fat(monkeypatch):
    monkeypatch.setattr(places.preflight, "file_system", lambda folder: folder.decode())


@pytest.mark.parametrize("kind", ["vfat", "msdos", "fuse.fusefat"])
def test_fat_holds_no_file_of_4_gib(fat, kind):
    where = [b"ext4", kind.encode()]
    limit = (4 << 30) - 1
    assert places.split_for(request(format="raw"), limit, where) == (None, "")
    split, remark = places.split_for(request(format="raw"), limit + 1, where)
    assert split == 4095 * MIB
    assert "holds no file of 4 GiB" in remark
    assert places.split_for(request(format="raw"), None, where)[0] == 4095 * MIB
    assert places.split_for(request(format="raw", split=limit), 9, where)[0] == limit
    with pytest.raises(UsageError, match="FAT file system"):
        places.split_for(request(format="raw", split=limit + 1), 9, where)
    assert (places.split_for(request(format="e01"), 100 << 30, where)[0] or 0) <= 4095 * MIB
    with pytest.raises(UsageError, match="over the limit of 200"):
        places.split_for(request(format="e01"), 4 << 40, where)


@pytest.mark.parametrize("kind", [b"exfat", b"ext4", b"fuseblk"])
def test_others_hold_any_length(fat, kind):
    assert places.split_for(request(format="raw"), 1 << 42, [kind]) == (None, "")
    assert places.split_for(request(format="raw", split=1 << 33), 1 << 34, [kind])[0] == 1 << 33
