from __future__ import annotations

import errno
import os

import leftovers
import pytest

from evkit.core import durable
from evkit.core.errors import RefusedError, StorageError


class Stop(Exception):
    pass


@pytest.fixture
def steps():
    """Collects steps; `stop` makes the n-th one (from 0) raise."""

    class Steps(list):
        stop = None

    seen = Steps()

    def watch(kind, path):
        if seen.stop == len(seen):
            raise Stop
        seen.append(kind)

    durable.observe(watch)
    yield seen
    durable.observe(None)


def names(folder):
    return sorted(os.listdir(folder))


def test_a_new_file_is_complete_or_absent_at_every_step(tmp_path, steps):
    durable.write_new(str(tmp_path / "whole"), b"content", mode=0o444)
    expected = ["create", "write", "fsync", "link", "dirsync", "unlink", "dirsync"]
    assert steps == expected
    for number in range(len(expected)):
        folder = tmp_path / str(number)
        folder.mkdir()
        steps.clear()
        steps.stop = number
        with pytest.raises(Stop):
            durable.write_new(str(folder / "f"), b"content")
        if number <= expected.index("link"):
            assert names(folder) == []
        else:
            assert (folder / "f").read_bytes() == b"content"
    assert (tmp_path / "whole").stat().st_mode & 0o777 == 0o444


def test_nothing_is_ever_overwritten(tmp_path):
    for kind in ("file", "folder", "dangling"):
        path = tmp_path / kind
        {"file": lambda p: p.write_bytes(b"x"), "folder": lambda p: p.mkdir(),
         "dangling": lambda p: p.symlink_to("gone")}[kind](path)  # fmt: skip
        refused = []
        for ask in (lambda p: durable.write_new(p, b"new"), durable.need_absent):
            with pytest.raises(RefusedError) as caught:
                ask(str(path))
            refused.append((caught.value.message, caught.value.hint))
        said = (f"`{path}` exists already", "evkit never overwrites; choose another name")
        assert refused == [said, said]
    durable.need_absent(str(tmp_path / "nothing"))
    assert names(tmp_path) == ["dangling", "file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"x"


def test_a_name_that_appears_meanwhile_stays(tmp_path):
    path = tmp_path / "f"
    with durable.NewFile(str(path)) as handle:
        handle.write(b"mine")
        path.write_bytes(b"theirs")
        with pytest.raises(RefusedError):
            handle.commit()
    assert path.read_bytes() == b"theirs"
    assert names(tmp_path) == ["f"]


@pytest.mark.parametrize("links", [True, False])
def test_rename_where_links_are_missing(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", _refuse)
    (tmp_path / "a").write_bytes(b"a")
    durable.rename_new(str(tmp_path / "a"), str(tmp_path / "b"))
    assert names(tmp_path) == ["b"]
    (tmp_path / "c").write_bytes(b"c")
    with pytest.raises(FileExistsError):
        durable.rename_new(str(tmp_path / "c"), str(tmp_path / "b"))
    assert names(tmp_path) == ["b", "c"]


def _refuse(*_):
    raise OSError(errno.EPERM, "Operation not permitted")


def test_replace_gives_the_old_or_the_new_content(tmp_path, steps):
    path = tmp_path / "f"
    path.write_bytes(b"old")
    durable.replace(str(path), b"new")
    count = len(steps)
    path.write_bytes(b"old")
    for number in range(count):
        steps.clear()
        steps.stop = number
        with leftovers.none(), pytest.raises(Stop):
            durable.replace(str(path), b"new")
        assert path.read_bytes() in {b"old", b"new"}


def test_a_full_disk_names_the_path_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageError, match="f\\\\x0a") as caught:
        durable.write_new(str(tmp_path / "f\n"), b"content")
    assert caught.value.hint
    assert names(tmp_path) == []


def test_short_writes(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, view: real(fd, memoryview(view)[:3]))
    durable.write_new(str(tmp_path / "f"), b"0123456789")
    durable.replace(str(tmp_path / "g"), b"0123456789")
    monkeypatch.undo()
    assert (tmp_path / "f").read_bytes() == (tmp_path / "g").read_bytes() == b"0123456789"


def test_folders(tmp_path, steps):
    durable.make_dir(os.fsencode(tmp_path / "a" / "b"))
    assert steps == ["dirsync", "mkdir", "dirsync", "mkdir", "dirsync"]
    durable.make_dir(os.fsencode(tmp_path / "a" / "b"))
    with pytest.raises(RefusedError):
        durable.make_dir(os.fsencode(tmp_path / "a"), exist_ok=False)
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(RefusedError):
        durable.make_dir(os.fsencode(tmp_path / "f"))


@pytest.fixture
def closing_fails(monkeypatch):
    """Closing tells of an error, as FUSE and network file systems do; the file is closed."""
    close = os.close

    def failing(descriptor):
        close(descriptor)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "close", failing)


def test_an_error_of_closing_is_one_of_storage(tmp_path, closing_fails):
    with pytest.raises(StorageError, match="Input/output error"):
        durable.write_new(str(tmp_path / "f"), b"content")
    assert names(tmp_path) == []


def test_closing_what_failed_does_not_hide_why(tmp_path, closing_fails):
    with pytest.raises(Stop), durable.NewFile(str(tmp_path / "f")):
        raise Stop
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made_durable_is_said(tmp_path):
    with pytest.raises(StorageError, match="cannot write"):
        durable.fsync_dir(str(tmp_path / "gone"))
