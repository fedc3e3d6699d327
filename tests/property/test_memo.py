"""Any slip of the pen in a memo is found, and never read as another memo."""

from __future__ import annotations

import hashlib

from hypothesis import example, given, settings
from hypothesis import strategies as st

from evkit.manifest import memo as m

ALPHABET = "0123456789abcdef" + m.LETTERS


def make(seed: int, size: int | None = None) -> m.Memo:
    root = hashlib.sha256(b"root%d" % seed).digest()
    trust = hashlib.sha256(b"trust%d" % seed).digest()
    return m.Memo(f"agency.example/station-{seed}", seed if size is None else size, root, trust)


def typed(memo: m.Memo) -> str:
    return " ".join(group for line in m.group_lines(memo) for group in line)


def agrees(reading: m.Reading, memo: m.Memo) -> bool:
    """A reading may lack parts, but what it has is what the memo said."""
    head = reading.head is None or (
        reading.head.size == memo.size
        and reading.head.root == memo.root
        and reading.head.fits(memo.origin)
    )
    return head and reading.trust in {None, memo.trust}


@given(st.integers(0, 2**53 - 1), st.integers(0, 999))
def test_round_trip(size, seed):
    memo = make(seed, size)
    for text in (typed(memo), m.qr_text(memo)):
        reading = m.parse(text)
        assert reading.slips == ()
        assert reading.head.size == size
        assert reading.head.root == memo.root
        assert reading.head.fits(memo.origin)
        assert reading.trust == memo.trust


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
@example(891598)  # the size is cut in two, and both parts happen to have the right letter
def test_every_single_wrong_character_is_found(seed):
    memo = make(seed)
    text = typed(memo)
    for at, right in enumerate(text):
        if right == " ":
            continue
        wrong = ALPHABET[(ALPHABET.index(right) + 1 + seed % (len(ALPHABET) - 1)) % len(ALPHABET)]
        reading = m.parse(text[:at] + wrong + text[at + 1 :])
        number = text[:at].count(" ") + 1
        assert reading.slips, (at, wrong)
        named = reading.slips[0].group
        assert named == number or (number == 1 and named <= 3)  # a letter may cut the size in two
        assert f"group {named} " in reading.slips[0].text
        assert agrees(reading, memo)


def test_every_wrong_character_at_every_place():
    text = typed(make(7))
    for at, right in enumerate(text):
        if right == " ":
            continue
        for wrong in ALPHABET:
            if wrong != right:
                assert m.parse(text[:at] + wrong + text[at + 1 :]).slips, (at, wrong)


def test_every_swap_of_neighbours():
    for seed in range(30):
        memo = make(seed)
        text = typed(memo).replace(" ", "")
        for at in range(len(text) - 1):
            swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
            if swapped != text:
                reading = m.parse(swapped)
                assert reading.slips, (seed, at)
                assert agrees(reading, memo)


def test_every_swap_of_two_groups():
    for seed in range(4):
        groups = typed(make(seed)).split()
        for first in range(len(groups)):
            for second in range(first):
                if groups[first][:-1] == groups[second][:-1]:
                    continue
                changed = list(groups)
                changed[first], changed[second] = changed[second], changed[first]
                assert m.parse(" ".join(changed)).slips, (seed, first, second)


def test_every_swap_of_two_lines():
    lines = [" ".join(line) for line in m.group_lines(make(3))]
    for first in range(1, 9):
        for second in range(1, first):
            changed = list(lines)
            changed[first], changed[second] = changed[second], changed[first]
            assert m.parse("\n".join(changed)).slips


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_several_slips(data):
    memo = make(data.draw(st.integers(0, 999)))
    text = list(typed(memo))
    for _ in range(data.draw(st.integers(2, 6))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at] = data.draw(st.sampled_from(ALPHABET))
    assert agrees(m.parse("".join(text)), memo)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_lost_and_added_characters(data):
    memo = make(data.draw(st.integers(0, 999)))
    text = typed(memo).replace(" ", "")
    at = data.draw(st.integers(0, len(text) - 1))
    if data.draw(st.booleans()):
        changed = text[:at] + text[at + 1 :]
    else:
        changed = text[:at] + data.draw(st.sampled_from(ALPHABET)) + text[at:]
    reading = m.parse(changed)
    assert agrees(reading, memo)
    assert reading.slips


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_exception(text):
    reading = m.parse(text)
    assert reading.slips
    assert reading.head is None
    assert reading.trust is None


@settings(max_examples=200)
@given(st.data())
def test_qr_text_with_a_wrong_character(data):
    memo = make(data.draw(st.integers(0, 99)))
    text = m.qr_text(memo)
    at = data.draw(st.integers(0, len(text) - 1))
    wrong = data.draw(st.sampled_from(ALPHABET + "/ ABC"))
    assert agrees(m.parse(text[:at] + wrong + text[at + 1 :]), memo)
