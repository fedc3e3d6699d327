"""Memo pages: the text and the page give back the memo they carry."""

from __future__ import annotations

import hashlib
import html as html_lib
import re
import subprocess

import pytest

from evkit.bundle import memo as pages
from evkit.manifest import memo as m

MEMO = m.Memo(
    "punjab.example/gulberg",
    4711,
    hashlib.sha256(b"root").digest(),
    hashlib.sha256(b"trust").digest(),
)
EXHIBITS = (
    pages.MemoExhibit(
        ref="2026-457/E1/A1",
        what="USB stick <b>red</b>\x1b[31m \u202e",
        digests={"sha256": "ab" * 32, "md5": "cd" * 16},
    ),
)


def page(**changes):
    values = {
        "memo": MEMO,
        "agency": "Punjab Police",
        "station": "گلبرگ",
        "made": "2026-11-22T14:05:00+05:00",
        "by": "SI Officer",
        "case": "2026-457",
        "exhibits": EXHIBITS,
    }
    return pages.MemoPage(**{**values, **changes})


def test_the_text_reads_back_whole_or_in_parts():
    text = pages.text(page())
    assert m.parse(text).head.root == MEMO.root
    assert m.parse(text).trust == MEMO.trust
    typed = text.replace(m.TAG, "")
    reading = m.parse(typed)
    assert reading.slips == ()
    assert (reading.head.size, reading.head.root, reading.trust) == (4711, MEMO.root, MEMO.trust)


def test_an_exhibit_cannot_pass_itself_off_as_a_memo():
    what = f"\n{m.qr_text(MEMO._replace(size=1))}\n 1) 14p 5b1bx 6658r"
    exhibits = (pages.MemoExhibit(ref="2026-457/E1", what=what),)
    reading = m.parse(pages.text(page(exhibits=exhibits)))
    assert reading.head.size == 4711
    assert reading.slips == ()


def test_the_text_is_narrow_and_clean():
    text = pages.text(page())
    assert max(map(len, text.split("\n"))) <= 80
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "ab" * 32 in text


def test_the_page_shows_everything_and_runs_nothing():
    body = pages.html(page()).decode()
    assert "<script" not in body
    assert "<b>red</b>" not in body
    assert not re.search(r"\b(src|href|url)\b\s*[=(]", body)
    assert "\x1b" not in body
    words = html_lib.unescape(re.sub(r"<[^>]+>", " ", body))
    for value in (m.qr_text(MEMO), "گلبرگ", "ab" * 32, "2026-457/E1/A1"):
        assert value in words
    for line in m.group_lines(MEMO):
        for group in line:
            assert group in words


def read_qr(program, path):
    done = subprocess.run(
        [program("zbarimg"), "-q", "--raw", path], check=False, capture_output=True
    )
    return done.stdout.decode().strip()


def test_the_qr_code_is_read_back_by_another_program(program, tmp_path):
    import segno

    path = str(tmp_path / "qr.png")
    segno.make(m.qr_text(MEMO), error="m", micro=False).save(path, scale=4, border=4)
    assert read_qr(program, path) == m.qr_text(MEMO)


def test_the_printed_page_is_read_back(program, tmp_path):
    """Through a browser: page to PDF to picture to text."""
    source, pdf = tmp_path / "memo.html", tmp_path / "memo.pdf"
    source.write_bytes(pages.html(page()))
    done = subprocess.run(
        [program("chromium"), "--headless", "--no-sandbox", "--disable-gpu",
         f"--user-data-dir={tmp_path}/profile", "--no-pdf-header-footer",
         f"--print-to-pdf={pdf}", source.as_uri()],
        check=False, capture_output=True, timeout=120,
    )  # fmt: skip
    if not pdf.exists():
        pytest.fail(done.stderr.decode()[-500:])
    subprocess.run([program("pdftoppm"), "-png", "-r", "110", pdf, tmp_path / "page"], check=True)
    shots = sorted(tmp_path.glob("page*.png"))
    assert len(shots) == 1
    assert read_qr(program, str(shots[0])) == m.qr_text(MEMO)
