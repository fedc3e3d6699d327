"""What the E01 writer writes is what the reader gives back: medium, digests, gaps, details."""

from __future__ import annotations

import dataclasses
import hashlib
import os

import e01kit
from hypothesis import given, settings
from hypothesis import strategies as st

from evkit.images.e01.reader import E01Image

PIECES = st.lists(
    st.tuples(st.sampled_from(["zero", "text", "noise"]), st.integers(1, 70_000)),
    min_size=1, max_size=6,
)  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)


def medium(pieces, sector):
    data = b"".join(
        bytes(size) if kind == "zero" else (
            (b"some text " * (size // 10 + 1))[:size] if kind == "text"
            else hashlib.shake_128(b"%d" % size).digest(size)
        )
        for kind, size in pieces
    )  # fmt: skip
    return data + b"\1" * (-len(data) % sector)


@settings(max_examples=60, deadline=None)
@given(
    pieces=PIECES,
    sector=st.sampled_from([512, 4096]),
    compression=st.sampled_from(["none", "fast", "best"]),
    add=st.integers(0, 150_000),
    group=st.integers(1, 9),
    examiner=TEXT,
    data=st.data(),
)
def test_round_trip(tmp_path_factory, pieces, sector, compression, add, group, examiner, data):
    content = medium(pieces, sector)
    first = st.integers(0, len(content) // sector - 1)
    unread = sorted(data.draw(st.sets(first, max_size=4)))
    content = bytearray(content)
    for number in unread:
        content[number * sector : (number + 1) * sector] = bytes(sector)
    content = bytes(content)
    smallest = e01kit.plan(len(content), sector_size=sector).smallest_segment
    paths, finished = e01kit.write(
        tmp_path_factory.mktemp("image"), content,
        unread=[(number * sector, sector) for number in unread],
        sector_size=sector, compression=compression, group=group,
        segment_size=smallest + 2000 + add,
        details=dataclasses.replace(e01kit.DETAILS, examiner=examiner),
    )  # fmt: skip
    with E01Image([os.fsencode(path) for path in paths]) as image:
        assert image.read(0, image.size + 1) == content
        assert image.sector_size == sector
        assert image.stored_digests == {
            "md5": hashlib.md5(content).hexdigest(), "sha1": hashlib.sha1(content).hexdigest(),
        }  # fmt: skip
        assert [size for _, size in image.declared_gaps] == [
            count * sector for _, count in finished.errors
        ]
        assert sum(size for _, size in image.declared_gaps) == len(unread) * sector
        # spaces around a value pad it in the containers of some imagers; the reader leaves them out
        assert image.metadata.get("examiner_name", "") == examiner.strip(" ")
        assert image.findings == ()
