"""What the verifier brings along is read strictly, and kindly where it comes from paper."""

from __future__ import annotations

import base64

import bundlekit
import pytest

from evkit.core.errors import InputError, UsageError
from evkit.manifest import memo as memos
from evkit.verify.supplied import Supplied, with_anchor, with_memo, with_trust

ROOT = bundlekit.people().root.certificate
LEDGER = bundlekit.small()


def test_trust():
    by_file = with_trust(Supplied(), "root.crt", ROOT.pem)
    assert by_file.trusts(ROOT.fingerprint)
    colons = ":".join(ROOT.fingerprint[at : at + 2] for at in range(0, 64, 2)).upper()
    for text in (ROOT.fingerprint, ROOT.fingerprint.upper(), colons):
        found = with_trust(Supplied(), f"sha256:{text}", None)
        assert found.any_root
        assert found.trusts(ROOT.fingerprint)
        assert not found.trusts("ab" * 32)
    assert not Supplied().any_root


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:" + "a" * 63, "sha1:" + "a" * 64, "x"])
def test_bad_trust(text):
    with pytest.raises(UsageError):
        with_trust(Supplied(), text, None)


def test_an_officer_is_no_root():
    with pytest.raises(InputError, match="not of an agency root"):
        with_trust(Supplied(), "x", bundlekit.people().officer.certificate.pem)
    with pytest.raises(InputError):
        with_trust(Supplied(), "x", b"junk")


def test_anchors():
    root = LEDGER.root()
    for text in (root.hex(), root.hex().upper(), base64.b64encode(root).decode()):
        anchor = with_anchor(Supplied(), f"5:{text}", None).anchors[0]
        assert (anchor.size, anchor.root, anchor.origin) == (5, root, None)
        assert anchor.fits("anything")
    anchor = with_anchor(Supplied(), "head", LEDGER.checkpoint()).anchors[0]
    assert (anchor.size, anchor.root, anchor.origin) == (5, root, bundlekit.ORIGIN)
    assert not anchor.fits("other")


@pytest.mark.parametrize(
    "text", ["", "5", "5:", "05:" + "a" * 64, "-1:" + "a" * 64, "٥:" + "a" * 64, "5:" + "a" * 63,
             "5:" + "a" * 65, "5:" + "=" * 44, "5:" + "A" * 44],
)  # fmt: skip
def test_bad_anchors(text):
    with pytest.raises(UsageError):
        with_anchor(Supplied(), text, None)


def test_a_file_that_is_no_checkpoint():
    with pytest.raises(InputError):
        with_anchor(Supplied(), "x", b"junk")


def test_a_memo_gives_both():
    memo = LEDGER.memo()
    typed = "\n".join(" ".join(line) for line in memos.group_lines(memo))
    for text in (memos.qr_text(memo), typed):
        found = with_memo(Supplied(), text, "memo.txt")
        assert found.trusts(ROOT.fingerprint)
        assert found.anchors[0].root == memo.root
        assert found.anchors[0].fits(bundlekit.ORIGIN)
        assert not found.anchors[0].fits("other.example/log")
        assert found.slips == ()


def test_a_slip_gives_what_is_left():
    typed = "\n".join(" ".join(line) for line in memos.group_lines(LEDGER.memo()))
    found = with_memo(Supplied(), "9" + typed, "")
    assert found.anchors == ()
    assert found.trusts(ROOT.fingerprint)
    assert found.slips[0].head_lost
    assert not found.slips[0].trust_lost


def test_a_slip_is_never_a_failure():
    files = LEDGER.bundle()
    typed = "\n".join(" ".join(line) for line in memos.group_lines(LEDGER.memo()))
    for at in range(0, len(typed), 7):
        if typed[at].isspace():
            continue
        wrong = typed[:at] + ("0" if typed[at] != "0" else "1") + typed[at + 1 :]
        report = bundlekit.check(files, with_memo(Supplied(), wrong, ""))
        assert report.word == "UNDECIDED"
        assert any("copied wrongly" in f.text for f in report.findings)
