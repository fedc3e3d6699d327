"""What the verifier brings along: trusted roots, anchors, memos, and how much is asked.

Nothing here comes from the thing that is verified. A memo gives a trusted root and an anchor in
one; a slip in it leaves the check unmade and says where the slip is.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.core.errors import InputError, UsageError
from evkit.core.text import escape, shorten
from evkit.manifest import memo as memos

if TYPE_CHECKING:
    from evkit.identity.certificate import Certificate

REQUIRABLE: Final = ("content", "openings", "revocation")
_FINGERPRINT = re.compile(r"sha256:([0-9A-Fa-f:]{64,95})", re.ASCII)
_ANCHOR = re.compile(r"(0|[1-9][0-9]{0,15}):([0-9A-Za-z+/=]{44}|[0-9A-Fa-f]{64})", re.ASCII)
_ROOT_BYTES = 32
_SHOWN = 40


class Anchor(NamedTuple):
    """A head held outside.

    Attributes:
        label: where the verifier has it from, escaped.
        size: number of entries.
        root: 32 bytes.
        origin: its ledger, None when not known.
        origin_check: check value of the origin from a memo, None when not known.
    """

    label: str
    size: int
    root: bytes
    origin: str | None = None
    origin_check: int | None = None

    def fits(self, origin: str) -> bool:
        """Say whether the anchor may be of the ledger `origin`."""
        if self.origin is not None and self.origin != origin:
            return False
        return self.origin_check in {None, memos.origin_check(origin)}


class Slip(NamedTuple):
    """A memo that was copied wrongly: which memo, what is wrong, and which parts are lost."""

    label: str
    text: str
    head_lost: bool
    trust_lost: bool


@dataclass(frozen=True, kw_only=True)
class Supplied:
    """Everything the verifier supplied.

    Attributes:
        roots: root certificates given in full.
        fingerprints: SHA-256 (hex) of root certificates, from `--trust sha256:…` and memos.
        anchors: heads held outside.
        slips: memos copied wrongly.
        require: further things that must have been checked, of `REQUIRABLE`.
        no_history: the verifier waives the question of history.
    """

    roots: tuple[Certificate, ...] = ()
    fingerprints: frozenset[str] = frozenset()
    anchors: tuple[Anchor, ...] = ()
    slips: tuple[Slip, ...] = ()
    require: frozenset[str] = field(default_factory=frozenset)
    no_history: bool = False

    @property
    def any_root(self) -> bool:
        """Whether a trusted root was supplied in any form."""
        return bool(self.roots or self.fingerprints)

    def trusts(self, fingerprint: str) -> bool:
        """Say whether the certificate with this fingerprint is a supplied root."""
        known = self.fingerprints | {root.fingerprint for root in self.roots}
        return fingerprint in known


def with_trust(supplied: Supplied, text: str, data: bytes | None) -> Supplied:
    """Add `--trust`: a certificate file's content, or `sha256:…` when `data` is None.

    Raises:
        UsageError: the text is neither.
        InputError: the file is not a root certificate.
    """
    if data is None:
        match = _FINGERPRINT.fullmatch(text)
        digits = match[1].replace(":", "").lower() if match else ""
        if len(digits) != 2 * _ROOT_BYTES:
            raise UsageError(
                f"`{escape(text)}` is no file and not `sha256:` with 64 hex digits",
                hint="give the root certificate, or its fingerprint as printed on a memo",
            )
        return replace(supplied, fingerprints=supplied.fingerprints | {digits})
    from evkit.identity.certificate import load_certificate

    certificate = load_certificate(data)
    if not certificate.is_ca:
        raise InputError(
            f"`{escape(text)}` is the certificate of `{escape(certificate.common_name)}`, "
            "not of an agency root",
            hint="`--trust` takes the root certificate of the agency",
        )
    return replace(supplied, roots=(*supplied.roots, certificate))


def with_anchor(supplied: Supplied, text: str, data: bytes | None) -> Supplied:
    """Add `--anchor`: a checkpoint file's content, or `SIZE:ROOT` when `data` is None.

    Raises:
        UsageError: the text is neither a file nor `SIZE:ROOT`.
        InputError: the file is not a checkpoint.
    """
    shown = escape(shorten(text, _SHOWN))
    if data is not None:
        from evkit.ledger.checkpoint import parse_checkpoint_foreign

        head = parse_checkpoint_foreign(data).checkpoint
        anchor = Anchor(f"checkpoint {shown}", head.size, head.root, head.origin)
        return replace(supplied, anchors=(*supplied.anchors, anchor))
    match = _ANCHOR.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"`{escape(text)}` is no file and not SIZE:ROOT",
            hint="write the number of entries, a colon and the 64 hex digits of the root",
        )
    root = _root(match[2])
    if len(root) != _ROOT_BYTES:
        raise UsageError(f"the root in `{escape(text)}` is not 32 bytes")
    anchor = Anchor(f"anchor {shown}", int(match[1]), root)
    return replace(supplied, anchors=(*supplied.anchors, anchor))


def with_memo(supplied: Supplied, text: str, label: str) -> Supplied:
    """Add `--memo`: the QR text or the typed groups.

    Raises:
        InputError: the text holds two memos or is far too long.
    """
    reading = memos.parse(text)
    anchors, prints, slips = supplied.anchors, supplied.fingerprints, supplied.slips
    name = f"memo {escape(shorten(label, _SHOWN))}" if label else "memo"
    if reading.head is not None:
        head = reading.head
        anchors = (*anchors, Anchor(name, head.size, head.root, head.origin, head.origin_check))
    if reading.trust is not None:
        prints = prints | {reading.trust.hex()}
    for slip in reading.slips:
        lost = Slip(name, slip.text, reading.head is None, reading.trust is None)
        slips = (*slips, lost)
    return replace(supplied, anchors=anchors, fingerprints=prints, slips=slips)


def _root(text: str) -> bytes:
    if len(text) == 2 * _ROOT_BYTES:
        return bytes.fromhex(text)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
