"""Hash sets hold what was put in, whatever it was; sources of any bytes give digests or words."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path

import hashsetkit as kit
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evkit.core.errors import InputError
from evkit.core.progress import SILENT
from evkit.inventory.hashsets import formats, model
from evkit.inventory.hashsets.marks import Marks, line
from evkit.inventory.hashsets.marksheader import MarksHeader, SetFacts, parse_header
from evkit.inventory.hashsets.reader import HashSet

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WIDTHS = st.sampled_from(sorted(model.WIDTHS.values()))
# digests that share beginnings as well as those that do not
DIGESTS = WIDTHS.flatmap(
    lambda width: st.one_of(
        st.binary(min_size=width, max_size=width),
        st.binary(min_size=2, max_size=2).map(lambda end: bytes(width - 2) + end),
        st.binary(min_size=1, max_size=1).map(lambda end: b"\xff" * (width - 1) + end),
    )
)
ENTRIES = st.lists(st.lists(DIGESTS, min_size=1, max_size=3), min_size=1, max_size=60)


@QUICK
@given(ENTRIES, ENTRIES, st.sampled_from([2, 7, 1000]))
def test_a_set_answers_as_a_python_set_does(entries, others, run):
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "x"
        names = {width: name for name, width in model.WIDTHS.items()}
        inside = {digest for entry in entries for digest in entry if any(digest)}
        if not inside:
            with pytest.raises(InputError, match="no digest in it"):
                kit.write(path, entries, run)
            return
        kit.write(path, entries, run)
        with HashSet(os.fsencode(path)) as found:
            found.check()
            for digest in [d for entry in [*entries, *others] for d in entry]:
                assert found.has(names[len(digest)], digest) == (digest in inside)
            kept = [d for name in found.algorithms for part in found.digests(name) for d in part]
            assert set(kept) == inside
            assert len(found) == len(inside)
            for name in model.WIDTHS:
                wanted = sorted(d for entry in others for d in entry if names[len(d)] == name)
                assert found.among(name, wanted) == set(wanted) & inside


@QUICK
@given(ENTRIES, st.data())
def test_changed_bytes_are_an_error_and_nothing_else(entries, data):
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "x"
        kit.write(path, [*entries, kit.digests(1)])
        whole = path.read_bytes()
        at = data.draw(st.integers(0, len(whole) - 1))
        cut = data.draw(st.integers(0, 40))
        more = data.draw(st.binary(max_size=40))
        changed = whole[:at] + more + whole[at + cut :]
        if changed == whole:
            return
        path.chmod(0o644)
        path.write_bytes(changed)
        try:
            with HashSet(os.fsencode(path)) as found:
                found.check()
        except InputError:
            return
        raise AssertionError("a changed set was taken for a sound one")


@QUICK
@given(st.binary(max_size=3000))
def test_headers_of_any_bytes(data):
    try:
        header = model.parse_header(data)
    except InputError:
        return
    assert header.encode() == data


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12),
        st.binary(min_size=16, max_size=16).map(bytes.hex),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                st.sampled_from(["value", "Media", "MediaID", "MD5", "SHA1", "Hashes", "Category"]),
                st.text(max_size=5),
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=25,
)  # fmt: skip


def take(data: bytes, form: str, categories=()) -> kit.Taken | None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "source"
        path.write_bytes(data)
        found = kit.Taken()
        try:
            formats.take(os.fsencode(path), form, found, SILENT, categories)
        except InputError:
            return None
    assert all(len(digest) in {16, 20, 32} for entry in found.entries for digest in entry)
    assert all(count > 0 for count in found.left.values())
    return found


@QUICK
@given(JSON, st.sampled_from([(), (1, 2)]))
def test_json_of_any_shape(value, categories):
    found = take(json.dumps(value).encode(), "vics", categories)
    stack, media = [value], 0
    while stack and not categories:
        item = stack.pop()
        if isinstance(item, list):
            stack += item
        elif isinstance(item, dict):
            names = {"MediaID", "MD5", "SHA1"} & item.keys()
            media += bool(names) and item is not value
            stack += [] if names and item is not value else list(item.values())
    if found is not None and not categories:
        assert len(found.entries) + sum(found.left.values()) == media


@QUICK
@given(
    st.one_of(
        st.binary(max_size=400),
        st.text(alphabet="0123456789abcdefABCDEF ,;\t\"'\n\r#%()=*\\xé\ufeff", max_size=400).map(
            str.encode
        ),
    ),
    st.sampled_from(formats.FORMATS),
)
def test_sources_of_any_bytes(data, form):
    take(data, form)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "source"
        path.write_bytes(data)
        with contextlib.suppress(InputError):
            assert formats.recognise(os.fsencode(path)) in formats.FORMATS


@QUICK
@given(st.lists(st.one_of(
    WIDTHS.flatmap(lambda width: st.binary(min_size=width, max_size=width)).map(bytes.hex),
    st.text(alphabet="0123456789abcdefg", min_size=1, max_size=70),
), max_size=30))  # fmt: skip
def test_every_line_is_an_entry_or_is_counted(lines):
    found = take("".join(f"{text}\n" for text in lines).encode(), "plain")
    assert found is not None
    assert len(found.entries) + sum(found.left.values()) == len(lines)
    good = [text for text in lines if len(text) in {32, 40, 64} and "g" not in text]
    assert [entry[0].hex() for entry in found.entries] == good


FACTS = SetFacts("own", "a" * 64, "notable", True, "")
OTHER = SetFacts("nsrl", "b" * 64, "known", False, "2026.09")
MARKS = st.sets(st.tuples(st.integers(0, 99), st.integers(0, 1)), max_size=30).flatmap(
    lambda pairs: st.tuples(
        st.just(sorted(pairs)),
        st.lists(st.sampled_from(list(model.WIDTHS)), min_size=len(pairs), max_size=len(pairs)),
    )
)


def written(marks) -> bytes:
    pairs, names = marks
    sets = (FACTS, OTHER)
    kinds = {
        kind: len({stream for stream, at in pairs if sets[at].category == kind})
        for kind in ("known", "notable")
    }
    counts = {
        "streams": 100, "without_digest": 0, "marked": len({stream for stream, _ in pairs}),
        **kinds, "marks": len(pairs), "weak": sum(name != "sha256" for name in names),
    }  # fmt: skip
    header = MarksHeader(
        created=kit.CREATED, evkit="0.1.0", rows=100, row_root="c" * 64, sets=sets, counts=counts
    )
    rows = [line(*pair, name) for pair, name in zip(pairs, names, strict=True)]
    return header.encode() + b"\n" + b"".join(rows)


@QUICK
@given(MARKS, st.data())
def test_marks_are_read_as_they_were_written_and_changes_are_refused(marks, data):
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "x.db.marks.jsonl"
        whole = written(marks)
        path.write_bytes(whole)
        found = Marks.open(os.fsencode(path))
        pairs, names = marks
        for stream in range(100):
            expected = [
                ((FACTS, OTHER)[at].name, name)
                for (number, at), name in zip(pairs, names, strict=True)
                if number == stream
            ]
            assert [(mark.set, mark.digest) for mark in found.of(stream)] == expected
        assert set(found.streams()) == {stream for stream, _ in pairs}
        assert set(found.streams(sensitive=True)) == {stream for stream, at in pairs if at == 0}
        at = data.draw(st.integers(0, len(whole) - 1))
        path.write_bytes(whole[:at] + data.draw(st.binary(max_size=5)) + whole[at + 1 :])
        try:
            again = Marks.open(os.fsencode(path))
        except InputError:
            return
        assert again.header.encode().startswith(b'{"counts"')


@QUICK
@given(st.binary(max_size=500))
def test_first_lines_of_any_bytes(data):
    try:
        header = parse_header(data)
    except InputError:
        return
    assert header.encode() == data
