"""RFC 8785 vectors: our restricted JSON writes the same, and refuses clearly what it lacks."""

from __future__ import annotations

import json

import pytest

from evkit.core import ejson
from evkit.core.errors import InputError


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_published(vectors, name):
    source = (vectors / "jcs/input" / f"{name}.json").read_bytes()
    canonical = (vectors / "jcs/output" / f"{name}.json").read_bytes().rstrip(b"\n")
    spelled = "".join((vectors / "jcs/outhex" / f"{name}.txt").read_text().split())
    assert bytes.fromhex(spelled) == canonical
    document = json.loads(source)
    try:
        written = ejson.dumps(document)
    except InputError as error:
        reason = error.message
    else:
        assert written == canonical
        assert ejson.dumps(ejson.loads(canonical)) == canonical
        assert ejson.loads(source, canonical=False) == document
        if source != canonical:
            with pytest.raises(InputError):
                ejson.loads(source)
        return
    assert _reason(document) in reason, (name, reason)
    with pytest.raises(InputError):
        ejson.loads(source, canonical=False)
    if _reason(json.loads(canonical)) == "nothing":  # 56.0 is canonically 56
        assert ejson.dumps(ejson.loads(canonical)) == canonical
    else:
        with pytest.raises(InputError):
            ejson.loads(canonical)


def _reason(document):
    """What our restricted form lacks that this document uses."""
    for value in _values(document):
        if isinstance(value, float):
            return "float"
        if isinstance(value, dict) and not all(key.isascii() for key in value):
            return "ASCII"
    return "nothing"


def _values(value):
    stack = [value]
    while stack:
        item = stack.pop()
        yield item
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def test_numbers(vectors):
    """Of 10,000 published numbers those that are integers below 2^53 are written the same."""
    import struct

    same = refused = 0
    for line in (vectors / "jcs/es6-numbers-10000.txt").read_text().split():
        bits, text = line.split(",")
        value = struct.unpack(">d", bytes.fromhex(bits.zfill(16)))[0]
        if value == int(value) and abs(value) < 2**53:
            assert ejson.dumps(int(value)).decode() == text
            assert ejson.loads(text.encode()) == int(value)
            same += 1
        else:
            with pytest.raises(InputError):
                ejson.dumps(value)
            with pytest.raises(InputError):
                ejson.loads(text.encode())
            refused += 1
    assert same + refused == 10_000


def test_another_implementation_agrees():
    import rfc8785

    document = {"b": [1, -5, 2**53 - 1, True, None, 'é\u2028\x00"\\/\x7f😀'], "a": {}, "A": []}
    assert rfc8785.dumps(document) == ejson.dumps(document)
