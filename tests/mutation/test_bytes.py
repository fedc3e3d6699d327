"""Every byte of a bundle, flipped in turn, is found, and the finding names the cause.

Twice: as somebody without keys would leave it (the lists of the bag are not those of the files, or
not those that were signed), and as the issuing officer could leave it, who can make the lists, the
manifest and `bag.sig` again. Then only the signatures of others and the tree stand in the way.
"""

from __future__ import annotations

import functools

import bundlekit
import pytest

from evkit.identity.certificate import Certificate
from evkit.ledger import dsse
from evkit.manifest import bag, layout, model
from evkit.verify import report as words

FLIP = 0x01


@pytest.fixture(scope="module")
def small():
    ledger = bundlekit.small()
    return ledger, ledger.bundle(), bundlekit.with_anchor(ledger)


@pytest.fixture(autouse=True)
def remembered(monkeypatch):
    """Remember signature checks of equal arguments: they are pure, and most stay the same."""
    real = Certificate.verify

    @functools.lru_cache(maxsize=100_000)
    def verify(certificate, signature, data):
        return real(certificate, signature, data)

    monkeypatch.setattr(Certificate, "verify", verify)


def flipped(data: bytes, at: int, mask: int = FLIP) -> bytes:
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def signed_names(files) -> list[str]:
    """The files that carry a signature of their own."""
    return sorted(
        name
        for name in files
        if name in {layout.MANIFEST, layout.SIGNATURE, bag.TAG_LIST}
        or name.startswith((layout.EVENTS, layout.TRUST))
        or name == layout.CHECKPOINT
    )


def test_the_bundle_itself_passes(small):
    _, files, supplied = small
    report = bundlekit.check(files, supplied)
    assert report.word == words.PASS, report.lines()


def test_every_byte_of_every_signed_file(small):
    _, files, supplied = small
    for name in signed_names(files):
        for at in range(len(files[name])):
            report = bundlekit.check(files | {name: flipped(files[name], at)}, supplied)
            assert report.word == words.FAIL, (name, at)
            assert names_the_cause(report, name), (name, at, report.lines())


def names_the_cause(report, name: str) -> bool:
    failures = [f for f in report.findings if f.state == words.FAIL]
    return any(name in f"{f.text} {f.where}" for f in failures)


@pytest.mark.parametrize(
    ("mask", "step"), [(0x01, 3), (0x80, 7), pytest.param(0x20, 1, marks=pytest.mark.slow)]
)
def test_every_byte_of_entries_trust_and_ledger_when_the_issuer_makes_the_lists_again(
    small, mask, step
):
    """The lists of the bag fit again, so the finding comes from the signatures and the tree."""
    ledger, files, supplied = small
    names = [
        name
        for name in files
        if name.startswith((layout.EVENTS, layout.TRUST, layout.LEDGER, layout.OPENINGS))
    ]
    for name in names:
        for at in range(0, len(files[name]), step):
            changed = files | {name: flipped(files[name], at, mask)}
            report = bundlekit.check(bundlekit.relist(changed, ledger.who.officer), supplied)
            assert report.word == words.FAIL, (name, at)


def test_every_byte_of_the_manifest_statement_when_the_issuer_signs_it_again(small):
    """A manifest that says something else than the entries is found although it is signed."""
    ledger, files, supplied = small
    payload = dsse.parse_own(files[layout.MANIFEST], limit=model.MAX_MANIFEST).payload
    free = free_text(payload)
    for at in range(0, len(payload), 3):
        wrong = flipped(payload, at)
        envelope = dsse.sign(wrong, dsse.IN_TOTO, ledger.who.officer, limit=model.MAX_MANIFEST)
        data = dsse.encode(envelope, limit=model.MAX_MANIFEST)
        changed = bundlekit.relist(files | {layout.MANIFEST: data}, ledger.who.officer)
        report = bundlekit.check(changed, supplied)
        if report.word == words.PASS:
            assert any(start <= at < end for start, end in free), payload[at - 40 : at + 40]


def free_text(payload: bytes) -> list[tuple[int, int]]:
    """Where only the issuer's word stands: the times, role, remarks, tool and sentences."""
    found = []
    for start, end in (
        (b'"made":{', b"}"),
        (b'"issuer":{', b"}"),
        (b'"not_proven":[', b"]"),
        (b'"remarks":[', b'],"statement"'),
        (b'"tool":{', b"}"),
    ):
        at = payload.index(start)
        found.append((at, payload.index(end, at) + 1))
    return found


@pytest.mark.slow
def test_every_byte_of_every_file():
    ledger, data = bundlekit.full()
    files = ledger.bundle(**data)
    supplied = bundlekit.with_anchor(ledger)
    for name, content in files.items():
        for at in range(len(content)):
            report = bundlekit.check(files | {name: flipped(content, at)}, supplied)
            assert report.word == words.FAIL, (name, at)
            assert names_the_cause(report, name), (name, at)


@pytest.mark.slow
def test_every_byte_cut_off_and_every_byte_doubled(small):
    _, files, supplied = small
    for name, content in files.items():
        for at in range(len(content)):
            for changed in (content[:at] + content[at + 1 :], content[: at + 1] + content[at:]):
                if changed != content:
                    report = bundlekit.check(files | {name: changed}, supplied)
                    assert report.word == words.FAIL, (name, at)
