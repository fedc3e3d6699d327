from __future__ import annotations

import errno
import os

import pytest

from evkit.core import aligned, durable
from evkit.core.aligned import ALIGNMENT, AlignedWriter, buffers
from evkit.core.errors import RefusedError, StorageError

SIZES = [0, 1, 511, 512, 4095, 4096, 4097, 1 << 20, (1 << 20) + 1, (5 << 20) + 777]


@pytest.fixture(params=["disk", "memory"])
def part(request, tmp_path):
    """A temporary name on the disk and, where there is one, on a tmpfs."""
    if request.param == "disk":
        yield os.fsencode(tmp_path / "image.part")
        return
    if not os.path.isdir("/dev/shm"):
        pytest.skip("no tmpfs here")
    path = f"/dev/shm/evkit-test-{os.getpid()}-{tmp_path.name}.part".encode()
    yield path
    if os.path.exists(path):
        os.unlink(path)


def _write(part, data, block, **options):
    buffer = buffers(1, block)[0]
    with AlignedWriter(part, **options) as writer:
        for start in range(0, len(data), block):
            piece = data[start : start + block]
            buffer[: len(piece)] = piece
            writer.write(memoryview(buffer)[: len(piece)])
        length = writer.finish()
    return writer, length


@pytest.mark.parametrize("size", SIZES)
def test_the_length_is_exact_and_the_bytes_are_those_written(part, size):
    data = os.urandom(size)
    _, length = _write(part, data, 1 << 20)
    assert length == size
    with open(part, "rb") as handle:
        assert handle.read() == data


@pytest.mark.parametrize("steps", [[1], [4096, 1], [3, 4096, 4093], [512, 1 << 20], [70000]])
def test_unaligned_pieces_in_between(part, steps):
    data = os.urandom((2 << 20) + 5)
    position = turn = 0
    with AlignedWriter(part) as writer:
        while position < len(data):
            step = max(steps[turn % len(steps)], 500 if len(steps) == 1 else 1)
            writer.write(data[position : position + step])
            position += step
            turn += 1
        assert writer.finish() == len(data)
    with open(part, "rb") as handle:
        assert handle.read() == data


def test_read_only_and_misaligned_memory_is_copied_first(tmp_path):
    buffer = buffers(1, 3 * ALIGNMENT)[0]
    buffer[:] = os.urandom(len(buffer))
    with AlignedWriter(os.fsencode(tmp_path / "x")) as writer:
        writer.write(memoryview(buffer)[16 : 16 + ALIGNMENT])
        writer.write(bytes(ALIGNMENT))
        writer.finish()
    expected = bytes(buffer[16 : 16 + ALIGNMENT]) + bytes(ALIGNMENT)
    assert (tmp_path / "x").read_bytes() == expected


def test_a_refused_open_falls_back(tmp_path, monkeypatch):
    real = os.open

    def refuse(path, flags, *rest):
        if flags & aligned._O_DIRECT:
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", refuse)
    data = os.urandom(3 << 20)
    writer, _ = _write(os.fsencode(tmp_path / "x"), data, 1 << 20)
    assert not writer.direct
    assert writer.fell_back == "open: Invalid argument"
    assert (tmp_path / "x").read_bytes() == data


@pytest.mark.parametrize("refused", [1, 2])
def test_a_refused_write_falls_back(tmp_path, monkeypatch, refused):
    real, calls = os.write, []

    def refuse(descriptor, view):
        calls.append(len(view))
        if len(calls) == refused:
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(descriptor, view)

    monkeypatch.setattr(os, "write", refuse)
    data = os.urandom((2 << 20) + 9)
    writer, _ = _write(os.fsencode(tmp_path / "x"), data, 1 << 20)
    monkeypatch.undo()
    assert writer.fell_back == "write: Invalid argument"
    assert (tmp_path / "x").read_bytes() == data


@pytest.mark.parametrize("most", [1000, 4096, 8192 + 512])
def test_short_writes(tmp_path, monkeypatch, most):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, view: real(fd, memoryview(view)[:most]))
    data = os.urandom((1 << 20) + 33)
    _write(os.fsencode(tmp_path / "x"), data, 1 << 18)
    monkeypatch.undo()
    assert (tmp_path / "x").read_bytes() == data


def test_other_errors_of_the_disk_are_storage_errors(tmp_path, monkeypatch):
    def full(descriptor, view):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageError, match="No space left") as caught:
        _write(os.fsencode(tmp_path / "x"), bytes(1 << 20), 1 << 20)
    assert "free space" in str(caught.value.hint)


def test_a_file_that_lost_bytes_is_noticed(tmp_path, monkeypatch):
    with AlignedWriter(os.fsencode(tmp_path / "x"), direct=False) as writer:
        writer.write(bytes(5000))
        writer.written += 1
        with pytest.raises(StorageError, match="5000 bytes after 5001"):
            writer.finish()


def test_an_existing_file_is_never_written(tmp_path):
    (tmp_path / "x").write_bytes(b"evidence")
    with pytest.raises(RefusedError):
        AlignedWriter(os.fsencode(tmp_path / "x"))
    assert (tmp_path / "x").read_bytes() == b"evidence"


def test_steps_are_announced_in_order(tmp_path):
    seen = []
    durable.observe(lambda kind, path: seen.append(kind))
    try:
        _write(os.fsencode(tmp_path / "x"), bytes(2 << 20), 1 << 20)
    finally:
        durable.observe(None)
    assert seen == ["create", "write", "write", "fsync"]


def test_nothing_is_written_by_a_stopped_step(tmp_path):
    class Stop(Exception):
        pass

    def stop(kind, path):
        if kind == "write":
            raise Stop

    durable.observe(stop)
    try:
        with pytest.raises(Stop):
            _write(os.fsencode(tmp_path / "x"), bytes(1 << 20), 1 << 20)
    finally:
        durable.observe(None)
    assert (tmp_path / "x").stat().st_size == 0


def test_an_error_of_closing_is_one_of_storage(tmp_path, monkeypatch):
    """FUSE and network file systems may tell of one only then; the other copies go on."""
    close = os.close

    def failing(descriptor):
        close(descriptor)
        raise OSError(errno.EIO, "Input/output error")

    writer = AlignedWriter(os.fsencode(tmp_path / "image.part"))
    writer.write(b"content")
    monkeypatch.setattr(os, "close", failing)
    with pytest.raises(StorageError, match="Input/output error"):
        writer.finish()
    writer.close()
    other = AlignedWriter(os.fsencode(tmp_path / "other.part"), direct=False)
    other.close()
