"""Lengths in words."""

from __future__ import annotations

import pytest

from evkit.core.sizes import in_words


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1_048_575, "1,048,575 bytes"),
        (1 << 20, "1,048,576 bytes (1.0 MiB)"),
        (5_000_001, "5,000,001 bytes (4.8 MiB)"),
        (2 << 30, "2,147,483,648 bytes (2.0 GiB)"),
        (3 << 40, "3,298,534,883,328 bytes (3.0 TiB)"),
        (1 << 53, "9,007,199,254,740,992 bytes (8,192.0 TiB)"),
    ],
)
def test_in_words(count, text):
    assert in_words(count) == text
