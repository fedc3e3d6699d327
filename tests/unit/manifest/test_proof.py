"""`evkit.manifest.proof`: one spelling, and nothing else is read."""

from __future__ import annotations

import dataclasses
import io
import json

import proofkit as kit
import pytest
from proofkit import BLOCK

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.manifest import proof as form
from evkit.manifest import proofheader

STATION = kit.Station()
MADE = STATION.prove(11)
DATA = kit.file_of(MADE)


def read(data: bytes):
    return form.read_proof(io.BytesIO(data))


@pytest.mark.parametrize("inode", list(kit.FILES))
def test_writing_what_was_read_gives_the_same_bytes(inode):
    data = kit.file_of(STATION.prove(inode))
    proof, at = read(data)
    assert form.encode_head(proof) + data[at:] == data
    assert proof.block_bytes == len(data) - at


def test_the_parts_come_back():
    proof, at = read(DATA)
    assert dataclasses.asdict(proof) == dataclasses.asdict(MADE[0])
    assert DATA[at:] == MADE[1]
    assert proof.blocks == ((8, 3), (20, 1), (30, 1))


def test_the_last_block_is_shorter():
    proof, blocks = STATION.prove(12)
    assert proof.blocks == ((39, 2),)
    assert proof.block_bytes == len(blocks) == BLOCK + 1000


def changed(**values) -> bytes:
    """The file with another header, spelled as evkit spells it."""
    magic, line, rest = DATA.split(b"\n", 2)
    header = json.loads(line)
    for key, value in values.items():
        if value is None:
            del header[key]
        else:
            header[key] = value
    return magic + b"\n" + ejson.dumps(header) + b"\n" + rest


ROW = {"n": 0, "row": "{}", "salt": "AAAAAAAAAAAAAAAAAAAAAA=="}


@pytest.mark.parametrize(
    "values",
    [
        {"more": 1}, {"schema": "evkit/proof-of-origin/2"}, {"crl": 1}, {"name": "x"},
        {"acquisition": "K-7/E1"}, {"acquisition": 7}, {"acquisition": "../x"},
        {"reading": "other"}, {"reading": ["extents"]}, {"size": -1}, {"size": True},
        {"end": 2}, {"inventory": "5"}, {"stream": 999}, {"name": 999}, {"checkpoint": 1},
        {"root": None}, {"leaves": 2**40}, {"leaves": -1}, {"row_hashes": 1025},
        {"block_hashes": 1}, {"other_bytes": -1}, {"rows": []}, {"rows": [ROW] * 6},
        {"rows": [ROW, ROW]}, {"rows": [{**ROW, "salt": "AA=="}]}, {"rows": [{**ROW, "n": -1}]},
        {"rows": [{"n": 0, "row": "{}"}]}, {"rows": "x"}, {"entries": {}}, {"entries": []},
        {"entries": [{"entry": 1, "envelope": 2}]}, {"entries": [1]}, {"officers": []},
        {"officers": {"../../x": "y"}}, {"officers": {"AB" * 32: "y"}},
        {"officers": {"ab" * 32: 1}}, {"blocks": [[0]]}, {"blocks": [[0, 0]]},
        {"blocks": [[-1, 2]]}, {"blocks": [[0, 1], [1, 1]]},
        {"blocks": [[4, 1], [2, 1]]}, {"blocks": [[0, 42]]}, {"blocks": [[0, 2**40]]},
        {"blocks": [[True, 1]]}, {"blocks": 1},
    ],
)  # fmt: skip
def test_other_headers_are_refused(values):
    with pytest.raises(InputError):
        read(changed(**values))


def test_more_runs_and_blocks_than_the_limits(monkeypatch):
    monkeypatch.setattr(proofheader, "MAX_RANGES", 2)
    with pytest.raises(InputError, match="at most 2 runs"):
        read(DATA)
    monkeypatch.undo()
    monkeypatch.setattr(proofheader, "MAX_BLOCKS", 4)
    with pytest.raises(InputError, match="more blocks"):
        read(DATA)


def test_a_header_without_an_end_is_not_read_for_ever(monkeypatch):
    monkeypatch.setattr(form, "MAX_HEADER", 1000)
    with pytest.raises(InputError, match="cut short or too long"):
        read(form.MAGIC + b"{" * 5000)
    with pytest.raises(InputError):
        read(DATA)
    with pytest.raises(InputError, match="over 1000"):
        form.encode_head(MADE[0])


@pytest.mark.parametrize("data", [b"", b"evkit", b"evkit-proof-of-origin 2\n{}\n", DATA[1:]])
def test_something_else(data):
    with pytest.raises(InputError, match="not a proof of origin"):
        read(data)


@pytest.mark.parametrize(
    "spelled",
    [
        lambda line: line.replace(b'"end":', b'"end": '),
        lambda line: line.replace(b"K-7", b"\\u004b-7"),
        lambda line: b'{"acquisition":"K-7/E1/A1",' + line[1:],
        lambda line: line.replace(b'"size":', b'"size":0'),
        lambda line: line + b" ",
        lambda _: b"[]",
        lambda _: b"[" * 100_000,
        lambda line: line[:-1],
    ],
)
def test_another_spelling_of_the_header(spelled):
    magic, line, rest = DATA.split(b"\n", 2)
    with pytest.raises(InputError):
        read(magic + b"\n" + spelled(line) + b"\n" + rest)


@pytest.mark.parametrize(
    "changes",
    [
        {"leaves": b"x"}, {"row_hashes": (b"x",)}, {"checkpoint": b"\xff"},
        {"blocks": ((0, 0),)}, {"reading": "nothing"}, {"other_bytes": 2**60},
        {"reading": form.FILE},
    ],
)  # fmt: skip
def test_what_would_not_be_read_is_not_written(changes):
    with pytest.raises(InputError):
        form.encode_head(dataclasses.replace(MADE[0], **changes))


def test_a_taken_in_file_is_enclosed_whole():
    whole = {"reading": form.FILE, "size": 3 * BLOCK + 5, "block_hashes": ()}
    for blocks, good in ((((0, 4),), True), (((0, 3),), False), ((), False)):
        proof = dataclasses.replace(MADE[0], blocks=blocks, **whole)
        if good:
            assert form.encode_head(proof)
        else:
            with pytest.raises(InputError, match="holds the file and no more"):
                form.encode_head(proof)
