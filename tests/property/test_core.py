"""evkit JSON, escaping and path fields over any input; the `rfc8785` package as oracle."""

from __future__ import annotations

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from evkit.core import ejson, paths
from evkit.core.ejson import MAX_INT
from evkit.core.errors import InputError
from evkit.core.text import escape, escape_bytes, is_clean

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
KEYS = st.text(alphabet=st.characters(max_codepoint=127))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-MAX_INT, MAX_INT), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=20,
)


@given(VALUES)
def test_the_bytes_are_those_of_rfc_8785_and_read_back(value):
    data = ejson.dumps(value)
    assert data == rfc8785.dumps(value)
    assert ejson.loads(data) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_one_spelling_or_an_error(data):
    try:
        value = ejson.loads(data)
    except InputError:
        return
    assert ejson.dumps(value) == data


@given(VALUES, st.data())
def test_a_changed_byte_is_another_value_or_an_error(value, data):
    text = bytearray(ejson.dumps(value))
    position = data.draw(st.integers(0, len(text) - 1))
    text[position] ^= data.draw(st.integers(1, 255))
    try:
        other = ejson.loads(bytes(text))
    except InputError:
        return
    assert ejson.dumps(other) == bytes(text) != ejson.dumps(value)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_escaping_keeps_names_apart_and_clean(first, second):
    shown = escape_bytes(first)
    assert is_clean(shown.replace("\\", ""))
    assert (shown == escape_bytes(second)) is (first == second)


@given(TEXT, TEXT)
def test_escaping_text_keeps_it_apart(first, second):
    assert (escape(first) == escape(second)) is (first == second)


@given(st.binary(max_size=60))
def test_path_fields_read_back(raw):
    assert paths.from_fields(paths.to_fields(raw)) == raw
