"""The trust folder: root, revocations, statement, officers, roots of other agencies."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from evkit.core import durable
from evkit.core.errors import CaseError, IdentityError, InputError, RefusedError, UsageError
from evkit.core.limits import read_file
from evkit.core.text import escape, escape_bytes
from evkit.station import layout

if TYPE_CHECKING:
    from evkit.identity.certificate import Certificate
    from evkit.identity.crl import Crl
    from evkit.identity.statement import StationStatement
    from evkit.station.layout import Layout


class Trust:
    """Reads and extends the trust folder; every file is created once, only the CRL is replaced."""

    def __init__(self, place: Layout) -> None:
        self._place = place
        self._root: Certificate | None = None
        self._statement: tuple[StationStatement, str] | None = None

    def root(self) -> Certificate:
        """Return the certificate of the agency root.

        Raises:
            InputError: it is missing or damaged.
        """
        if self._root is None:
            self._root = _certificate(self._place.path(layout.ROOT_CERTIFICATE))
        return self._root

    def statement_bytes(self) -> bytes:
        """Return the envelope of the station statement."""
        return read_file(self._place.path(layout.STATEMENT))

    def statement(self) -> StationStatement:
        """Return the station statement, checked against the root.

        Raises:
            InputError: it is missing, damaged, or not signed by the root.
        """
        return self._read_statement()[0]

    def statement_id(self) -> str:
        """Return the event id of the statement's envelope."""
        return self._read_statement()[1]

    def _read_statement(self) -> tuple[StationStatement, str]:
        if self._statement is None:
            from evkit.station.reading import read_statement

            self._statement = read_statement(self.statement_bytes(), self.root())
        return self._statement

    def officers(self) -> list[Certificate]:
        """Return the certificates of all officers in the order of their short names."""
        folder = self._place.path(layout.CERTIFICATES)
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        return [_certificate(os.path.join(folder, n)) for n in names if n.endswith(b".crt")]

    def officer(self, name: str) -> Certificate:
        """Return the certificate of one officer.

        Raises:
            IdentityError: there is none of that name.
        """
        from evkit.identity.names import is_slug

        path = self._place.officer_certificate(name) if is_slug(name) else b""
        if not path or not os.path.isfile(path):
            known = ", ".join(f"`{entry.officer}`" for entry in self.officers()) or "none"
            raise IdentityError(
                f"no officer `{escape(name)}` at this station",
                hint=f"enrolled: {known}; enrol with `evkit officer enrol NAME`",
            )
        return _certificate(path)

    def find(self, fingerprint: str) -> Certificate | None:
        """Return the certificate with this fingerprint: an officer's or the root's."""
        for certificate in (self.root(), *self.officers()):
            if certificate.fingerprint == fingerprint:
                return certificate
        return None

    def add_officer(self, certificate: Certificate) -> None:
        """Store the certificate of an officer; RefusedError when the short name is taken."""
        durable.make_dir(self._place.path(layout.CERTIFICATES))
        durable.write_new(self._place.officer_certificate(certificate.officer), certificate.pem)

    def crl(self) -> Crl | None:
        """Return the revocation list, None when nothing was ever revoked.

        Raises:
            InputError: it is damaged or not signed by the root.
        """
        from evkit.identity.crl import load_crl

        path = self._place.path(layout.CRL)
        if not os.path.lexists(path):
            return None
        crl = load_crl(read_file(path))
        if not crl.signed_by(self.root()):
            raise InputError(f"`{escape_bytes(path)}` is not signed by the agency root")
        return crl

    def replace_crl(self, crl: Crl) -> None:
        """Store a newer revocation list."""
        durable.replace(self._place.path(layout.CRL), crl.pem)

    def other_roots(self) -> list[Certificate]:
        """Return the roots of other agencies that were added."""
        folder = self._place.path(layout.OTHER_ROOTS)
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        return [_certificate(os.path.join(folder, n)) for n in names if n.endswith(b".crt")]

    def add_root(self, data: bytes) -> Certificate:
        """Add the root of another agency.

        Raises:
            InputError: the bytes are not a root certificate.
            RefusedError: it is there already.
        """
        from evkit.identity.certificate import load_certificate

        certificate = load_certificate(data)
        if not certificate.is_ca or certificate.problems or not certificate.signed_by(certificate):
            raise InputError(
                f"the certificate of `{escape(certificate.common_name)}` is not an agency root",
                hint="ask the other agency for its `root.crt`",
                details={"problems": escape("; ".join(certificate.problems) or "not self-signed")},
            )
        if certificate == self.root():
            raise RefusedError("that is the root of this station's own agency")
        durable.make_dir(self._place.path(layout.OTHER_ROOTS))
        durable.write_new(self._other(certificate.fingerprint), certificate.pem)
        return certificate

    def remove_root(self, start: str) -> Certificate:
        """Remove the root of another agency, named by the start of its fingerprint.

        Raises:
            UsageError: the start is shorter than 8 digits or fits several.
            CaseError: none fits.
        """
        wanted = start.lower().removeprefix("sha256:").replace(":", "")
        fitting = [root for root in self.other_roots() if root.fingerprint.startswith(wanted)]
        if len(wanted) < 8 or len(fitting) > 1:  # noqa: PLR2004 - enough not to hit by accident
            raise UsageError(f"`{escape(start)}` does not name one root; give more digits")
        if not fitting:
            raise CaseError(f"no root with fingerprint `{escape(start)}` was added")
        path = self._other(fitting[0].fingerprint)
        with durable.storage_errors(path):
            durable.step("unlink", path)
            os.unlink(path)
            durable.fsync_dir(os.path.dirname(path))
        return fitting[0]

    def _other(self, fingerprint: str) -> bytes:
        name = fingerprint.encode("ascii") + b".crt"
        return os.path.join(self._place.path(layout.OTHER_ROOTS), name)


def _certificate(path: bytes) -> Certificate:
    from evkit.identity.certificate import load_certificate

    try:
        return load_certificate(read_file(path))
    except InputError as error:
        raise InputError(f"`{escape_bytes(path)}`: {error.message}") from error
