"""Images made by other programs: ewfacquire writes, evkit reads; ewfverify agrees."""

from __future__ import annotations

import hashlib
import os
import subprocess

import pytest

from evkit.images.opening import open_image


@pytest.mark.parametrize("options", [[], ["-S", "1048576"], ["-c", "best"], ["-d", "sha1"]])
def test_what_ewfacquire_wrote(tmp_path, program, options):
    medium = os.urandom(2_000_000) + bytes(1_000_000) + b"end" * 333 + b"x"
    medium += bytes(-len(medium) % 512)
    (tmp_path / "medium.raw").write_bytes(medium)
    subprocess.run(
        [program("ewfacquire"), "-u", "-q", "-t", tmp_path / "out", *options,
         tmp_path / "medium.raw"],
        check=True, capture_output=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    with open_image(os.fsencode(tmp_path / "out.E01")) as image:
        assert image.read(0, image.size) == medium
        assert image.stored_digests["md5"] == hashlib.md5(medium).hexdigest()
        if options == ["-d", "sha1"]:
            assert image.stored_digests["sha1"] == hashlib.sha1(medium).hexdigest()
        assert (len(image.segments) > 1) == ("-S" in options)
        assert image.remarks == ()
