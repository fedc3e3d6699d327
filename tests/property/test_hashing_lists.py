"""Names of any bytes survive each list format; parts of any length give one piece tree."""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evkit.core.errors import InputError
from evkit.core.limits import read_lines
from evkit.hashing import pieces
from evkit.hashing.lists import bagit, formats, hashdeep, jsonl, sums
from evkit.hashing.lists.model import Collector
from evkit.hashing.rows import SYMLINK, Row

NAMES = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name),
        st.text(alphabet=" \n\r\t\\%#*,{}\u202eA\udcff0", min_size=1, max_size=12).map(
            lambda text: text.encode("utf-8", "surrogateescape")
        ),
    ),
    min_size=1,
    max_size=8,
    unique=True,
)


def read(form, data):
    collector = Collector(format=form)
    lines = read_lines(io.BytesIO(data))
    if form == "bagit":
        bagit.read(lines, collector, None)
    else:
        {"hashdeep": hashdeep, "sha256sum": sums, "jsonl": jsonl}[form].read(lines, collector)
    return collector.finish().rows


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(names=NAMES, form=st.sampled_from(formats.WRITABLE))
def test_any_name_survives(names, form):
    algorithms = ("sha256",) if form in formats.ONE_DIGEST else ("md5", "sha256")
    rows = [
        Row(
            name,
            size=len(name),
            digests={item: hashlib.new(item, name).hexdigest() for item in algorithms},
        )
        for name in names
    ]
    encode = formats.ListEncoder(form=form, algorithms=algorithms)
    data = formats.header(form, algorithms, []) + b"".join(map(encode, rows))
    back = read(form, data)
    assert set(back) == set(names)
    assert all(back[row.path].digests == row.digests for row in rows)


@given(target=st.binary(max_size=40), name=st.binary(min_size=1, max_size=40))
def test_any_link_survives(target, name):
    row = Row(name, SYMLINK, target=target)
    for form in ("hashdeep", "sha256sum", "jsonl"):
        encode = formats.ListEncoder(form=form, algorithms=("sha256",))
        data = formats.header(form, ("sha256",), []) + encode(row)
        assert read(form, data) == {name: row}


@settings(max_examples=200)
@given(data=st.binary(max_size=300), form=st.sampled_from(formats.WRITABLE))
def test_any_bytes_are_read_or_refused(data, form):
    head = formats.header(form, ("md5",), [])
    with contextlib.suppress(InputError):
        read(form, head + data)


@settings(max_examples=30)
@given(
    size=st.integers(0, 3 * pieces.GROUP_BYTES),
    cuts=st.lists(st.integers(0, 3 * pieces.GROUP_BYTES), max_size=6),
)
def test_parts_of_any_length_give_one_tree(size, cuts):
    data = hashlib.shake_128(b"seed").digest(size)
    edges = [0, *sorted(cut for cut in cuts if cut < size), size]
    hasher = pieces.PieceHasher(block_nodes=True)
    for start, stop in itertools.pairwise(edges):
        hasher.update(data[start:stop])
    leaves = bytearray()
    nodes = pieces.hash_groups(data, leaves)
    assert hasher.finish() == pieces.tree_from_nodes(size, nodes, bytes(leaves))
