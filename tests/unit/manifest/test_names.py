"""Names that some system would read another way are refused."""

from __future__ import annotations

import pytest

from evkit.manifest import names


@pytest.mark.parametrize(
    "name",
    [
        "", "/etc/passwd", "../x", "data/../../x", "data/..", "./x", "data//x", "data/", "~root/x",
        "~/x", "C:/x", "c:x", "data\\x", "data/a:b", "data/x.", "data/x ", "data/ x", "a\nb",
        "a\rb",
        "a\x00b", "a\u202eb", "a\u200bb", "x" * 1025, "data/" + "x" * 256, "data/\udc80",
    ],
)  # fmt: skip
def test_refused(name):
    assert names.problem(name)


@pytest.mark.parametrize(
    "name", ["bagit.txt", "data/events/0.json", "data/ثبوت/a b.jpg", "data/.x"]
)
def test_accepted(name):
    assert names.problem(name) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("data/a", "data/A"),
        ("data/N\u00fa\u00f1ez", "data/Nu\u0301n\u0303ez"),
        ("data/stra\u00dfe", "data/STRASSE"),
        ("data/\u0130", "data/i\u0307"),
        ("data/x", "data/x/y"),
        ("data/X", "data/x/y"),
    ],
)
def test_collisions(first, second):
    assert names.collisions([first, second])
    assert names.collisions([second, first])


def test_no_collisions():
    assert names.collisions(["data/a", "data/b", "data/c/a", "a"]) == []


@pytest.mark.parametrize("name", ["a.exe", "data/x.LNK", "run.sh", "x.html", "x.Ps1", "a.b.js"])
def test_runnable(name):
    assert names.is_runnable(name)


@pytest.mark.parametrize("name", ["a.txt", "image.E01", "exe", "data/sh", "x.json", "a.exe.txt"])
def test_not_runnable(name):
    assert not names.is_runnable(name)
