"""`evkit verify IMAGE.E01` without any record: what the container says of itself."""

from __future__ import annotations

import hashlib
import json
import os

import e01variants as v
import pytest

from evkit.cli.main import run

NOISE = bytes((i * i * 31 + i // 7) & 255 for i in range(40000))
MEDIUM = (NOISE + bytes(70000) + b"text " * 9000 + NOISE)[: 185 * 1024]
OTHER = "UNDECIDED; record UNDECIDED; history UNDECIDED"


@pytest.fixture
def verify(tmp_path, capsys, monkeypatch):
    def check(files, *, code, name="a.E01"):
        v.write(tmp_path, files)
        capsys.readouterr()
        found = run(["--json", "verify", str(tmp_path / name)])
        report = json.loads(capsys.readouterr().out)
        assert found == report["exit_code"] == code, report
        run(["verify", str(tmp_path / name)])
        assert report["first_line"] in capsys.readouterr().out
        return report

    monkeypatch.setenv("EVKIT_STATION", str(tmp_path / "none"))
    return check


def states(report, state):
    return [c for c in report["questions"]["content"]["checks"] if c["state"] == state]


def test_a_match_is_no_pass(verify):
    report = verify(v.build(MEDIUM), code=5)
    assert report["word"] == "UNDECIDED"
    assert report["questions"]["content"]["answer"] == "PASS"
    assert report["first_line"].endswith(
        "matches the container's MD5 and SHA-1: no damage; says nothing about tampering"
    )
    assert report["found_not_used"]["sha256 of the medium"] == hashlib.sha256(MEDIUM).hexdigest()
    assert [remark["code"] for remark in report["remarks"]] == ["no-record"]


@pytest.mark.parametrize("name", ["a.E01", "a.E02", "a.E03"])
def test_any_segment_stands_for_all(verify, name):
    report = verify(v.build(MEDIUM, per_segment=2), code=5, name=name)
    assert "matches the container's MD5" in report["first_line"]


def test_every_stored_digest_counts(verify):
    md5 = hashlib.md5(MEDIUM).digest()
    for changes, wrong in (
        ({"sha1": b"\1" * 20}, "SHA-1"),
        ({"md5": b"\1" * 16}, "MD5"),
    ):
        report = verify(v.build(MEDIUM, **changes), code=4)
        assert f"does not match the container's {wrong}" in report["first_line"]
    (data,) = v.build(MEDIUM)
    for kind, body in (
        ("hash", v.hash_body(b"\2" * 16)),
        ("digest", v.digest_body(b"\2" * 16, hashlib.sha1(MEDIUM).digest())),
    ):
        at, after = v.find(data, kind)
        report = verify([data[: at + 76] + body + data[after:]], code=4)
        (failed,) = states(report, "FAIL")
        assert (failed["expected"], failed["found"]) == ("02" * 16, md5.hex())
        assert failed["where"] == kind


def test_data_and_all_digests_written_again_match(verify):
    """What no check of a container by itself can find, and what the first line says."""
    changed = MEDIUM[:1000] + b"!" + MEDIUM[1001:]
    report = verify(v.build(changed), code=5)
    assert "says nothing about tampering" in report["first_line"]


def test_data_changed_without_the_digest(verify):
    files = v.build(MEDIUM[:1000] + b"!" + MEDIUM[1001:], md5=hashlib.md5(MEDIUM).digest())
    report = verify(files, code=4)
    assert "does not match the container's MD5" in report["first_line"]


def test_a_damaged_chunk_is_named(verify):
    (data,) = v.build(MEDIUM, compress=False)
    at, _ = v.find(data, "sectors")
    report = verify([v.flip(data, at + 76 + 3 * 32772 + 99)], code=4)
    place = "chunk 3, sectors 192\N{EN DASH}255, segment `a.E01`"
    assert f"1 chunk cannot be decoded: {place}" in report["first_line"]
    (failed,) = states(report, "FAIL")
    assert failed["text"] == f"cannot be decoded: {place}: its checksum is wrong"
    assert [c["code"] for c in states(report, "UNDECIDED")] == ["container-digest"]
    assert not states(report, "PASS")


def test_a_missing_segment_is_not_damage(verify, tmp_path):
    files = v.build(MEDIUM, per_segment=2)
    paths = v.write(tmp_path, files)
    os.remove(paths[1])
    report = verify([files[0]], code=5)
    assert "chunks 2 to 3, sectors 128\N{EN DASH}255" in report["first_line"]
    codes = {check["code"] for check in states(report, "UNDECIDED")}
    assert codes == {"container-missing", "container-digest"}
    assert any("a.E02" in remark["text"] for remark in report["remarks"])


def test_nothing_to_compare(verify):
    report = verify(v.build(MEDIUM, hash=False, digest=False), code=5)
    assert report["first_line"].endswith("no stored digest, nothing to compare")
    assert report["questions"]["content"]["answer"] == "UNDECIDED"


def test_a_damaged_digest_is_not_compared(verify):
    (data,) = v.build(MEDIUM, digest=False)
    at, _ = v.find(data, "hash")
    report = verify([v.flip(data, at + 80)], code=5)
    assert "nothing to compare" in report["first_line"]
    assert any("damaged section `hash`" in remark["text"] for remark in report["remarks"])


def test_damage_beside_the_medium_is_a_remark(verify):
    for kind in ("header2", "header", "volume", "table", "table2", "data"):
        (data,) = v.build(MEDIUM)
        at, after = v.find(data, kind)
        report = verify([data[: at + 76] + bytes(after - at - 76) + data[after:]], code=5)
        assert "matches the container's MD5" in report["first_line"]
        assert "no damage;" not in report["first_line"]
        assert "no damage to the medium, see the remarks" in report["first_line"]
        assert "container-odd" in {remark["code"] for remark in report["remarks"]}


def test_two_contents_in_one_container(verify):
    (data,) = v.build(MEDIUM)
    at, after = v.find(data, "header2")
    report = verify([v.reseal(data, at, b"header2", after, 5000)], code=5)
    assert "two contents in one container" in report["first_line"]
    assert report["questions"]["content"]["answer"] == "UNDECIDED"
    assert not states(report, "PASS")


def test_a_cut_file(verify):
    (data,) = v.build(MEDIUM, group=2)
    report = verify([data[: len(data) // 2]], code=5)
    assert "cannot be decoded" in report["first_line"]
    report = verify([data[:500]], code=4)
    assert report["first_line"].endswith("the container cannot be opened")
    report = verify([data[:5]], code=5)
    assert {remark["code"] for remark in report["remarks"]} == {"container-form"}


def test_sectors_that_its_maker_did_not_read(verify):
    report = verify(v.build(MEDIUM, errors=[(3, 4)]), code=5)
    (unread,) = (r for r in report["remarks"] if r["code"] == "container-unread")
    assert "2,048 bytes" in unread["text"] or "2.0 KiB" in unread["text"]


def test_a_file_that_cannot_be_read_now(verify, monkeypatch):
    real, many = os.pread, os.preadv

    def failing(descriptor, size, offset):
        if 40_000 < offset < 70_000 or size > 50_000:
            raise OSError(5, "Input/output error")
        return real(descriptor, size, offset)

    def failing_too(descriptor, buffers, offset):
        failing(descriptor, sum(map(len, buffers)), offset)
        return many(descriptor, buffers, offset)

    monkeypatch.setattr("evkit.images.files.os.pread", failing)
    monkeypatch.setattr("evkit.acquire.blockwork.os.preadv", failing_too)
    report = verify(v.build(MEDIUM, compress=False), code=5)
    assert report["unreadable"]
    checks = states(report, "UNDECIDED")
    assert "container-unreadable" in {check["code"] for check in checks}
    assert not states(report, "FAIL")
    assert any("cannot be read now: Input/output error" in check["text"] for check in checks)
    assert "1 chunk cannot be decoded: chunk 2," in report["first_line"]


def test_a_file_that_was_not_readable_for_a_moment(verify, monkeypatch):
    """What the workers could not read counts, also where it can be read a moment later."""
    many = os.preadv

    def failing(descriptor, buffers, offset):
        if 40_000 < offset < 70_000 or sum(map(len, buffers)) > 50_000:
            raise OSError(5, "Input/output error")
        return many(descriptor, buffers, offset)

    monkeypatch.setattr("evkit.acquire.blockwork.os.preadv", failing)
    report = verify(v.build(MEDIUM, compress=False), code=5)
    assert report["unreadable"]
    assert any("chunk 2, " in c["text"] and "at first, its file" in c["text"]
               for c in states(report, "UNDECIDED"))  # fmt: skip
    assert not states(report, "PASS")


@pytest.mark.parametrize("noise", [0, 1100])
def test_many_oddities_do_not_hide_a_second_content(verify, noise):
    def swap(entries, kind):
        return entries[::-1] if kind == b"table2" else entries

    medium = NOISE[:32768] + NOISE[:32768][::-1]
    extra = [(b"vendor%d" % number, b"") for number in range(noise)]
    report = verify(v.build(medium, compress=False, entries=swap, extra=extra), code=5)
    assert report["questions"]["content"]["answer"] == "UNDECIDED"
    assert "two contents in one container" in report["first_line"]


@pytest.mark.parametrize("chunks", [2**20, 2**32 - 1])
def test_a_claim_of_terabytes_keeps_nobody_busy(verify, chunks):
    report = verify([v.hollow(v.build(MEDIUM)[0], chunks)], code=5)
    assert [c["code"] for c in states(report, "UNDECIDED")] == ["container-missing"]
    assert states(report, "FAIL") == []
    assert f"{chunks - 6:,} chunks are not here" in report["first_line"]
