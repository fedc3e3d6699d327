"""Is a certificate issued by a trusted root, valid at a time, not revoked? A chain has one link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evkit.core import clock

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from evkit.identity.crl import Crl, Revocation
    from evkit.identity.x509 import Certificate

State = Literal["ok", "untrusted", "expired", "revoked", "bad"]


@dataclass(frozen=True, kw_only=True)
class ChainResult:
    """What was found about a certificate at one time.

    Attributes:
        state: `ok`; `untrusted` (no given root issued it); `expired` (not valid at that time);
            `revoked`; `bad` (a signature or the form is wrong).
        detail: one sentence.
        revocation_checked: a revocation list that holds at that time was there.
        root: the root that issued it, None when untrusted.
        revocation: the entry of the revocation list, also when it takes effect later.
    """

    state: State
    detail: str
    revocation_checked: bool = False
    root: Certificate | None = None
    revocation: Revocation | None = None

    @property
    def ok(self) -> bool:
        """Say whether the state is `ok`."""
        return self.state == "ok"


def check_chain(
    certificate: Certificate,
    roots: Sequence[Certificate],
    at: dt.datetime,
    crls: Sequence[Crl] = (),
) -> ChainResult:
    """Judge a certificate at a given time; never raises for a "no".

    Args:
        certificate: of an officer, or a root itself.
        roots: the roots that the verifier trusts.
        at: the time to judge at, aware.
        crls: revocation lists; those that no trusted root signed are ignored.
    """
    root, detail = _find_root(certificate, roots)
    if root is None:
        return ChainResult(state="untrusted" if not detail else "bad", detail=detail or _NO_ROOT)
    problems = list(certificate.problems)
    if certificate != root:
        problems.extend(root.problems)
        if certificate.is_ca:
            problems.append("it is an authority below the root; evkit has none")
    if not root.is_ca or not root.signed_by(root):
        problems.append("the root is not a self-signed authority")
    if problems:
        return ChainResult(state="bad", detail="; ".join(problems), root=root)
    lists = [crl for crl in crls if crl.signed_by(root)]
    checked = any(at <= crl.next_update for crl in lists)
    revocation = _revocation(certificate, lists)
    for what, cert in (("certificate", certificate), ("root", root)):
        problem = _time_problem(what, cert, at)
        if problem:
            return ChainResult(
                state="expired",
                detail=problem,
                root=root,
                revocation_checked=checked,
                revocation=revocation,
            )
    if revocation is not None and at >= revocation.effective:
        return ChainResult(
            state="revoked",
            detail=f"revoked from {clock.format_utc(revocation.effective)} ({revocation.reason})",
            root=root,
            revocation_checked=True,
            revocation=revocation,
        )
    return ChainResult(
        state="ok",
        detail="issued by a trusted root and valid at that time"
        + ("" if checked else "; revocation was not checked"),
        root=root,
        revocation_checked=checked,
        revocation=revocation,
    )


_NO_ROOT = "none of the given roots issued this certificate"


def _find_root(
    certificate: Certificate, roots: Sequence[Certificate]
) -> tuple[Certificate | None, str]:
    """Return the issuing root, or None and what is bad (empty when simply unknown)."""
    detail = ""
    for root in roots:
        if root.der == certificate.der:
            return root, ""
        if certificate.issuer_is(root):
            if certificate.signed_by(root):
                return root, ""
            detail = "it names a trusted root, but the root's signature on it is wrong"
    return None, detail


def _revocation(certificate: Certificate, lists: Sequence[Crl]) -> Revocation | None:
    """Return the entry that takes effect first."""
    found = [entry for crl in lists if (entry := crl.find(certificate.serial)) is not None]
    return min(found, key=lambda entry: entry.effective, default=None)


def _time_problem(what: str, certificate: Certificate, at: dt.datetime) -> str:
    if at < certificate.not_before:
        return f"the {what} is valid only from {clock.format_utc(certificate.not_before)}"
    if at > certificate.not_after:
        return f"the {what} expired at {clock.format_utc(certificate.not_after)}"
    return ""
