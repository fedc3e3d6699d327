"""Folder and zip sinks: complete under the name or not at all, and readable by others."""

from __future__ import annotations

import subprocess
import zipfile

import pytest

from evkit.bundle import zipwrite
from evkit.bundle.sink import open_sink
from evkit.core import durable
from evkit.core.errors import InputError, RefusedError, StorageError
from evkit.manifest import zipread
from evkit.manifest.tree import FolderTree, read

FILES = {"bagit.txt": b"text\n" * 50, "data/a/b.bin": bytes(range(256)) * 9, "data/empty": b""}


def fill(sink):
    for name, data in FILES.items():
        sink.add(name, [data[:7], data[7:]], len(data), pack=not name.endswith(".bin"))


def test_a_folder(tmp_path):
    sink = open_sink(str(tmp_path / "out"))
    fill(sink)
    assert not (tmp_path / "out").exists()
    sink.commit()
    tree = FolderTree(str(tmp_path / "out"))
    assert {name: read(tree, name, 9999) for name in tree.sizes} == FILES
    assert (tmp_path / "out" / "data" / "a" / "b.bin").stat().st_mode & 0o777 == 0o444
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["out"]


def test_a_zip(tmp_path, program):
    sink = open_sink(str(tmp_path / "out.zip"))
    fill(sink)
    sink.commit()
    with zipread.ZipTree(str(tmp_path / "out.zip")) as tree:
        assert {name: read(tree, name, 9999) for name in tree.sizes} == FILES
        assert tree.entries["data/a/b.bin"].method == 0
        assert tree.entries["bagit.txt"].method == 8
    with zipfile.ZipFile(tmp_path / "out.zip") as handle:
        assert handle.testzip() is None
        assert {name: handle.read(name) for name in handle.namelist()} == FILES
    subprocess.run([program("unzip"), "-tq", str(tmp_path / "out.zip")], check=True)


def test_zip64(tmp_path, monkeypatch):
    """The same archive with the limits lowered is written in zip64 and still read."""
    monkeypatch.setattr(zipwrite, "FULL16", 2)
    end = zipwrite._end(3, 10, 20)
    assert end[:4] == zipread.END64
    monkeypatch.undo()
    big = zipwrite._Entry(b"big", 0, 1, 5 << 32, 5 << 32, 6 << 32)
    extra = zipwrite._extra(big, offset=True)
    assert len(extra) == 4 + 24
    assert len(zipwrite._extra(big, offset=False)) == 4 + 16


@pytest.mark.slow
def test_a_zip_over_four_gib(tmp_path):
    size = (4 << 30) + 5
    sink = open_sink(str(tmp_path / "big.zip"))
    zeros = bytes(1 << 20)
    sink.add("data/big", (zeros[: min(1 << 20, size - at)] for at in range(0, size, 1 << 20)), size)
    sink.add("data/after", [b"x"], 1)
    sink.commit()
    with zipread.ZipTree(str(tmp_path / "big.zip")) as tree:
        assert tree.sizes == {"data/big": size, "data/after": 1}
        assert read(tree, "data/after", 9) == b"x"
    with zipfile.ZipFile(tmp_path / "big.zip") as handle:
        assert handle.getinfo("data/big").file_size == size
        assert handle.read("data/after") == b"x"


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_a_name_that_is_taken(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(RefusedError, match="exists already"):
        open_sink(str(tmp_path / name))
    (tmp_path / name).unlink()
    (tmp_path / f"{name}.part").write_bytes(b"")
    with pytest.raises(RefusedError, match="not finished"):
        open_sink(str(tmp_path / name))
    with pytest.raises(RefusedError, match="no folder"):
        open_sink(str(tmp_path / "no" / name))


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_a_name_taken_meanwhile_is_not_overwritten(tmp_path, name):
    sink = open_sink(str(tmp_path / name))
    fill(sink)
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(RefusedError):
        sink.commit()
    assert (tmp_path / name).read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_a_source_that_changes(tmp_path, name):
    sink = open_sink(str(tmp_path / name))
    for blocks in ([b"123"], [b"12345"], []):
        with pytest.raises(InputError, match="changed while it was read"):
            sink.add(f"data/{len(blocks)}{sum(map(len, blocks))}", blocks, 4, pack=False)
    sink.abandon()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_stopped_at_every_step(tmp_path, name):
    """Whatever step fails, the final name is absent or complete."""
    for number in range(200):
        folder = tmp_path / str(number)
        folder.mkdir()
        seen = 0

        def stop(kind, path, number=number):
            nonlocal seen
            seen += 1
            if seen > number:
                raise OSError(28, "No space left on device")

        durable.observe(stop)
        sink = None
        try:
            sink = open_sink(str(folder / name))
            fill(sink)
            sink.commit()
        except (OSError, StorageError):
            target = folder / name
            if target.is_dir():
                assert set(FolderTree(str(target)).sizes) == set(FILES)
            elif target.exists():
                zipread.ZipTree(str(target)).close()
            continue
        finally:
            durable.observe(None)
        break
    else:
        pytest.fail("never finished")
    assert number > 5
