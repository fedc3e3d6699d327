"""A disk that fails is acquired, then acquired again when it reads: what differs was unread."""

from __future__ import annotations

import os
import random

import acquirekit as kit
import pytest
import stations

from evkit.cli import main
from evkit.hashing.pieces import BLOCK

SIZE = 4 << 20
BAD = [512 * 9, BLOCK * 70 + 1024, SIZE - 512]


def test_two_acquisitions_of_a_failing_disk(tmp_path, program, monkeypatch, capsys):
    nbdkit, nbdfuse = program("nbdkit"), program("nbdfuse")
    content = random.Random(8).randbytes(SIZE)
    (tmp_path / "disk.raw").write_bytes(content)
    script = tmp_path / "disk.sh"
    tests = " || ".join(f"[ $(($4 + $3)) -gt {at} -a $4 -lt {at + 512} ]" for at in BAD)
    script.write_text(
        "#!/bin/bash\ncase $1 in\n"
        f"get_size) echo {SIZE};;\n"
        f"pread) if {tests}; then echo EIO Input/output error >&2; exit 1; fi\n"
        f" dd if='{tmp_path}/disk.raw' skip=$4 count=$3 status=none"
        " iflag=skip_bytes,count_bytes;;\n"
        "*) exit 2;;\nesac\n"
    )
    script.chmod(0o755)
    made = stations.ready(tmp_path / "station")
    with kit.failing_disk(tmp_path / "m", nbdkit, nbdfuse, "sh", str(script)) as place:
        if place is None:
            pytest.skip("FUSE cannot be used here")
        assert kit.acquire_with(made, place).exit_code == 3
    changed = bytearray(content)
    changed[BLOCK * 100 : BLOCK * 100 + 10] = b"0123456789"
    (tmp_path / "disk.raw").write_bytes(changed)
    assert kit.acquire_with(made, tmp_path / "disk.raw").exit_code == 0
    monkeypatch.setenv("EVKIT_STATION", os.fsdecode(made.path))
    assert main.run(["exhibit", "compare", "C1/E1/A1", "C1/E1/A2"]) == 4
    out = capsys.readouterr().out
    assert out.startswith("equal except 4 blocks: 3 unread in A1, 1 elsewhere\n")
    assert "sectors of 512 bytes that differ: 4" in out
