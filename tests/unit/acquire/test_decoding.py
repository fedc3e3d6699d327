"""The decoder with workers answers as the one without, whatever the image lacks."""

from __future__ import annotations

import os
import subprocess

import e01variants as v
import pytest

from evkit.acquire import decoding, engine
from evkit.images.e01.decodeall import decode_all
from evkit.images.e01.reader import E01Image

NOISE = bytes((i * i * 31 + i // 7) & 255 for i in range(40000))
MEDIUM = (NOISE * 240)[: 9_400_320 // 512 * 512]
NAMES = ("md5", "sha256")


def damaged(folder, kind):
    files = v.build(MEDIUM, per_segment=50, compress=kind == "stream")
    data = files[0]
    at, _ = v.find(data, "sectors")
    for chunk in {"none": (), "stream": (2, 3)}.get(kind, (3, 4, 9)):
        data = v.flip(data, at + 76 + chunk * (32772 if kind != "stream" else 9000))
    paths = v.write(folder, [data, *files[1:]])
    if kind == "missing":
        os.remove(paths.pop(2))
    if kind == "cut":
        os.truncate(paths[-1], os.path.getsize(paths[-1]) // 2)
    if kind == "table":
        (start, _), size = v.find(files[1], "table"), len(files[1])
        with open(paths[1], "r+b") as handle:
            handle.seek(start)
            handle.write(bytes(size - start))
    return paths


@pytest.mark.parametrize("processes_from", [1, 1 << 40])
@pytest.mark.parametrize("kind", ["none", "checksum", "stream", "missing", "cut", "table"])
def test_both_decoders_agree(tmp_path, monkeypatch, kind, processes_from):
    monkeypatch.setattr(engine, "PROCESSES_FROM", processes_from)
    done = []
    paths = damaged(tmp_path, kind)
    with E01Image(paths, partial=True) as image:
        found = decoding.decode(image, NAMES, done.append, block_nodes=True)
    with E01Image(paths, partial=True) as image:
        known = decode_all(image, NAMES, block_nodes=True)
    assert found == known
    assert sum(done) == found.size
    assert bool(found.lost) is (kind != "none")


def test_a_file_that_fails_is_the_same_for_both(tmp_path, monkeypatch):
    paths = v.write(tmp_path, v.build(MEDIUM, per_segment=50, compress=False))
    with E01Image(paths) as image:
        start = image.runs(57, 1)[0].offset
        real, many = os.pread, os.preadv

        def failing(descriptor, size, offset):
            if offset <= start < offset + size:
                raise OSError(5, "Input/output error")
            return real(descriptor, size, offset)

        def failing_too(descriptor, buffers, offset):
            failing(descriptor, sum(map(len, buffers)), offset)
            return many(descriptor, buffers, offset)

        monkeypatch.setattr("evkit.images.files.os.pread", failing)
        monkeypatch.setattr("evkit.acquire.blockwork.os.preadv", failing_too)
        found = decoding.decode(image, NAMES)
        assert found == decode_all(image, NAMES)
        assert {lost.reason for lost in found.lost} == {"it cannot be read now: Input/output error"}
        assert all(lost.unread for lost in found.lost)


def test_segments_that_cannot_all_be_open(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "MOST_FILES", 2)
    with E01Image(v.write(tmp_path, v.build(MEDIUM, per_segment=50))) as image:
        assert not decoding.fits(image)
        assert decoding.decode(image, NAMES) == decode_all(image, NAMES)


def test_an_empty_medium(tmp_path):
    with E01Image(v.write(tmp_path, v.build(b""))) as image:
        assert decoding.decode(image, NAMES) == decode_all(image, NAMES)


def test_workers_import_nothing_from_the_current_folder(tmp_path, monkeypatch):
    """The current folder may be the evidence: nothing that lies in it runs."""
    planted = tmp_path / "stick"
    (planted / "evkit").mkdir(parents=True)
    trap = f"open({str(tmp_path / 'ran')!r}, 'w').close()\n"
    for name in ("json.py", "struct.py", "evkit/__init__.py"):
        (planted / name).write_text(trap)
    monkeypatch.setattr(engine, "PROCESSES_FROM", 1)
    paths = v.write(tmp_path, v.build(MEDIUM, per_segment=50))
    monkeypatch.chdir(planted)
    monkeypatch.setenv("PYTHONPATH", str(planted))
    started = []
    real = subprocess.Popen

    def start(*arguments, **options):
        started.append(real(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    with E01Image(paths) as image:
        assert decoding.decode(image, NAMES, [].append).digests["md5"]
    assert [process.returncode for process in started] == [0] * len(started)
    assert started
    assert not (tmp_path / "ran").exists()
