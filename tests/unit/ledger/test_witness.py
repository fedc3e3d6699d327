"""Witness rules: the cases of transparency-dev/witness and of litewitness."""

from __future__ import annotations

import json

import pytest
from signers import people

from evkit.core.errors import InputError
from evkit.ledger.checkpoint import Checkpoint, parse_checkpoint_foreign, sign_checkpoint
from evkit.ledger.note import parse_vkey
from evkit.ledger.witness import Request, encode_request, judge, judge_request, parse_request
from evkit.merkle.tree import EMPTY_ROOT

ERRORS = {
    "stale": "conflict",
    "invalid proof": "bad-proof",
    "root mismatch": "fork",
    "old size invalid": "malformed",
}
STATUS = {
    "ok": 200,
    "malformed": 400,
    "unknown-log": 403,
    "bad-signature": 403,
    "conflict": 409,
    "bad-proof": 422,
    "fork": 409,
}


def test_update_cases(vectors):
    document = json.loads((vectors / "note/witness/update-cases.json").read_text())
    log = parse_vkey(document["log_vkey"])
    assert len(document["cases"]) == 9
    for case in document["cases"]:
        stored = parse_checkpoint_foreign(case["stored"].encode())
        assert stored.verify(log)
        proof = tuple(bytes.fromhex(text) for text in case["proof_hex"])
        request = Request(case["old_size"], proof, case["new"].encode())
        answer = judge(request, log, stored.checkpoint)
        assert (answer.outcome == "ok") == case["accept"], (case["desc"], answer)
        if "error" in case:
            assert answer.outcome == ERRORS[case["error"]], (case["desc"], answer)
        if case["accept"]:
            assert answer.checkpoint == parse_checkpoint_foreign(request.note).checkpoint
        else:
            assert answer.checkpoint is None
            assert answer.detail
        unrelated = parse_vkey(document["unrelated_log_vkey"])
        assert judge(request, unrelated, stored.checkpoint).outcome == "bad-signature"


def test_requests_in_order(vectors):
    document = json.loads((vectors / "note/witness/add-checkpoint-requests.json").read_text())
    log = parse_vkey(document["log_vkey"])
    stored: dict[str, Checkpoint] = {}
    assert len(document["requests"]) == 9
    for case in document["requests"]:
        answer = judge_request(case["body"].encode(), {log.name: log}, stored)
        status = STATUS[answer.outcome]
        if "strict decoder" in case.get("remark", ""):
            assert status in {400, case["status"]}
        else:
            assert status == case["status"], (case["desc"], answer)
        if status == 409:
            assert f"{answer.stored_size}\n" == case["reply"]
        if answer.checkpoint is not None:
            stored[log.name] = answer.checkpoint
    assert stored[log.name].size == 5


def test_request_round_trip(vectors):
    document = json.loads((vectors / "note/witness/add-checkpoint-requests.json").read_text())
    for case in document["requests"]:
        data = case["body"].encode()
        assert encode_request(parse_request(data)) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"old 0",
        b"old 0\n\n",
        b"old 01\n\nx\n",
        b"old -1\n\nx\n",
        "old ٣\n\nx\n".encode(),
        b"new 0\n\nx\n",
        b"old 0\nAAAA\n\nx\n",
        b"old 0\n!\n\nx\n",
        b"old 0\n" + (b"A" * 43 + b"=\n") * 64 + b"\nx\n",
        b"\xff\n\nx\n",
        b"x" * (2 << 20),
    ],
)
def test_malformed(data):
    with pytest.raises(InputError):
        parse_request(data)
    assert judge_request(data, {}, {}).outcome == "malformed"


def test_empty_log():
    log = people().log
    good = sign_checkpoint(Checkpoint(log.name, 0, EMPTY_ROOT), log)
    bad = sign_checkpoint(Checkpoint(log.name, 0, b"\x01" * 32), log)
    assert judge(Request(0, (), good), log.public, None).outcome == "ok"
    assert judge(Request(0, (), bad), log.public, None).outcome == "bad-proof"
    other = Checkpoint("other", 0, EMPTY_ROOT)
    assert judge(Request(0, (), good), log.public, other).outcome == "unknown-log"
    assert judge(Request(0, (), b"x"), log.public, None).outcome == "malformed"
