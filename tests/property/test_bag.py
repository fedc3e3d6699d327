"""Lists of a bag: what is read is written back the same; anything else is refused."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from evkit.core.errors import InputError
from evkit.manifest import bag
from evkit.manifest.tree import MemoryTree

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(st.dictionaries(NAMES.map("data/{}".format), DIGESTS))
def test_what_is_accepted_is_written_back(digests):
    data = bag.format_list(digests)
    try:
        found = bag.parse_list(data, payload=True)
    except InputError:
        return
    assert found == digests
    assert bag.format_list(found) == data


@given(st.binary(max_size=300))
def test_noise(data):
    try:
        found = bag.parse_list(data, payload=True)
    except InputError:
        return
    assert bag.format_list(found) == data


@given(st.dictionaries(st.from_regex(r"data/[a-z]{1,9}", fullmatch=True), st.binary()))
def test_any_change_of_a_good_list_is_seen(payload):
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in payload.items()}
    text = bag.format_list(digests)
    for at in range(len(text)):
        changed = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
        try:
            assert bag.parse_list(changed, payload=True) != digests
        except InputError:
            continue


@given(st.dictionaries(st.text(max_size=20), st.binary(max_size=50), max_size=6))
def test_any_files_are_judged_without_an_exception(files):
    tree = MemoryTree(files)
    assert bag.read_bag(tree) == bag.read_bag(tree)  # a verdict, the same each time
