"""Taking in: facts of everything, content of files, changes seen."""

from __future__ import annotations

import errno
import hashlib
import os

import pytest

from evkit.acquire import taking
from evkit.core.errors import InputError, RefusedError, StorageError


def names(paths):
    return [(found.name, found.type) for found in taking.survey(paths)]


def test_everything_in_order_and_nothing_followed(tmp_path):
    top = tmp_path / "top"
    (top / "b").mkdir(parents=True)
    (top / "b" / "x").write_bytes(b"1")
    (top / "a").write_bytes(b"2")
    os.symlink("b", top / "link")
    os.symlink("absent", top / "z")
    os.mkfifo(top / "fifo")
    with open(os.fsencode(top) + b"/\xff\n", "wb"):
        pass
    assert names([os.fsencode(top)]) == [
        (b"top", "dir"), (b"top/a", "file"), (b"top/b", "dir"), (b"top/b/x", "file"),
        (b"top/fifo", "special"), (b"top/link", "symlink"), (b"top/z", "symlink"),
        (b"top/\xff\n", "file"),
    ]  # fmt: skip


def test_two_paths_that_end_alike_keep_their_whole_names(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder / "d").mkdir(parents=True)
    paths = [os.fsencode(tmp_path / folder / "d") for folder in ("one", "two")]
    assert [name for name, _ in names(paths)] == [path.lstrip(b"/") for path in paths]


def test_a_link_that_is_named_is_not_followed(tmp_path):
    os.symlink("/etc", tmp_path / "l")
    assert names([os.fsencode(tmp_path / "l")]) == [(b"l", "symlink")]


def test_an_absent_path(tmp_path):
    with pytest.raises(InputError):
        list(taking.survey([os.fsencode(tmp_path / "no")]))


@pytest.mark.parametrize("size", [0, 10, (1 << 20), (1 << 20) + 1, taking.LARGE + 5])
@pytest.mark.parametrize("copy", [True, False])
def test_content(tmp_path, size, copy):
    data = os.urandom(size)
    (tmp_path / "s").write_bytes(data)
    target = os.fsencode(tmp_path / "t") if copy else None
    content = taking.take(os.fsencode(tmp_path / "s"), target, ("md5", "sha256"), reread=True)
    assert content.state == "ok"
    assert content.digests["sha256"] == hashlib.sha256(data).hexdigest()
    assert (content.pieces is not None) == (size > 1 << 20)
    if copy:
        assert (tmp_path / "t").read_bytes() == data
        assert (tmp_path / "t").stat().st_mode & 0o777 == 0o444


def test_reading_leaves_times_alone(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "s").write_bytes(b"x" * 100)
    os.utime(folder / "s", ns=(1, 1))
    os.utime(folder, ns=(1, 1))
    found = [found for found in taking.survey([os.fsencode(folder)]) if found.type == "file"]
    taking.take(found[0].path, None, ("sha256",))
    assert (folder / "s").stat().st_atime_ns == 1
    assert folder.stat().st_atime_ns == 1


def change_during(monkeypatch, path, action):
    """Run `action` after the first read of the file."""
    real = os.pread
    done = []

    def pread(descriptor, *rest):
        data = real(descriptor, *rest)
        if not done:
            done.append(True)
            action(path)
        return data

    monkeypatch.setattr("evkit.acquire.taking.os.pread", pread)


@pytest.mark.parametrize(
    "action",
    [
        lambda path: path.write_bytes(b"y" * 200),
        lambda path: os.truncate(path, 0),
        lambda path: os.utime(path, ns=(5, 5)),
        lambda path: (path.unlink(), path.write_bytes(b"x" * 100)),
        lambda path: path.rename(path.with_name("elsewhere")),
    ],
)
def test_a_change_while_reading_is_seen(tmp_path, monkeypatch, action):
    path = tmp_path / "s"
    path.write_bytes(b"x" * 100)
    change_during(monkeypatch, path, action)
    content = taking.take(os.fsencode(path), None, ("sha256",))
    assert content.state == "changed"
    assert "changed while it was read" in content.reason


def test_a_silent_change_is_seen_by_the_second_reading(tmp_path, monkeypatch):
    path = tmp_path / "s"
    path.write_bytes(b"x" * 100)
    real = taking._large
    monkeypatch.setattr(
        taking, "_large", lambda fd, w, names: real(os.open("/dev/null", os.O_RDONLY), w, names)
    )
    content = taking.take(os.fsencode(path), None, ("sha256",), reread=True)
    assert (content.state, content.reason) == ("changed", "a second reading gave other content")
    assert taking.take(os.fsencode(path), None, ("sha256",)).state == "ok"


def test_unreadable_is_data_and_leaves_no_copy(tmp_path, monkeypatch):
    path = tmp_path / "s"
    path.write_bytes(b"x" * 100)

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("evkit.acquire.taking.os.pread", fail)
    content = taking.take(os.fsencode(path), os.fsencode(tmp_path / "t"), ("sha256",))
    assert (content.state, content.digests) == ("unreadable", None)
    assert not (tmp_path / "t").exists()
    assert taking.take(os.fsencode(tmp_path / "no"), None, ("sha256",)).state == "unreadable"


def test_a_file_that_became_a_link_or_a_pipe_is_not_opened(tmp_path):
    os.symlink("/etc/passwd", tmp_path / "l")
    os.mkfifo(tmp_path / "f")
    for name in ("l", "f"):
        content = taking.take(os.fsencode(tmp_path / name), None, ("sha256",))
        assert content.state == "unreadable"


def test_a_folder_gets_its_name_once(tmp_path):
    for name in ("p", "q"):
        (tmp_path / name).mkdir()
    taking.name_folder(os.fsencode(tmp_path / "p"), os.fsencode(tmp_path / "files"))
    with pytest.raises(RefusedError):
        taking.name_folder(os.fsencode(tmp_path / "q"), os.fsencode(tmp_path / "files"))


def test_a_copy_that_cannot_be_removed_is_an_error_of_storage(tmp_path, monkeypatch):
    """The source fails, then its medium is gone too."""
    (tmp_path / "a").write_bytes(b"content")

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(taking, "_small", fail)
    monkeypatch.setattr(os, "unlink", fail)
    with pytest.raises(StorageError, match="Input/output error"):
        taking.take(os.fsencode(tmp_path / "a"), os.fsencode(tmp_path / "a.part"), ("sha256",))
