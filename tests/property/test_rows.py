"""Rows accepted by their bytes are those that parsing accepts, with the same facts."""

from __future__ import annotations

import random

import inventorykit as kit
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evkit.core.errors import InputError
from evkit.core.paths import to_fields
from evkit.inventory.scan import Options
from evkit.manifest import rowaccept, rows

COUNTS = st.one_of(st.integers(0, 300), st.integers(0, 2**53), st.sampled_from((2**53 - 1, 10**15)))
TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(('"\\\x00\x7f\x1f', "\ud800", "é\u2028", ""))
)
SLUGS = st.sampled_from(("made-up", "a.b", "Not", ""))
BYTES = st.one_of(st.binary(max_size=12), st.sampled_from((b"\xff\xfe", "ü".encode(), b"a/b")))
STATES = st.sampled_from([*sorted(rows.STATES), "ok", "ok", "ok", "fine"])
FLAGS = st.lists(st.sampled_from(sorted(rows.FLAGS)), max_size=3).map(
    lambda found: found if len(found) > 2 else sorted(set(found))
)
STAMPS = st.dictionaries(
    st.sampled_from("abcm"), st.one_of(st.integers(-(10**20), 10**20).map(str), st.just("01"))
)
STEPS = st.dictionaries(st.sampled_from("abcm"), st.one_of(st.integers(0, 10**9), COUNTS))
DIGESTS = st.dictionaries(st.sampled_from(list(rows.DIGESTS)), st.integers(0, 255), max_size=4).map(
    lambda found: {k: f"{v:02x}" * (rows.DIGESTS[k] // 2) for k, v in found.items()}
)
EXTENTS = st.lists(st.tuples(st.integers(-2, 2**40), st.integers(0, 2**40)).map(list), max_size=4)


def _shared(**needed):
    return st.fixed_dictionaries(
        {"fs": COUNTS.filter(bool), "inode": COUNTS, **needed},
        optional={"flags": FLAGS, "detail": TEXTS, "reason": SLUGS},
    )


NAMES = st.builds(
    lambda some, path, name, more: {**some, **to_fields(path), **to_fields(name, "name"), **more},
    _shared(
        row=st.just("name"), parent=COUNTS, type=st.sampled_from(sorted(rows.TYPES)),
        allocated=st.booleans(), state=STATES,
    ),
    BYTES,
    BYTES,
    st.fixed_dictionaries(
        {},
        optional={
            "seq": COUNTS, "name": TEXTS, "path": TEXTS, "short": TEXTS, "stored": TEXTS,
            "target": TEXTS, "parent_seq": COUNTS, "name_seq": COUNTS, "mode": COUNTS,
            "uid": COUNTS, "gid": COUNTS, "links": COUNTS, "times": STAMPS, "name_times": STAMPS,
            "resolution": STEPS, "zone": st.sampled_from(("utc", "local-unknown", "PKT")),
            "reallocated": st.sampled_from(("no", "yes", "unknown")),
        },
    ),
)  # fmt: skip
DIRECTORIES = _shared(
    row=st.just("directory"), seq=COUNTS, path=TEXTS, allocated=st.booleans(), entries=COUNTS,
    state=STATES,
)  # fmt: skip
STREAMS = st.builds(
    lambda shared, more: {**shared, **more},
    _shared(
        row=st.just("stream"), seq=COUNTS, attr=COUNTS, attr_id=COUNTS, bytes_digested=st.just(7),
        basis=st.sampled_from([*sorted(rows.BASES), "allocated"]), state=STATES,
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "size": st.sampled_from((7, 7, 7, 8)), "digests": DIGESTS, "extents": EXTENTS,
            "extents_left_out": COUNTS, "name": TEXTS,
        },
    ),
)  # fmt: skip
ROWS = st.one_of(NAMES, DIRECTORIES, STREAMS)
NAME = {
    "row": "name", "fs": 1, "inode": 14, "seq": 0, "path": "/a", "name": "a\n\u2028", "parent": 2,
    "type": "file", "allocated": False, "reallocated": "no", "state": "ok", "flags": ["virtual"],
    "times": {"a": "-5", "m": "1626962852000000000"}, "zone": "utc", "resolution": {"m": 1},
    "uid": 0,
}  # fmt: skip
STREAM = {
    "row": "stream", "fs": 1, "inode": 14, "seq": 0, "attr": 128, "attr_id": 0, "size": 7,
    "bytes_digested": 7, "basis": "allocated", "state": "ok", "extents": [[-1, 3], [512, 4]],
    "digests": {"md5": "ab" * 16, "sha512": "0f" * 64}, "flags": ["compressed", "sparse"],
    "name": 'stream "q"',
}  # fmt: skip
DIRECTORY = {
    "row": "directory", "fs": 1, "inode": 2, "seq": 0, "path": "/", "allocated": True, "entries": 3,
    "state": "damaged", "reason": "loop", "detail": "x",
}  # fmt: skip
KINDS = ["name", "stream", "directory", "type"]
TYPE = {"row": "type", "stream": 7, "mime": "a/b/c"}
ALIKE = (
    b'"', b"\\", b"\\u000a", b"\\n", b"\\u001F", b"\x00", b"\x1f", b"\x7f", b"\xff",
    b"\xed\xa0\x80", b"\xc3\xa9",
    b"\xc0\x80", b",", b"{}", b"[]", b"0", b"-", b"1e3", b"1.0", b" ", b"\n", b"true", b"null",
    b":", b"9999999999999999", b"[-1,1]", b'"sparse"', b',"size":7', b"00", b"\\/", b"\\u00e9",
)  # fmt: skip


def _both(data: bytes) -> None:
    try:
        row = rows.parse(data)
    except InputError:
        with pytest.raises(InputError):
            rowaccept.accept(data)
        with pytest.raises(InputError):
            rowaccept.read(data)
        return
    assert rowaccept.accept(data) == rowaccept.facts_of(row)
    assert rowaccept.read(data) == row


@pytest.mark.parametrize("row", [NAME, STREAM, DIRECTORY, TYPE], ids=KINDS)
def test_usual_rows_are_not_parsed(row):
    data = rows.encode(row)
    assert rowaccept._matched(data) == rowaccept.facts_of(row)


@given(ROWS)
@example(NAME)
@example(STREAM | {"digests": {}})
@example(STREAM | {"size": 10**15, "bytes_digested": 10**15})
@settings(max_examples=1500)
def test_facts_are_the_same_either_way(row):
    try:
        data = rows._ENCODER.encode(row).encode("utf-8", "surrogatepass")
    except UnicodeEncodeError:
        return
    _both(data)


@given(st.sampled_from((NAME, STREAM, DIRECTORY, TYPE)), st.data())
@settings(max_examples=1500)
def test_mutated_rows_are_never_accepted_by_one_alone(row, data):
    raw = rows.encode(row)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(raw)))
        end = data.draw(st.integers(start, min(start + 12, len(raw))))
        raw = raw[:start] + data.draw(st.sampled_from((b"", *ALIKE))) + raw[end:]
    _both(raw)


@pytest.mark.parametrize("row", [NAME, STREAM, DIRECTORY, TYPE], ids=KINDS)
def test_every_byte_changed(row):
    raw = rows.encode(row)
    for place in range(len(raw)):
        for value in (
            b"",
            b"0",
            b'"',
            b",",
            b"\\",
            b"a",
            b"}",
            b" ",
            b"\x1f",
            b"\x80",
            raw[place:][:1] * 2,
        ):
            _both(raw[:place] + value + raw[place + 1 :])


def test_fields_out_of_order_left_out_or_twice():
    chance = random.Random(4)
    for row in (NAME, STREAM, DIRECTORY, TYPE):
        items = [rows._ENCODER.encode({key: value})[1:-1] for key, value in sorted(row.items())]
        for at in range(len(items)):
            less = items[:at] + items[at + 1 :]
            for changed in (
                less,
                [*items, items[at]],
                [items[at], *less],
                less[:at] + [items[at]] * 2,
            ):
                _both(("{" + ",".join(changed) + "}").encode())
        for _ in range(50):
            mixed = items[:]
            chance.shuffle(mixed)
            _both(("{" + ",".join(mixed) + "}").encode())


@given(ROWS, st.integers(0, 2**53), st.binary(min_size=16, max_size=16), st.data())
@settings(max_examples=300)
def test_lines_are_read_the_same_either_way(row, number, salt, data):
    try:
        line = rows.export_line(number, salt, rows.encode(row))
    except InputError:
        return
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(line)))
        line = line[:place] + data.draw(st.sampled_from(ALIKE)) + line[place:]
    try:
        found = rows.parse_export_line(line)
    except InputError:
        with pytest.raises(InputError):
            rowaccept.parse_export_line(line)
    else:
        assert rowaccept.parse_export_line(line) == found


@pytest.mark.parametrize("mime", ['a"/b', "text/plain"])
def test_lines_of_engine_rows_are_read_the_same_either_way(mime):
    row = rows.encode({"row": "type", "stream": 7, "mime": mime})
    line = rows.export_line(12, bytes(16), row, engine=True)
    assert rowaccept.parse_export_line(line) == rows.parse_export_line(line)
    for place in range(len(line)):
        for value in (b"", b"0", b'"', b" ", line[place : place + 1] * 2):
            wrong = line[:place] + value + line[place + 1 :]
            try:
                found = rows.parse_export_line(wrong)
            except InputError:
                with pytest.raises(InputError):
                    rowaccept.parse_export_line(wrong)
            else:
                assert rowaccept.parse_export_line(wrong) == found


@pytest.mark.parametrize("name", ["usb-fat16.raw", "phone-gpt-ext4.raw", "laptop-ntfs.raw"])
def test_rows_of_real_images(name, tmp_path):
    source = kit.SAMPLES / name
    if not source.exists():
        pytest.skip("the sample images are not here")
    with kit.scan(source, tmp_path / "i.db", Options(types=False)) as inventory:
        found = [text.encode() for (text,) in inventory._ask("SELECT row FROM rows")]
    for data in found:
        _both(data)
    quick = sum(rowaccept._matched(data) is not None for data in found)
    assert quick > len(found) * 0.8


PLAIN = [
    {"row": "name", "fs": 1, "inode": 5, "seq": 0, "path": "/x/a b", "name": "a ب", "parent": 2,
     "type": "file", "allocated": True, "state": "ok", "mode": 420, "uid": 0, "gid": 0, "links": 1,
     "times": {"m": "170"}, "resolution": {"m": 1}, "zone": "utc"},
    {"row": "stream", "fs": 1, "inode": 5, "seq": 0, "attr": 1, "attr_id": 0, "basis": "allocated",
     "bytes_digested": 7, "size": 7, "state": "ok", "extents": [[4096, 7]], "flags": ["sparse"],
     "digests": {"md5": "0" * 32, "sha256": "f" * 64}},
    {"row": "stream", "fs": 1, "inode": 6, "seq": 0, "attr": 1, "attr_id": 0, "basis": "allocated",
     "bytes_digested": 0, "size": 0, "state": "ok", "digests": {"sha1": "a" * 40}},
]  # fmt: skip


@given(
    st.lists(st.sampled_from((*PLAIN, NAME, DIRECTORY)), min_size=1, max_size=4),
    st.sampled_from(PLAIN), st.integers(0, 5), st.data(),
)  # fmt: skip
@settings(max_examples=1500)
def test_many_rows_are_accepted_as_one_by_one(some, alike, count, data):
    """Also when they are all alike but the last, and when one of them was changed."""
    lines = [rows.encode(row) for row in [*[alike] * count, *some]]
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(lines) - 1))
        raw = lines[place]
        start = data.draw(st.integers(0, len(raw)))
        end = data.draw(st.integers(start, min(start + 12, len(raw))))
        new = data.draw(st.sampled_from((b"", *ALIKE))).replace(b"\n", b"\r")
        lines[place] = raw[:start] + new + raw[end:]
    try:
        expected = [rowaccept.accept(line) for line in lines]
    except InputError:
        with pytest.raises(InputError):
            rowaccept.accept_all(lines)
        return
    assert list(rowaccept.accept_all(lines)) == expected


def test_rows_that_are_alike_are_told_at_once(monkeypatch):
    lines = [rows.encode(row) for row in PLAIN]
    expected = [rowaccept.accept(line) for line in lines]
    monkeypatch.setattr(rowaccept, "accept", None)
    for line, facts in zip(lines, expected, strict=True):
        assert list(rowaccept.accept_all([line] * 3)) == [facts] * 3
