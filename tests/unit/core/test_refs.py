from __future__ import annotations

import pytest

from evkit.core.errors import UsageError
from evkit.core.refs import Ref, is_case_id, is_ref, parse_ref


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2031-17", Ref("2031-17")),
        ("2031-17/E1", Ref("2031-17", "E1")),
        ("a.b_c/E12/A3", Ref("a.b_c", "E12", "A3")),
        ("A" * 64, Ref("A" * 64)),
    ],
)
def test_reads_and_writes_the_same_text(text, expected):
    assert parse_ref(text) == expected
    assert str(expected) == text
    assert is_ref(text)


@pytest.mark.parametrize(
    "text",
    ["", ".", "./x", "-a", "A" * 65, "c/e1", "c/E0", "c/E01", "c/E1/", "c/E1/A1/x", "c/A1",
     "c d", "c\n", "ک", "c/E1\n", "c/E1/A٣", "../x", "c/E1234567890"],
)  # fmt: skip
def test_refuses_every_other_shape(text):
    assert not is_ref(text)
    with pytest.raises(UsageError, match="is not a case"):
        parse_ref(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-457/e1", "2026-457/E1"),
        ("2026-457/E01/a1", "2026-457/E1/A1"),
        ("2026-457/", "2026-457"),
        ("2026-457/E1/", "2026-457/E1"),
    ],
)
def test_a_near_miss_is_named(text, meant):
    with pytest.raises(UsageError) as caught:
        parse_ref(text)
    assert caught.value.hint == f"did you mean `{meant}`?"


@pytest.mark.parametrize("text", ["457/2026", "2026-457/1", "2026-457/E0", "/E1"])
def test_nothing_is_guessed_from_a_number(text):
    with pytest.raises(UsageError) as caught:
        parse_ref(text)
    assert "did you mean" not in caught.value.hint


def test_a_ref_cannot_be_built_malformed():
    for parts in (("c", None, "A1"), ("c", "X1"), ("c/E1",)):
        with pytest.raises(UsageError):
            Ref(*parts)


def test_parents_and_children():
    ref = parse_ref("c/E1/A2")
    assert ref.of_case() == Ref("c")
    assert ref.of_exhibit() == Ref("c", "E1")
    assert ref.with_acquisition(3) == Ref("c", "E1", "A3")
    with pytest.raises(UsageError):
        Ref("c").of_exhibit()


def test_case_ids():
    assert is_case_id("FIR-2031.17_a")
    assert not is_case_id("c/E1")
    assert not is_case_id("")
