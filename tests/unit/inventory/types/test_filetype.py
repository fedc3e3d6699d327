"""File types: libmagic's answers, and what is done about those that are wrong."""

from __future__ import annotations

import io
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
