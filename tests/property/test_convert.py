"""Raw to E01 to raw gives the same bytes, whatever content, length, compression and division."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from evkit.actions import image_convert
from evkit.actions.image_job import Request

SECTOR = 512
PARTS = st.lists(
    st.one_of(
        st.binary(min_size=SECTOR, max_size=SECTOR),
        st.integers(1, 200).map(lambda count: bytes(count * SECTOR)),
        st.integers(1, 200).map(lambda count: b"evidence" * (count * SECTOR // 8)),
        st.integers(1, 200).map(lambda count: os.urandom(SECTOR) * count),
    ),
    min_size=1,
    max_size=8,
)


def convert(folder, source, target, **options):
    done = image_convert.run(
        os.fsencode(folder / source), os.fsencode(folder / target), Request(**options)
    )
    assert done.exit_code == 0
    return done


@settings(max_examples=10, deadline=None)
@given(
    parts=PARTS,
    compress=st.sampled_from(["none", "fast", "best"]),
    segment=st.one_of(st.none(), st.integers(90_000, 400_000)),
    pieces=st.integers(1, 6),
)
def test_there_and_back(parts, compress, segment, pieces):
    data = b"".join(parts)
    split = None if pieces == 1 else -(-len(data) // pieces)
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "a.dd").write_bytes(data)
        there = convert(folder, "a.dd", "b.E01", compress=compress, split=segment)
        back = convert(folder, "b.E01", "c.dd", split=split)
        paths = [Path(os.fsdecode(path)) for path in back.files]
        assert b"".join(path.read_bytes() for path in paths) == data
        assert all(split is None or path.stat().st_size <= split for path in paths)
        assert all(segment is None or os.path.getsize(path) <= segment for path in there.files)
        whole = convert(folder, os.fsdecode(os.path.basename(back.files[0])), "d.E01")
        assert whole.done.made.outcome.digests == there.done.made.outcome.digests
    finally:
        shutil.rmtree(folder)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_any_range(data):
    count = data.draw(st.integers(1, 300))
    start = data.draw(st.integers(0, count - 1))
    length = data.draw(st.integers(1, count - start))
    content = os.urandom(SECTOR) * count
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "a.dd").write_bytes(content)
        convert(folder, "a.dd", "b.E01")
        for source in ("a.dd", "b.E01"):
            convert(folder, source, f"{source}.x.dd", range=f"{start}s+{length}s")
            found = (folder / f"{source}.x.dd").read_bytes()
            assert found == content[start * SECTOR : (start + length) * SECTOR]
    finally:
        shutil.rmtree(folder)
