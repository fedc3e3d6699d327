from __future__ import annotations

import math

import pytest

from evkit.core import ejson
from evkit.core.errors import InputError

PLAIN = {"arrays", "structures", "unicode"}  # the others hold floats or keys that are not ASCII


def test_published_canonical_forms(vectors):
    seen = set()
    for path in sorted((vectors / "jcs" / "outhex").iterdir()):
        data = bytes.fromhex("".join(path.read_text().split()))
        name = path.name.partition(".")[0]
        seen.add(name)
        if name in PLAIN:
            assert ejson.dumps(ejson.loads(data)) == data
        else:
            with pytest.raises(InputError):
                ejson.loads(data)
    assert seen > PLAIN


def test_published_inputs_lead_to_the_published_form(vectors):
    for name in ("arrays", "unicode"):
        value = ejson.loads((vectors / "jcs/input" / f"{name}.json").read_bytes(), canonical=False)
        assert ejson.dumps(value) == (vectors / "jcs/output" / f"{name}.json").read_bytes().strip()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, b"{}"),
        ({"b": 1, "a": [True, None, "x"]}, b'{"a":[true,null,"x"],"b":1}'),
        ({"": -5}, b'{"":-5}'),
        ('\u0000\u001f\b\t\n\f\r"\\/\u007f', b'"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\/\x7f"'),
        ("\u2028\u202e\U0001f600", '"\u2028\u202e\U0001f600"'.encode()),
        (2**53 - 1, b"9007199254740991"),
        (-(2**53) + 1, b"-9007199254740991"),
        ((1, 2), b"[1,2]"),
    ],
)
def test_one_spelling(value, text):
    assert ejson.dumps(value) == text
    assert ejson.dumps(ejson.loads(text)) == text


@pytest.mark.parametrize(
    "value",
    [1.0, math.nan, 2**53, -(2**53), {"é": 1}, {1: 2}, {"a": b"x"}, "\ud800", {"a": {1, 2}}],
)
def test_not_writable(value):
    with pytest.raises(InputError):
        ejson.dumps(value)


def test_depth_is_capped_both_ways():
    deep = []
    for _ in range(ejson.MAX_DEPTH - 1):
        deep = [deep]
    assert ejson.loads(ejson.dumps(deep)) == deep
    with pytest.raises(InputError, match="nested"):
        ejson.dumps([deep])
    for count in (ejson.MAX_DEPTH + 1, 100_000):
        with pytest.raises(InputError, match="nested"):
            ejson.loads(b"[" * count + b"]" * count)


@pytest.mark.parametrize(
    "text",
    [
        b"", b" 1", b"1 ", b"01", b"+1", b"-0", b"1.0", b"1e3", b"NaN", b"Infinity",
        b"9007199254740992",
        b"1" * 5000, b'{"a":1,"a":1}', b'{"b":1,"a":2}', b'{"a": 1}', b"[1,]", b"'a'",
        b'"\\u0041"',
        b'"\\/"', b'"\\ud800"', b'"\xff"', b'"\xed\xa0\x80"', b"\xef\xbb\xbf1", b"1\n", b'"\n"',
        b'{"\xc3\xa9":1}', b"{} {}", b"nul", b'"\\u000A"', "[１]".encode(),
    ],
)  # fmt: skip
def test_not_readable(text):
    with pytest.raises(InputError):
        ejson.loads(text)


def test_the_size_cap_is_checked_first():
    with pytest.raises(InputError, match="over the limit of 3"):
        ejson.loads(b"nonsense", max_bytes=3)


def test_other_spellings_only_when_asked():
    assert ejson.loads(b' {"b":1, "a":"\\u0041"}\n', canonical=False) == {"a": "A", "b": 1}
    with pytest.raises(InputError, match="twice"):
        ejson.loads(b'{"a":1,"a":2}', canonical=False)


def test_as_object():
    assert ejson.as_object({}, "x") == {}
    with pytest.raises(InputError, match="x is not a JSON object"):
        ejson.as_object([], "x")


def test_a_number_too_long_to_print_is_an_input_error():
    with pytest.raises(InputError, match="out of range"):
        ejson.dumps({"a": 1 << 20_000})


@pytest.mark.parametrize("data", [b'"\\ud800"', b'{"a":["\\udfff"]}'])
@pytest.mark.parametrize("canonical", [True, False])
def test_lone_surrogates_are_refused_in_every_spelling(data, canonical):
    with pytest.raises(InputError, match="surrogate"):
        ejson.loads(data, canonical=canonical)


@pytest.mark.parametrize(
    "data",
    [
        b"[" + b",".join([b"[]"] * (ejson.MAX_LISTS)) + b"]",
        b"[" + b",".join([b"1"] * (ejson.MAX_VALUES + 2)) + b"]",
        b"[" * (ejson.MAX_LISTS + 1),
    ],
    ids=["lists", "values", "deep"],
)
def test_more_values_than_memory_should_hold(data):
    with pytest.raises(InputError, match="too many values"):
        ejson.loads(data)


def test_a_large_text_is_no_large_number_of_values():
    data = ejson.dumps(["[" * 1000] * 1500 + ["x" * (1 << 20)])
    assert ejson.dumps(ejson.loads(data)) == data
