"""Content of a proof of origin is written out only when nothing in the proof is wrong."""

from __future__ import annotations

import os

import proofkit as kit
import pytest

from evkit.actions.verify_origin import verify_file
from evkit.verify.report import FAIL, FILE, PASS


@pytest.mark.parametrize("forged", [False, True])
def test_content_of_a_proof_whose_record_is_wrong_is_not_written(tmp_path, forged):
    """The sectors have the digest of the row either way; the ledger is not the signed one."""
    station = kit.Station()
    ledger = station.ledger_part()
    if forged:
        ledger["leaves"] = ledger["leaves"][:-32] + bytes(32)
    path, out = tmp_path / "x.evproof", tmp_path / "out"
    path.write_bytes(kit.file_of(station.prove(10, **ledger)))
    report = verify_file(os.fsencode(path), kit.trusting(station), os.fspath(out))
    assert report.answer(FILE) == PASS
    assert (report.word == FAIL) is forged
    assert out.exists() is not forged
    assert ("was not written" in "".join(report.lines())) is forged
    assert sorted(os.listdir(tmp_path)) == sorted({"x.evproof", *([] if forged else ["out"])})
