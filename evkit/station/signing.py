"""Who may sign at a station: the agency root, and officers who are enrolled and not revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core import clock
from evkit.core.errors import IdentityError
from evkit.core.text import escape
from evkit.station.reading import event_of

if TYPE_CHECKING:
    from evkit.identity.certificate import Certificate
    from evkit.station.store import Store
    from evkit.station.trust import Trust

ROOT_KINDS = frozenset({"station", "revoke", "recover"})  # the root signs these and nothing else


def require_signer(store: Store, trust: Trust, certificate: Certificate, kind: str) -> None:
    """Refuse a certificate that may not sign an event of this kind here.

    A certificate out of its time is no reason: clocks are wrong more often than officers, and the
    verifier judges by the anchors. It becomes a deviation.

    Raises:
        IdentityError: not of this station's root, not enrolled, revoked, or the wrong duty.
    """
    root = trust.root()
    if certificate == root:
        if kind not in ROOT_KINDS:
            raise IdentityError(f"the agency root does not sign events of kind `{kind}`")
        return
    if kind in ROOT_KINDS:
        raise IdentityError(f"only the agency root signs events of kind `{kind}`")
    officer = escape(certificate.officer)
    if certificate.problems or not certificate.signed_by(root):
        raise IdentityError(f"the certificate of `{officer}` was not issued by this station's root")
    if kind != "enrol" and store.last_by(certificate.fingerprint) is None:
        raise IdentityError(
            f"officer `{officer}` is not enrolled at this station",
            hint="enrol with `evkit officer enrol NAME`; an enrolment that was stopped is finished "
            "by the same command",
        )
    _require_unrevoked(store, trust, certificate)


def _require_unrevoked(store: Store, trust: Trust, certificate: Certificate) -> None:
    crl = trust.crl()
    listed = crl is not None and crl.find(certificate.serial) is not None
    events = (event_of(entry) for entry in store.of_kinds(("revoke",)))
    if listed or any(e.fields.get("certificate") == certificate.fingerprint for e in events):
        raise IdentityError(
            f"the certificate of officer `{escape(certificate.officer)}` is revoked",
            hint="sign as another officer (`--officer`)",
        )


def time_deviation(certificate: Certificate) -> tuple[str, str] | None:
    """Return code and text of the deviation when the clock is outside the certificate's time."""
    moment = clock.now().utc
    if moment < certificate.not_before:
        text = f"signed before the certificate is valid ({_day(certificate.not_before)})"
    elif moment > certificate.not_after:
        text = f"signed after the certificate has ended ({_day(certificate.not_after)})"
    else:
        return None
    return "certificate-time", text


def _day(moment: object) -> str:
    return f"{moment:%Y-%m-%d}"
