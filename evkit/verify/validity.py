"""Does a certificate count for the entries that it signed: issuer, revocation, time?

The order of the ledger decides before any stated time does. Entries below a revocation stay valid
unless the key was compromised; a compromised key counts only under an anchor whose time was signed
outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.core import clock
from evkit.core.text import escape
from evkit.identity.certificate import check_chain
from evkit.verify.report import AUTHORSHIP
from evkit.verify.times import Placed

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from evkit.identity.certificate import Certificate, ChainResult
    from evkit.identity.crl import Revocation
    from evkit.verify.report import Report
    from evkit.verify.times import Times
    from evkit.verify.trust import Trust

COMPROMISE: Final = "compromise"
_MANY: Final = 8


class Revoked(NamedTuple):
    """A revocation that the ledger records: its entry, and whether the key was compromised."""

    entry: int
    compromise: bool


class Judge:
    """Judges one certificate for the entries that it signed."""

    def __init__(
        self,
        certificate: Certificate,
        times: Times,
        indices: Sequence[int],
        trust: Trust,
        report: Report,
    ) -> None:
        self._certificate = certificate
        self._times = times
        self._indices = indices
        self._trust = trust
        self._report = report
        self._name = escape(certificate.officer)
        self.revocation_checked = True

    def run(self, revoked: Revoked | None) -> int:
        """Return the number of entries whose signature counts."""
        order = sorted(self._indices, key=self._times.at)
        results = [self._chain(order[0]), self._chain(order[-1])]
        root = results[0].root
        if root is None or results[0].state == "bad":
            text = f"certificate of `{self._name}`: {escape(results[0].detail)}"
            where = f"entry {self._indices[0]}"
            self._report.failed(AUTHORSHIP, f"certificate-{results[0].state}", text, where)
            return 0
        left = self._not_after(revoked, self._indices)
        listed = results[0].revocation
        if is_compromise(listed) or (revoked is not None and revoked.compromise):
            self._compromised(left)
            return 0
        if listed is not None and revoked is None:
            left = self._listed(listed, left)
        return self._in_time(validity(self._certificate, root), left)

    def _chain(self, index: int) -> ChainResult:
        at = self._times.at(index)
        result = check_chain(self._certificate, self._trust.roots, at, self._trust.crls)
        self.revocation_checked &= result.revocation_checked
        return result

    def _not_after(self, revoked: Revoked | None, indices: Sequence[int]) -> list[int]:
        """Fail what stands in the ledger after the revocation; return the rest."""
        left = []
        for index in indices:
            if revoked is None or index <= revoked.entry:
                left.append(index)
                continue
            text = f"entry {index} is signed by `{self._name}` after the revocation in entry "
            text += f"{revoked.entry}"
            self._report.failed(AUTHORSHIP, "revoked", text, f"entry {index}")
        return left

    def _compromised(self, indices: Sequence[int]) -> None:
        if not indices:
            return
        text = (
            f"the key of `{self._name}` may have been in other hands: its entries "
            f"{_numbers(indices)} count only under an anchor whose time was signed outside "
            "before that, and none was supplied"
        )
        self._report.undecided(AUTHORSHIP, "key-compromised", text)

    def _listed(self, listed: Revocation, indices: Sequence[int]) -> list[int]:
        """Judge by a list alone, without the entry that revokes: what was signed before it?"""
        left, unknown = [], []
        for index in indices:
            after = self._times.earlier_reach(index, listed.at)
            before = self._times.later_precede(index, listed.at)
            if after and before:
                unknown.append(index)
            elif before or (not after and self._times.at(index) < listed.at):
                left.append(index)
            else:
                text = (
                    f"entry {index}: the certificate of `{self._name}` was revoked from "
                    f"{clock.format_utc(listed.at)} ({escape(listed.reason)})"
                )
                self._report.failed(AUTHORSHIP, "revoked", text, f"entry {index}")
        if unknown:
            text = (
                f"the certificate of `{self._name}` was revoked from {clock.format_utc(listed.at)};"
                f" the clocks around its entries {_numbers(unknown)} contradict each other"
            )
            self._report.undecided(AUTHORSHIP, "revoked", text)
        return left

    def _in_time(self, valid: tuple[dt.datetime, dt.datetime], indices: Sequence[int]) -> int:
        """Return how many entries were made while certificate and root were valid."""
        start, end = valid
        window = self._times.within(start, end)
        placed: dict[Placed, list[int]] = {}
        for index in indices:
            placed.setdefault(window.place(index), []).append(index)
        span = f"{clock.format_utc(start)} to {clock.format_utc(end)}"
        for index in placed.get(Placed.OUTSIDE, []):
            at = clock.format_utc(self._times.at(index))
            text = (
                f"entry {index}, of {at}, and the entries beside it lie outside the time for which "
                f"the certificate of `{self._name}` is valid ({span})"
            )
            self._report.failed(AUTHORSHIP, "certificate-expired", text, f"entry {index}")
        name = f"the certificate of `{self._name}`"
        tell_clock(AUTHORSHIP, "certificate-expired", f"{name} ({span})", placed, self._report)
        return len(placed.get(Placed.INSIDE, [])) + len(placed.get(Placed.BRACKETED, []))


def is_compromise(revocation: Revocation | None) -> bool:
    """Say whether a revocation means that others may have had the key."""
    if revocation is None:
        return False
    return revocation.invalid_from is not None or COMPROMISE in revocation.reason.casefold()


def validity(certificate: Certificate, root: Certificate) -> tuple[dt.datetime, dt.datetime]:
    """Return from when to when a certificate and its root are both valid."""
    return (
        max(certificate.not_before, root.not_before),
        min(certificate.not_after, root.not_after),
    )


def tell_clock(
    question: str, code: str, what: str, placed: Mapping[Placed, Sequence[int]], report: Report
) -> None:
    """Say which entries state a time outside the validity of `what` and are not refuted by it."""
    doubtful = placed.get(Placed.BRACKETED, [])
    if doubtful:
        text = (
            f"entries {_numbers(doubtful)} state a time outside the validity of {what}; later "
            "entries lie within it, so the clock was wrong and the signature was made in time"
        )
        report.remark("clock-outside", text, *doubtful)
    unknown = placed.get(Placed.OPEN, [])
    if unknown:
        text = (
            f"entries {_numbers(unknown)} state a time outside the validity of {what}, and no "
            "later entry shows when they were made; an entry recorded with the right clock does"
        )
        report.undecided(question, code, text)


def _numbers(indices: Sequence[int]) -> str:
    shown = ", ".join(str(index) for index in indices[:_MANY])
    return shown if len(indices) <= _MANY else f"{shown} and {len(indices) - _MANY} more"
