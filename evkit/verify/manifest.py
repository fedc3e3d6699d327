"""The manifest: signed by the issuer, and saying what the entries say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evkit.core import clock
from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.identity.certificate import check_chain
from evkit.ledger import dsse
from evkit.manifest import bag, contents, facts, layout, model
from evkit.verify.report import AUTHORSHIP, FAIL, RECORD
from evkit.verify.times import Placed
from evkit.verify.validity import is_compromise, validity

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from evkit.identity.certificate import Certificate
    from evkit.ledger.event import Entry
    from evkit.manifest.model import Manifest
    from evkit.verify.record import Tree
    from evkit.verify.report import Report
    from evkit.verify.times import Times
    from evkit.verify.trust import Trust

MAX_DIFFERENCES: Final = 5


def check_signature(
    data: bytes | None, trust: Trust, times: Times, report: Report, *, alone: bool = False
) -> tuple[Manifest, Certificate | None] | None:
    """Read `manifest.json` and check its signature and the issuer's certificate.

    Args:
        data: the file, None when it is missing.
        trust: certificates and trusted roots.
        times: of the entries that come with it; empty when there are none.
        report: takes the findings.
        alone: without its bundle, so that a missing certificate decides nothing.

    Returns:
        The manifest and the issuer's certificate (None when that is not here); None when the
        manifest itself cannot be read.
    """
    if data is None:
        report.failed(RECORD, "no-manifest", f"`{layout.MANIFEST}` is missing", layout.MANIFEST)
        return None
    try:
        envelope = model.parse_envelope(data)
        manifest = model.parse(envelope.payload)
    except InputError as error:
        text = f"`{layout.MANIFEST}` cannot be read: {escape(error.message)}"
        report.failed(RECORD, "manifest-form", text, layout.MANIFEST)
        return None
    certificate = trust.certificates.get(envelope.keyid)
    where = layout.MANIFEST
    if certificate is None:
        text = f"the certificate of the issuer is not here: sha256:{envelope.keyid}"
        (report.undecided if alone else report.failed)(AUTHORSHIP, "no-certificate", text, where)
        return manifest, None
    name = escape(certificate.officer)
    if not dsse.verify(envelope, certificate):
        text = f"the signature of `{where}` is not one of `{name}` over these bytes"
        report.failed(AUTHORSHIP, "manifest-signature", text, where)
        return manifest, certificate
    issuer = manifest.issuer
    stated = (issuer["officer"], issuer["name"], issuer["certificate"])
    if stated != (certificate.officer, certificate.common_name, certificate.fingerprint):
        text = f"`{where}` names another issuer than the certificate that signed it"
        report.failed(AUTHORSHIP, "manifest-issuer", text, where)
    _judge(manifest, certificate, trust, times, report)
    return manifest, certificate


def _judge(
    manifest: Manifest, certificate: Certificate, trust: Trust, times: Times, report: Report
) -> None:
    if not trust.roots:
        return
    try:
        at = clock.parse(manifest.made["utc"])
    except InputError as error:
        report.failed(RECORD, "manifest-form", escape(error.message), layout.MANIFEST)
        return
    result = check_chain(certificate, trust.roots, at, trust.crls)
    name = escape(certificate.officer)
    listed = result.revocation
    if is_compromise(listed):
        text = (
            f"the key of the issuer `{name}` may have been in other hands: its signature counts "
            "only under an anchor whose time was signed outside before that, and none was supplied"
        )
        report.undecided(AUTHORSHIP, "key-compromised", text, layout.MANIFEST)
    elif (
        result.state == "expired"
        and result.root is not None
        and not _refuted(certificate, result.root, at, times)
    ):
        text = (
            f"the manifest states {clock.format_utc(at)}, when the certificate of `{name}` was not "
            "valid; the entries before it do not show that it was made at that time"
        )
        report.undecided(AUTHORSHIP, "certificate-expired", text, layout.MANIFEST)
    elif result.ok:
        text = f"the manifest was signed by `{name}` ({escape(certificate.common_name)})"
        report.passed(AUTHORSHIP, "manifest-signature", text)
    else:
        text = f"certificate of the issuer `{name}`: {escape(result.detail)}"
        report.failed(AUTHORSHIP, f"certificate-{result.state}", text, layout.MANIFEST)


def _refuted(certificate: Certificate, root: Certificate, at: dt.datetime, times: Times) -> bool:
    """Say whether the entries before the manifest too lie outside the certificate's validity."""
    window = times.within(*validity(certificate, root))
    return window.place(times.end, at) is Placed.OUTSIDE


def check_bag_signature(
    tags: bytes | None, signature: bytes | None, issuer: Certificate | None, report: Report
) -> None:
    """Check the issuer's signature over the exact bytes of the tag manifest."""
    where = layout.SIGNATURE
    if signature is None or tags is None:
        missing = where if signature is None else bag.TAG_LIST
        report.failed(AUTHORSHIP, "bag-signature", f"`{missing}` is missing", missing)
    elif issuer is None:
        text = f"`{where}` cannot be checked: the certificate of the issuer is not here"
        report.undecided(AUTHORSHIP, "bag-signature", text, where)
    elif not issuer.verify(signature, tags):
        text = (
            f"`{where}` is not a signature of `{escape(issuer.officer)}` over `{bag.TAG_LIST}`: "
            "the list of the bundle's files was changed after it was signed"
        )
        report.failed(AUTHORSHIP, "bag-signature", text, where)
    elif not report.has(FAIL, AUTHORSHIP):
        text = f"`{escape(issuer.officer)}` signed the list of all files"
        report.passed(AUTHORSHIP, "bag-signature", text)


def check_facts(
    manifest: Manifest, entries: Mapping[int, Entry], tree: Tree | None, report: Report
) -> dict[str, Any]:
    """Compare the manifest with the entries, the checkpoint and the event that records it.

    Returns:
        The facts made from the entries.
    """
    where = layout.MANIFEST
    if tree is not None and manifest.head != tree.head.head()._asdict():
        shown = escape(str(manifest.head))
        text = f"`{where}` is about another head than the checkpoint"
        found = escape(str(tree.head.head()._asdict()))
        report.failed(RECORD, "manifest-head", text, where, shown, found)
    made = facts.facts([(index, entry.event, entry.event_id) for index, entry in entries.items()])
    found_any = False
    for number, (place, stated, real) in enumerate(facts.differences(manifest.facts, made)):
        found_any = True
        if number == MAX_DIFFERENCES:
            text = f"`{where}` differs from the entries in more places"
            report.failed(RECORD, "manifest-facts", text, where)
            break
        text = f"`{where}` says something else than the entries at `{escape(place)}`"
        report.failed(RECORD, "manifest-facts", text, where, escape(real), escape(stated))
    _bundle_event(manifest, entries, report)
    if not found_any:
        text = f"the manifest says what the {len(entries)} enclosed entries say"
        report.passed(RECORD, "manifest-facts", text)
    return made


def _bundle_event(manifest: Manifest, entries: Mapping[int, Entry], report: Report) -> None:
    where = layout.MANIFEST
    index = manifest.bundle_event["entry"]
    entry = entries.get(index)
    others = {entry.event.case for entry in entries.values()} - {None, manifest.case}
    if others:
        text = "entries of another case are enclosed"
        report.failed(RECORD, "other-case", text, where)
    if entry is None or entry.event_id != manifest.bundle_event["id"]:
        text = f"the entry {index} that records this bundle is not the one here"
        report.failed(RECORD, "bundle-event", text, where)
        return
    event = entry.event
    last = max((i for i, other in entries.items() if other.event.case == manifest.case), default=-1)
    if event.kind != "bundle" or event.case != manifest.case:
        text = f"entry {index} does not record a bundle of this case"
        report.failed(RECORD, "bundle-event", text, where)
    elif event.actor.certificate != manifest.issuer["certificate"]:
        text = f"entry {index} was signed by another officer than the manifest"
        report.failed(RECORD, "bundle-event", text, where)
    elif last != index:
        text = f"entry {last} of the case is newer than the bundle, recorded as entry {index}"
        report.failed(RECORD, "bundle-event", text, where)
    recorded = event.fields.get("enclosed")
    stated = {item.acquisition for item in manifest.enclosed if item.what != contents.INVENTORY}
    for ref in recorded if isinstance(recorded, (list, tuple)) else ():
        if ref not in stated:
            text = f"entry {index} records that data of `{escape(str(ref))}` are enclosed; the "
            text += "manifest does not enclose them"
            report.failed(RECORD, "bundle-event", text, where)
