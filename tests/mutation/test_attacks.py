"""What a clever insider could do to a bundle; each is found and named."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib

import bundlekit
import pytest
from bundlekit import CASE, Draft, Ledger

from evkit.core import clock, ejson
from evkit.identity.crl import Revocation, create_crl
from evkit.identity.ecdsa import ORDER, strict_der, to_der
from evkit.ledger import dsse
from evkit.ledger.checkpoint import Checkpoint, sign_checkpoint
from evkit.ledger.event import Actor, Head, Recorded, read_entry
from evkit.ledger.tlog_proof import parse_proof_own
from evkit.manifest import bag, layout, model
from evkit.manifest.openings import encode_openings
from evkit.verify.report import AUTHORSHIP, CONTENT, FAIL, HISTORY, PASS, RECORD, UNDECIDED
from evkit.verify.supplied import Supplied


@pytest.fixture(scope="module")
def small():
    ledger = bundlekit.small()
    return ledger, ledger.bundle(), bundlekit.with_anchor(ledger)


def fails(files, supplied, question, code):
    report = bundlekit.check(files, supplied)
    assert report.word == FAIL
    assert report.exit_code == 4
    wanted = [f for f in report.findings if (f.question, f.state, f.code) == (question, FAIL, code)]
    assert wanted, report.lines()
    return wanted[0]


# the lists of the bag


def test_an_edited_page_with_the_lists_made_again(small):
    _, files, supplied = small
    page = files[layout.PAGE].replace(b"Theft", b"Nothing")
    changed = bundlekit.relist(files | {layout.PAGE: page})
    found = fails(changed, supplied, AUTHORSHIP, "bag-signature")
    assert found.where == layout.SIGNATURE
    assert "changed after it was signed" in found.text


@pytest.mark.parametrize("name", [layout.PAGE, layout.README, "bag-info.txt"])
def test_an_edited_page_alone(small, name):
    _, files, supplied = small
    changed = files | {name: files[name].replace(b"2026", b"2025")}
    assert fails(changed, supplied, CONTENT, "file-digest").where == name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("extra.txt", "bag-unlisted"),
        ("data/extra.bin", "bag-unlisted"),
        ("data/events/99.json", "bag-unlisted"),
        ("autorun.inf", "bag-unlisted"),
        ("evkit.exe", "runnable"),
        ("verify.sh", "runnable"),
        ("data/exhibits/K-7/E1/A1/run.bat", "runnable"),
        ("fetch.txt", "bag-fetch"),
        ("tagmanifest-md5.txt", "bag-unlisted"),
    ],
)
def test_a_file_that_does_not_belong(small, name, code):
    _, files, supplied = small
    fails(files | {name: b"content"}, supplied, CONTENT, code)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("extra.txt", "layout-unknown"),
        ("data/extra.bin", "layout-unknown"),
        ("verify.exe", "runnable"),
        ("data/ledger/tile/0/001", "stray-tile"),
        ("data/events/99.tlog-proof", "stray-proof"),
        ("data/openings/2.json", "opening-form"),
        ("data/openings/77.json", "opening-stray"),
        ("data/exhibits/K-7/E1/A1/image.raw", "stray-exhibit"),
        ("data/inventories/K-7/E1/A1/inventory.jsonl", "stray-inventory"),
    ],
)
def test_a_file_that_does_not_belong_listed_and_signed_by_the_issuer(small, name, code):
    ledger, files, supplied = small
    changed = bundlekit.relist(files | {name: b"content"}, ledger.who.officer)
    fails(changed, supplied, CONTENT, code)


def test_every_file_left_out(small):
    ledger, files, supplied = small
    for name in files:
        rest = {other: data for other, data in files.items() if other != name}
        assert bundlekit.check(rest, supplied).word == FAIL, name
        if name.startswith("data/") and name != layout.MANIFEST:
            again = bundlekit.relist(rest, ledger.who.officer)
            assert bundlekit.check(again, supplied).word == FAIL, name


def test_another_officer_signs_the_lists(small):
    ledger, files, supplied = small
    changed = bundlekit.relist(files, ledger.who.other)
    fails(changed, supplied, AUTHORSHIP, "bag-signature")


# entries


def test_an_entry_left_out_by_the_issuer(small):
    """The issuer makes a new, well-signed bundle without one entry of the case."""
    ledger, data = bundlekit.full()
    for gone in (5, 6, 9):
        entries = {i: e for i, e in ledger.material().entries.items() if i != gone}
        exhibits = {key: s for key, s in data["exhibits"].items() if gone not in (6, 9)}
        files = ledger.bundle(entries=entries, exhibits=exhibits, inventories=data["inventories"])
        report = bundlekit.check(files, bundlekit.with_anchor(ledger))
        assert "case-hole" in bundlekit.codes(report), gone


def test_the_newest_entries_left_out(small):
    """An older bundle event is passed off as the last one: nothing is wrong with that bundle."""
    ledger = bundlekit.small()
    ledger.add(Draft(kind="incident", case=CASE, fields={"text": "seal broken"}))
    files = bundlekit.small().bundle()
    anchor = bundlekit.anchor_of(ledger)
    report = bundlekit.check(files, bundlekit.trusting(anchors=(anchor,)))
    assert report.answer(HISTORY) == UNDECIDED
    assert any("only 5" in f.text for f in report.findings if f.question == HISTORY)


def test_the_genesis_or_an_enrolment_left_out(small):
    ledger, _, supplied = small
    entries = dict(ledger.material().entries)
    without = {i: e for i, e in entries.items() if i != 0}
    fails(ledger.bundle(entries=without), supplied, RECORD, "no-genesis")
    without = {i: e for i, e in entries.items() if i != 1}
    fails(ledger.bundle(entries=without), supplied, RECORD, "not-enrolled")


@pytest.mark.parametrize("index", [0, 1, 3, 6, 9])
def test_a_file_of_an_entry_taken_away(index):
    """What is wrong is said once, and what only follows from it is not."""
    ledger, data = bundlekit.full()
    files = ledger.bundle(**data)
    del files[layout.event_path(index)]
    report = bundlekit.check(files, bundlekit.with_anchor(ledger))
    assert report.answer(CONTENT) == report.answer(RECORD) == FAIL
    assert {"bag-missing", "entry-missing"} <= bundlekit.codes(report)
    assert bundlekit.codes(report) <= {"bag-missing", "bag-oxum", "entry-missing"}, report.lines()
    assert f"entries {index} were taken out" in "\n".join(report.lines())


@pytest.mark.parametrize("name", ["Thumbs.db", "data/desktop.ini", "data/events/.DS_Store"])
def test_what_an_operating_system_leaves(small, name):
    _, files, supplied = small
    found = fails(files | {name: b"x"}, supplied, CONTENT, "bag-unlisted")
    assert "often left by an operating system" in found.text


def test_an_entry_of_another_case_is_not_let_in(small):
    ledger, data = bundlekit.full()
    entries = dict(enumerate(ledger.entries))
    files = ledger.bundle(entries=entries, **data)
    fails(files, bundlekit.with_anchor(ledger), RECORD, "other-case")


def test_the_same_event_twice():
    """The very envelope again, and the same event under a second valid signature."""
    ledger = bundlekit.small()
    ledger.entries.append(ledger.entries[3])
    material = ledger.material()
    files = ledger.bundle(entries={**material.entries, 5: ledger.entries[3]})
    fails(files, bundlekit.with_anchor(ledger), RECORD, "entry-twice")


def second_encoding(data: bytes) -> bytes:
    """The envelope with the other valid value of s."""
    envelope = dsse.parse_own(data)
    r, s = strict_der(envelope.signature)
    document = ejson.loads(data)
    import base64

    document["signatures"][0]["sig"] = base64.b64encode(to_der(r, ORDER - s)).decode()
    return ejson.dumps(document)


def longer_der(data: bytes) -> bytes:
    """The envelope with a signature whose DER length is written in the long form."""
    import base64

    envelope = dsse.parse_own(data)
    body = envelope.signature[2:]
    document = ejson.loads(data)
    wrong = bytes([0x30, 0x81, len(body)]) + body
    document["signatures"][0]["sig"] = base64.b64encode(wrong).decode()
    return ejson.dumps(document)


@pytest.mark.parametrize("change", [second_encoding, longer_der])
def test_a_second_encoding_of_a_signature(small, change):
    ledger, files, supplied = small
    name = layout.event_path(3)
    changed = bundlekit.relist(files | {name: change(files[name])}, ledger.who.officer)
    assert fails(changed, supplied, RECORD, "entry-form").where == name
    changed = bundlekit.relist(
        files | {layout.MANIFEST: change(files[layout.MANIFEST])}, ledger.who.officer
    )
    fails(changed, supplied, RECORD, "manifest-form")


def test_a_second_encoding_of_the_bag_signature(small):
    _, files, supplied = small
    r, s = strict_der(files[layout.SIGNATURE])
    changed = files | {layout.SIGNATURE: to_der(r, ORDER - s)}
    fails(changed, supplied, AUTHORSHIP, "bag-signature")


def resigned(ledger, index, **changes):
    """An entry of the issuing officer, changed and signed again."""
    envelope = dsse.parse_own(ledger.entries[index])
    document = ejson.loads(envelope.payload)
    document["predicate"].update(changes)
    payload = ejson.dumps(document)
    return dsse.encode(dsse.sign(payload, dsse.IN_TOTO, ledger.who.officer))


def test_an_entry_signed_again_does_not_fit_the_tree(small):
    ledger, files, supplied = small
    wrong = resigned(ledger, 3, fields={"what": "another phone"})
    name = layout.event_path(3)
    changed = bundlekit.relist(files | {name: wrong}, ledger.who.officer)
    assert fails(changed, supplied, RECORD, "inclusion").where == name


# the ledger


def rebuilt(**changes):
    """The station rewrites its history after the memo left, with all its keys."""
    ledger = Ledger()
    ledger.genesis()
    ledger.enrol(ledger.who.officer)
    ledger.add(Draft(kind="case-open", case=CASE, fields={"title": "Theft"}))
    ledger.add(
        Draft(kind="register", case=CASE, exhibits=(f"{CASE}/E1",), fields={"what": "a laptop"})
    )
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    return ledger


def test_a_rebuilt_ledger_passes_without_an_anchor_only_as_undecided(small):
    new = rebuilt()
    report = bundlekit.check(new.bundle(), bundlekit.trusting())
    assert report.word == UNDECIDED
    assert report.answer(HISTORY) == UNDECIDED


def test_a_rebuilt_ledger_against_the_old_anchor(small):
    old, _, _ = small
    for size in (4, 5):
        found = fails(rebuilt().bundle(), bundlekit.with_anchor(old, size), HISTORY, "fork")
        assert "rebuilt" in found.text
        assert found.expected.startswith(f"{size}:")
        assert found.expected != found.found


def test_an_anchor_from_before_the_fork_still_holds(small):
    old, _, _ = small
    report = bundlekit.check(rebuilt().bundle(), bundlekit.with_anchor(old, 3))
    assert report.answer(HISTORY) == PASS


def test_a_restored_backup():
    """A ledger that goes on from an older state beside entries that were anchored."""
    longer = bundlekit.small()
    restored = longer.copy()
    longer.add(Draft(kind="note", case=CASE, fields={"text": "anchored"}))
    memo = bundlekit.anchor_of(longer)
    restored.add(Draft(kind="note", case=CASE, fields={"text": "after the restore"}))
    restored.add(Draft(kind="bundle", case=CASE, fields={"form": "zip"}))
    fails(restored.bundle(), bundlekit.trusting(anchors=(memo,)), HISTORY, "fork")


def test_tiles_of_another_ledger(small):
    ledger, files, supplied = small
    other = rebuilt().bundle()
    for name in files:
        if name.startswith(layout.LEDGER) and name != layout.CHECKPOINT:
            changed = bundlekit.relist(files | {name: other[name]}, ledger.who.officer)
            report = bundlekit.check(changed, supplied)
            assert {"tree", "inclusion"} <= bundlekit.codes(report)


def test_a_checkpoint_signed_by_another_key(small):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from signers import LogSigner

    ledger, files, supplied = small
    thief = LogSigner(bundlekit.ORIGIN, Ed25519PrivateKey.generate())
    note = sign_checkpoint(Checkpoint(bundlekit.ORIGIN, 5, ledger.root()), thief)
    changed = bundlekit.relist(files | {layout.CHECKPOINT: note}, ledger.who.officer)
    fails(changed, supplied, RECORD, "checkpoint-signature")


def test_proofs_exchanged(small):
    ledger, files, supplied = small
    first, second = layout.proof_path(2), layout.proof_path(3)
    changed = files | {first: files[second], second: files[first]}
    fails(bundlekit.relist(changed, ledger.who.officer), supplied, RECORD, "proof")
    assert parse_proof_own(files[first]).index == 2


# pins


def with_pin(head):
    ledger = bundlekit.Ledger()
    ledger.genesis()
    ledger.enrol(ledger.who.officer)
    ledger.add(Draft(kind="case-open", case=CASE, fields={"title": "Theft"}), head=head)
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    return ledger


def test_a_pin_of_another_history():
    ledger = with_pin(Head(bundlekit.ORIGIN, 2, "ab" * 32))
    found = fails(ledger.bundle(), bundlekit.with_anchor(ledger), RECORD, "pin")
    assert "another history" in found.text


@pytest.mark.parametrize(
    "head", [Head(bundlekit.ORIGIN, 3, "ab" * 32), Head("other.example/log", 1, "ab" * 32)]
)
def test_a_pin_that_cannot_be(head):
    ledger = with_pin(head)
    fails(ledger.bundle(), bundlekit.with_anchor(ledger), RECORD, "pin")


def test_the_gap_of_pins_is_printed():
    ledger = bundlekit.small()
    old = Head(bundlekit.ORIGIN, 1, ledger.root(1).hex())
    ledger.add(Draft(kind="note", case=CASE, fields={"text": "x"}), head=old)
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "zip"}))
    report = bundlekit.check(ledger.bundle(), bundlekit.with_anchor(ledger))
    gap = [remark for remark in report.remarks if remark.code == "pin-gap"]
    assert gap[0].entries == (5,)
    assert "4 entries older" in gap[0].text
    assert report.word == PASS


# people


def test_no_trusted_root(small):
    ledger, files, _ = small
    report = bundlekit.check(files, Supplied(anchors=(bundlekit.anchor_of(ledger),)))
    assert report.word == UNDECIDED
    assert report.exit_code == 5
    assert report.answer(AUTHORSHIP) == UNDECIDED
    assert report.answer(RECORD) == UNDECIDED
    assert report.shown["root"].startswith("sha256:")


def test_another_root_of_the_same_name(small):
    ledger, files, _ = small
    other = bundlekit.make_root(99)
    supplied = Supplied(roots=(other.certificate,), anchors=(bundlekit.anchor_of(ledger),))
    found = fails(files, supplied, AUTHORSHIP, "other-root")
    assert other.certificate.fingerprint in found.expected


def impostor():
    """A whole second agency with the same names."""
    root = bundlekit.make_root(98)
    who = bundlekit.people()._replace(root=root, officer=bundlekit.make_officer(root, 97))
    ledger = Ledger(who)
    ledger.genesis()
    ledger.enrol(who.officer)
    ledger.add(Draft(kind="case-open", case=CASE, fields={"title": "Theft"}))
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    return ledger


def test_a_forged_agency_with_the_real_root_beside_it(small):
    """The real root's certificate is put into the forged bundle."""
    real = bundlekit.people().root.certificate
    ledger = impostor()
    fails(ledger.bundle(), bundlekit.trusting(), AUTHORSHIP, "other-root")
    files = ledger.bundle(root=real.pem)
    report = bundlekit.check(files, bundlekit.trusting(no_history=True))
    assert report.word == FAIL
    assert {"statement-root", "no-certificate"} & bundlekit.codes(report)


def test_an_entry_by_a_stranger():
    """Somebody with a certificate of another root signs an entry of the case."""
    ledger = bundlekit.Ledger()
    stranger = bundlekit.make_officer(bundlekit.make_root(96), 95, officer="c-stranger")
    ledger.genesis()
    ledger.enrol(ledger.who.officer)
    ledger.add(Draft(kind="case-open", case=CASE, fields={"title": "Theft"}))
    ledger.enrol(stranger)
    ledger.add(Draft(kind="note", case=CASE, fields={"text": "x"}), stranger)
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    report = bundlekit.check(ledger.bundle(), bundlekit.with_anchor(ledger))
    assert report.answer(AUTHORSHIP) == FAIL
    assert {"certificate-bad", "certificate-untrusted"} & bundlekit.codes(report)


def test_an_entry_in_the_name_of_somebody_else(small):
    ledger = bundlekit.small()
    officer = ledger.who.officer.certificate
    actor = Actor.of(officer)._replace(name="Second Keeper")
    ledger.add(Draft(kind="note", case=CASE, fields={"text": "x"}), actor=actor)
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "zip"}))
    fails(ledger.bundle(), bundlekit.with_anchor(ledger), AUTHORSHIP, "actor")


def test_an_officer_who_was_never_enrolled():
    ledger = bundlekit.small()
    other = ledger.who.other
    ledger.certificates[other.certificate.fingerprint] = other.certificate
    ledger.add(Draft(kind="note", case=CASE, fields={"text": "x"}), other)
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "zip"}))
    fails(ledger.bundle(), bundlekit.with_anchor(ledger), RECORD, "not-enrolled")


def test_an_expired_certificate():
    ledger = bundlekit.small()
    late = Recorded(clock.format_utc(bundlekit.START + dt.timedelta(days=400)), "+05:00", "fixed")
    ledger.add(Draft(kind="note", case=CASE, fields={"text": "x"}), recorded=late)
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "zip"}), recorded=late)
    found = fails(ledger.bundle(), bundlekit.with_anchor(ledger), AUTHORSHIP, "certificate-expired")
    assert "entry 6" in found.text


def stated(ledger, days, kind="note", signer=None):
    """Add an entry whose clock is `days` away from the right one."""
    minutes = dt.timedelta(days=days, minutes=ledger.minutes + 1)
    at = Recorded(clock.format_utc(bundlekit.START + minutes), "+05:00", "system")
    fields = {"form": "zip"} if kind == "bundle" else {"text": "x"}
    return ledger.add(Draft(kind=kind, case=CASE, fields=fields), signer, recorded=at)


@pytest.mark.parametrize("days", [-4000, 400, 20000])
def test_a_wrong_clock_between_right_ones(days):
    """An empty battery says 2015; the entries after it show that the signature was made in time."""
    ledger = bundlekit.small()
    first, second = stated(ledger, days), stated(ledger, days)
    stated(ledger, 0, "bundle")
    report = bundlekit.check(ledger.bundle(), bundlekit.with_anchor(ledger))
    assert report.word == PASS, report.lines()
    found = [remark for remark in report.remarks if remark.code == "clock-outside"]
    assert found
    assert all(remark.entries == (first, second) for remark in found)


@pytest.mark.parametrize("days", [-4000, 400])
def test_a_wrong_clock_at_the_end_decides_nothing(days):
    ledger = bundlekit.small()
    stated(ledger, days, "bundle")
    report = bundlekit.check(ledger.bundle(), bundlekit.with_anchor(ledger))
    assert report.answer(AUTHORSHIP) == UNDECIDED, report.lines()
    assert report.word == UNDECIDED


def test_a_wrong_clock_of_the_manifest_decides_nothing():
    ledger = bundlekit.small()
    made = clock.Instant(bundlekit.START - dt.timedelta(days=4000), "+05:00", "system")
    report = bundlekit.check(ledger.bundle(made=made), bundlekit.with_anchor(ledger))
    assert report.answer(AUTHORSHIP) == UNDECIDED
    assert not report.has(FAIL)


def test_entries_that_agree_on_a_time_after_the_certificate():
    ledger = bundlekit.small()
    stated(ledger, 400)
    middle = stated(ledger, 400)
    stated(ledger, 400, "bundle")
    found = fails(ledger.bundle(), bundlekit.with_anchor(ledger), AUTHORSHIP, "certificate-expired")
    assert found.where == f"entry {middle}"


def revoked(reason: str, **fields):
    """Two officers; one is revoked between two of their entries."""
    ledger = bundlekit.small()
    who = ledger.who
    ledger.enrol(who.other)
    ledger.add(Draft(kind="note", case=CASE, fields={"text": "before"}), who.other)
    at = bundlekit.START + dt.timedelta(minutes=ledger.minutes + 1)
    index = ledger.revoke(who.other, reason=reason, **fields)
    listed = Revocation(who.other.certificate.serial, at, reason,
                        at if reason == "compromise" else None)  # fmt: skip
    crl = create_crl(who.root, [listed], at=at)
    return ledger, index, crl.pem


def finish(ledger, crl=None):
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "zip"}))
    return bundlekit.check(ledger.bundle(crl=crl), bundlekit.with_anchor(ledger))


def test_entries_before_a_revocation_stay_valid():
    for with_list in (False, True):
        ledger, _, crl = revoked("ended")
        report = finish(ledger, crl if with_list else None)
        assert report.word == PASS, report.lines()


def test_an_entry_after_a_revocation():
    for with_list in (False, True):
        ledger, index, crl = revoked("ended")
        ledger.add(Draft(kind="note", case=CASE, fields={"text": "after"}), ledger.who.other)
        report = finish(ledger, crl if with_list else None)
        assert report.answer(AUTHORSHIP) == FAIL
        found = [f for f in report.findings if f.code == "revoked"]
        assert f"revocation in entry {index}" in found[0].text


def test_a_backdated_entry_after_a_revocation():
    """The order of the ledger decides, not the time that the entry claims."""
    ledger, _, crl = revoked("ended")
    early = Recorded(clock.format_utc(bundlekit.START + dt.timedelta(minutes=6)), "+05:00", "fixed")
    draft = Draft(kind="note", case=CASE, fields={"text": "backdated"})
    ledger.add(draft, ledger.who.other, recorded=early)
    assert finish(ledger, crl).answer(AUTHORSHIP) == FAIL


def test_a_compromised_key_counts_for_nothing_by_itself():
    when = clock.format_utc(bundlekit.START + dt.timedelta(minutes=8))
    for with_list in (False, True):
        ledger, _, crl = revoked("compromise", compromise=True, invalid_from=when)
        report = finish(ledger, crl if with_list else None)
        assert report.answer(AUTHORSHIP) == UNDECIDED
        assert any(f.code == "key-compromised" for f in report.findings)


def listed(reason, at, invalid_from=None):
    """A ledger without the entry that revokes, and a list that does."""
    ledger = bundlekit.small()
    who = ledger.who
    ledger.enrol(who.other)
    ledger.add(Draft(kind="note", case=CASE, fields={"text": "x"}), who.other)
    entry = Revocation(who.other.certificate.serial, at, reason, invalid_from)
    return finish(ledger, create_crl(who.root, [entry], at=at).pem)


@pytest.mark.parametrize(("reason", "before"), [("compromise", 30), ("compromise", 0),
                                                ("unspecified", 30), ("ended", 30)])  # fmt: skip
def test_a_compromise_that_only_the_list_knows(reason, before):
    """Its own clock cannot save an entry: whoever has the key also sets the clock."""
    at = bundlekit.START + dt.timedelta(days=60)
    report = listed(reason, at, at - dt.timedelta(days=before))
    assert report.answer(AUTHORSHIP) == UNDECIDED
    assert any(f.code == "key-compromised" for f in report.findings)
    assert not report.has(FAIL)


def test_entries_before_a_revocation_that_only_the_list_knows():
    report = listed("ended", bundlekit.START + dt.timedelta(days=60))
    assert report.word == PASS, report.lines()


def test_a_backdated_entry_after_a_revocation_that_only_the_list_knows():
    ledger = bundlekit.small()
    who = ledger.who
    ledger.enrol(who.other)
    stated(ledger, 90)
    early = stated(ledger, 0, signer=who.other)
    stated(ledger, 90, "bundle")
    at = bundlekit.START + dt.timedelta(days=60)
    entry = Revocation(who.other.certificate.serial, at, "ended")
    crl = create_crl(who.root, [entry], at=at).pem
    report = bundlekit.check(ledger.bundle(crl=crl), bundlekit.with_anchor(ledger))
    assert report.answer(AUTHORSHIP) == FAIL
    assert any(f.where == f"entry {early}" and f.code == "revoked" for f in report.findings)


def test_a_compromised_issuer_of_a_manifest():
    """Also of a manifest alone, and whatever time it states."""
    ledger = bundlekit.small()
    at = bundlekit.START + dt.timedelta(days=60)
    who = ledger.who
    entry = Revocation(who.officer.certificate.serial, at, "compromise", at)
    files = ledger.bundle(crl=create_crl(who.root, [entry], at=at).pem)
    report = bundlekit.check(files, bundlekit.with_anchor(ledger))
    assert report.answer(AUTHORSHIP) == UNDECIDED
    assert not any(f.code == "manifest-signature" for f in report.findings)


def test_a_second_revocation_for_compromise():
    ledger, _, _ = revoked("ended")
    ledger.revoke(ledger.who.other, reason="compromise", compromise=True)
    report = finish(ledger)
    assert report.answer(AUTHORSHIP) == UNDECIDED


def test_a_revocation_that_only_the_list_knows():
    ledger, _, crl = revoked("ended")
    ledger = bundlekit.small()
    ledger.enrol(ledger.who.other)
    late = Recorded(clock.format_utc(bundlekit.START + dt.timedelta(hours=3)), "+05:00", "fixed")
    ledger.add(Draft(kind="note", case=CASE, fields={"text": "x"}), ledger.who.other, recorded=late)
    assert finish(ledger, crl).answer(AUTHORSHIP) == FAIL


def test_an_officer_cannot_revoke():
    ledger = bundlekit.small()
    fields = {"officer": "b-ali", "certificate": "ab" * 32, "reason": "ended"}
    ledger.add(Draft(kind="revoke", fields=fields))
    report = finish(ledger)
    assert "revoke-signer" in bundlekit.codes(report)


def test_a_list_of_another_root(small):
    ledger, _, _ = small
    crl = create_crl(bundlekit.make_root(94), [], at=bundlekit.START).pem
    files = ledger.bundle(crl=crl)
    fails(files, bundlekit.with_anchor(ledger), AUTHORSHIP, "crl-signature")


# the manifest


def forged_manifest(small, **changes):
    ledger, files, _ = small
    made = model.parse(model.parse_envelope(files[layout.MANIFEST]).payload)
    wrong = dataclasses.replace(made, **changes)
    data = model.sign(wrong, ledger.who.officer)
    return bundlekit.relist(files | {layout.MANIFEST: data}, ledger.who.officer)


def test_a_manifest_that_says_something_else(small):
    _, files, supplied = small
    made = model.parse(model.parse_envelope(files[layout.MANIFEST]).payload)
    facts = ejson.loads(ejson.dumps(made.facts))
    facts["entries"][3]["fields"]["what"] = "nothing"
    found = fails(forged_manifest(small, facts=facts), supplied, RECORD, "manifest-facts")
    assert "entries[3].fields.what" in found.text
    assert (found.expected, found.found) == ("'phone'", "'nothing'")


def test_a_manifest_about_another_head(small):
    _, files, supplied = small
    made = model.parse(model.parse_envelope(files[layout.MANIFEST]).payload)
    head = dict(made.head) | {"size": 4}
    fails(forged_manifest(small, head=head), supplied, RECORD, "manifest-head")
    fails(forged_manifest(small, statement="ab" * 32), supplied, RECORD, "manifest-statement")
    event = {"entry": 3, "id": read_entry(files[layout.event_path(3)]).event_id}
    fails(forged_manifest(small, bundle_event=event), supplied, RECORD, "bundle-event")


def test_a_manifest_that_withholds_silently(small):
    ledger, files, supplied = small
    rest = {name: data for name, data in files.items() if not name.startswith(layout.OPENINGS)}
    changed = bundlekit.relist(rest, ledger.who.officer)
    fails(changed, supplied, CONTENT, "withheld")


def test_a_manifest_signed_by_somebody_else(small):
    ledger, files, supplied = small
    made = model.parse(model.parse_envelope(files[layout.MANIFEST]).payload)
    data = model.sign(made, ledger.who.other)
    report = bundlekit.check(
        bundlekit.relist(files | {layout.MANIFEST: data}, ledger.who.other), supplied
    )
    assert report.word == FAIL


def test_data_taken_out_of_a_bundle_that_was_recorded_with_them():
    """The issuer makes the bundle again and declares not enclosed what the entry says is."""
    ledger, data = bundlekit.full()
    ref = f"{CASE}/E1/A1"
    fields = {"form": "folder", "with_exhibits": True, "enclosed": [ref]}
    ledger.add(Draft(kind="bundle", case=CASE, fields=fields))
    supplied = bundlekit.with_anchor(ledger)
    assert bundlekit.check(ledger.bundle(**data), supplied).word == PASS
    left = {key: value for key, value in data["exhibits"].items() if key[0] != ref}
    found = fails(ledger.bundle(**(data | {"exhibits": left})), supplied, RECORD, "bundle-event")
    assert f"`{ref}` are enclosed" in found.text


def test_data_that_the_manifest_does_not_mention():
    ledger, data = bundlekit.full()
    files = ledger.bundle(**data)
    made = model.parse(model.parse_envelope(files[layout.MANIFEST]).payload)
    small = (ledger, files, None)
    supplied = bundlekit.with_anchor(ledger)
    changed = forged_manifest(small, enclosed=made.enclosed[1:])
    fails(changed, supplied, RECORD, "undeclared")
    fails(changed, supplied, CONTENT, "stray-exhibit")
    lie = dataclasses.replace(made.enclosed[0], size=1)
    fails(forged_manifest(small, enclosed=(lie, *made.enclosed[1:])), supplied, RECORD, "declared")
    twice = (*made.enclosed, model.Item("artifact", "K-7/E9/A1", "x", 1, "ab" * 32))
    fails(forged_manifest(small, enclosed=twice), supplied, RECORD, "declared")


# content


def changed_exhibit(name: str, data: bytes):
    ledger, parts = bundlekit.full()
    files = ledger.bundle(**parts)
    changed = bundlekit.relist(files | {name: data}, ledger.who.officer)
    return changed, bundlekit.with_anchor(ledger)


def ended_again(change=b"\xff"):
    """One flipped byte, and a second end that records the new digest: all of it well signed."""
    ledger, data = bundlekit.full()
    ref = f"{CASE}/E1/A1"
    forged = change + bundlekit.IMAGE[1:]
    image = bundlekit.artifact("image.raw", forged, "image")
    index = ledger.add(
        Draft(
            kind="acquire-end", case=CASE, exhibits=(f"{CASE}/E1",), acquisitions=(ref,),
            fields={
                "result": "complete", "made_by": "evkit", "artifacts": [image],
                "media": {
                    "size": len(forged), "sha256": image["sha256"],
                    "md5": hashlib.md5(forged).hexdigest(),
                },
            },
        )
    )  # fmt: skip
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    return ledger, data, forged, index


def test_a_second_end_cannot_replace_the_first():
    ledger, data, forged, index = ended_again()
    for enclosed in (forged, bundlekit.IMAGE):
        exhibits = data["exhibits"] | {(f"{CASE}/E1/A1", "image.raw"): bundlekit.stream(enclosed)}
        try:
            files = ledger.bundle(**(data | {"exhibits": exhibits}))
        except Exception:  # the writer refuses bytes that are not those of the first end
            assert enclosed is forged
            continue
        report = bundlekit.check(files, bundlekit.with_anchor(ledger))
        found = [f for f in report.findings if f.code == "ended-twice"]
        assert report.answer(CONTENT) == FAIL
        assert "entries 6 and " in found[0].text
        assert str(index) in found[0].text


def test_the_same_end_twice_is_a_remark():
    ledger, data, _, _ = ended_again(bundlekit.IMAGE[:1])
    report = bundlekit.check(ledger.bundle(**data), bundlekit.with_anchor(ledger))
    assert report.word == PASS, report.lines()
    assert any(remark.code == "acquisition-ended-twice" for remark in report.remarks)


def test_an_exhibit_exchanged_by_the_issuer():
    wrong = bundlekit.IMAGE[:-1] + b"\x00"
    name = "data/exhibits/K-7/E1/A1/image.raw"
    found = fails(*changed_exhibit(name, wrong), CONTENT, "exhibit-digest")
    assert found.where == name
    assert found.expected == hashlib.sha256(bundlekit.IMAGE).hexdigest()
    assert found.found == hashlib.sha256(wrong).hexdigest()


def test_a_taken_in_file_exchanged():
    name = "data/exhibits/K-7/E2/A1/files/000002"
    assert fails(*changed_exhibit(name, b"other"), CONTENT, "exhibit-digest").where == name


def test_an_inventory_with_a_row_changed():
    lines, _ = bundlekit.inventory()
    name = "data/inventories/K-7/E1/A1/inventory.jsonl"
    wrong = lines.replace(b"image.raw", b"image.rax")
    fails(*changed_exhibit(name, wrong), CONTENT, "row-root")
    for bad in (b"", lines + lines, lines[:-1], b"{}\n", lines.replace(b'"n":0', b'"n":1')):
        changed, supplied = changed_exhibit(name, bad)
        assert bundlekit.check(changed, supplied).answer(CONTENT) == FAIL


def test_an_opening_exchanged(small):
    ledger, files, supplied = small
    name = layout.opening_path(3)
    openings = [opening._replace(value="Somebody Else") for opening in ledger.openings[3]]
    changed = files | {name: encode_openings(openings)}
    fails(bundlekit.relist(changed, ledger.who.officer), supplied, CONTENT, "opening")


def test_a_page_that_runs_something(small):
    ledger, files, supplied = small
    for wrong in (
        b"<script>alert(1)</script>",
        b'<img src="http://x/">',
        b"<b onclick=x>",
        b'<a href="http://x/">',
        b'<p style="x">',
        b"<!-- x -->",
        b"<style>@import url(x)</style>",
        b"<svg>",
    ):
        page = files[layout.PAGE].replace(b"</body>", wrong + b"</body>")
        changed = bundlekit.relist(files | {layout.PAGE: page}, ledger.who.officer)
        fails(changed, supplied, CONTENT, "page-active")


def test_a_page_that_turns_its_text_around(small):
    ledger, files, supplied = small
    page = files[layout.PAGE].replace(b"</body>", "\u202e not \u202c</body>".encode())
    changed = bundlekit.relist(files | {layout.PAGE: page}, ledger.who.officer)
    fails(changed, supplied, CONTENT, "page-active")


def test_a_page_with_another_digest(small):
    ledger, files, supplied = small
    head = ledger.root().hex().encode()
    assert head in files[layout.PAGE]
    page = files[layout.PAGE].replace(head, b"ab" * 32)
    changed = bundlekit.relist(files | {layout.PAGE: page}, ledger.who.officer)
    fails(changed, supplied, RECORD, "page-digest")


def test_the_declaration_and_the_lists(small):
    ledger, files, supplied = small
    changed = files | {bag.BAGIT: bag.DECLARATION.replace(b"1.0", b"0.97")}
    fails(bundlekit.relist(changed, ledger.who.officer), supplied, CONTENT, "bag-declaration")
