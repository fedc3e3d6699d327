"""One file by itself: the digest beside the decoding ends when the decoding ends."""

from __future__ import annotations

import pytest

from evkit.actions import verify_image
from evkit.core.beside import Beside
from evkit.hashing import digests


def test_what_stops_the_decoding_stops_the_digest(monkeypatch):
    counts, threads = [], []

    def endless(path, names, *, on_bytes):
        while True:
            counts.append(len(counts))
            on_bytes(len(counts))

    def stopped(path, report):
        while not counts:
            pass
        raise KeyboardInterrupt

    real = Beside.start
    monkeypatch.setattr(Beside, "start", lambda self: threads.append(self) or real(self))
    monkeypatch.setattr(digests, "digest_file", endless)
    monkeypatch.setattr(verify_image, "_container", stopped)
    with pytest.raises(KeyboardInterrupt):
        verify_image._digested_beside(b"disk.E01", None)
    assert [thread.is_alive() for thread in threads] == [False]


def test_a_large_file_tells_how_far_it_is(tmp_path):
    path, seen = tmp_path / "f", []
    path.write_bytes(bytes(9 << 20))
    size, found = digests.digest_file(path, ["md5"], on_bytes=seen.append)
    assert (size, seen[-1]) == (9 << 20, 9 << 20)
    assert found == {"md5": digests.digest_file(path, ["md5"])[1]["md5"]}
