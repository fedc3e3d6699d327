"""Sizes on labels, compared with what a device reports."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from evkit.cli.choosing import fits


def device(size, title="SanDisk Cruzer Blade"):
    return SimpleNamespace(size=size, title=title)


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        ("500 GB", 500_107_862_016),
        ("500", 500_107_862_016),
        ("1.5 TB", 1_500_301_910_016),
        ("1.92TB", 1_920_383_410_176),
        ("0.5 TB", 500_107_862_016),
        ("7.5", 7_500_000_000),
        ("2.2 MiB", 2_293_760),
        ("16 GB", 15_502_147_584),
        ("32GB", 30_943_995_904),
        ("cruzer", 1),
        ("sandisk blade", 1),
    ],
)
def test_what_is_printed_on_it_fits(answer, size):
    assert fits(answer, device(size))


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        ("240 GB", 256_060_514_304),
        ("120 GB", 128_035_676_160),
        ("1.5 GB", 1_500_301_910_016),
        ("1.5 XB", 1_500_301_910_016),
        ("1.5.5 TB", 1_500_301_910_016),
        ("0.0", 1),
        ("9" * 400 + ".5", 1),
        ("kingston", 1),
        ("", 1),
        ("?", 1),
    ],
)
def test_what_does_not_fit(answer, size):
    assert not fits(answer, device(size))
