"""File types: libmagic's answers, and what is done about those that are wrong."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile

import pytest

from evkit.inventory.types.filetype import UNKNOWN, FileTypes, repaired


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "hello")
    return buffer.getvalue()


def test_types_and_the_engine_are_told():
    types = FileTypes()
    assert types.engine.startswith("libmagic 5.")
    assert (
        types.of(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01" + bytes(9))
        == "image/png"
    )
    assert types.of(_zip()) == "application/zip"
    assert types.of(b"hello\n") == "text/plain"


def test_a_zip_from_a_buffer_is_no_octet_stream():
    assert repaired("application/octet-stream", _zip()) == "application/zip"
    assert repaired("application/octet-stream", b"\x00\x01") == UNKNOWN


@pytest.mark.parametrize("answer", ["", "text", "a/b c", "a/\x1b[31m", "x/" + "y" * 200])
def test_an_odd_answer_is_not_passed_on(answer):
    assert repaired(answer, b"") == UNKNOWN


def test_equal_content_is_looked_at_once(monkeypatch):
    types = FileTypes()
    asked = []
    monkeypatch.setattr(types, "_ask", lambda head: asked.append(head) or "text/plain")
    assert [types.of(b"x", "digest"), types.of(b"x", "digest")] == ["text/plain"] * 2
    assert asked == [b"x"]


HIDDEN = """
import ctypes, ctypes.util, importlib.util, pathlib
own = str(pathlib.Path(importlib.util.find_spec("pylibmagic").origin).parent)
make, find = ctypes.CDLL.__init__, ctypes.util.find_library
def init(self, name, *rest, **more):
    if name and "magic" in str(name) and not str(name).startswith(own):
        raise OSError("hidden")
    make(self, name, *rest, **more)
ctypes.CDLL.__init__ = init
ctypes.util.find_library = lambda name: None if name == "magic" else find(name)
from evkit.inventory.types.filetype import FileTypes
types = FileTypes()
answers = {types.of(b"GIF89a" + bytes([0, number % 251]) * 40) for number in range(600)}
print(types.engine, *answers, types.narrowed)
"""


def test_where_the_system_has_no_libmagic_pylibmagic_is_used():
    done = subprocess.run(
        [sys.executable, "-c", HIDDEN], check=True, capture_output=True, text=True, timeout=60
    )
    engine, answers = done.stdout.rsplit(")", 1)
    assert engine.startswith("libmagic 5.")
    assert engine.endswith("(pylibmagic")
    assert answers.split() == ["image/gif", "True"]


def test_a_part_of_the_rules_that_fails_is_replaced_by_all_of_them(monkeypatch):
    types = FileTypes()
    heads = [b"GIF89a" + bytes([0, number % 251]) * 40 for number in range(300)]
    assert {types.of(head) for head in heads} == {"image/gif"}
    assert types.narrowed

    def fail(head):
        raise RuntimeError("no")

    monkeypatch.setattr(types._narrow, "ask", fail)
    assert types.of(heads[0]) == "image/gif"
    assert not types.narrowed
