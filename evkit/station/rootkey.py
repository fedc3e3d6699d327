"""The agency root on its own medium: a folder with `root.key` and `root.crt`.

Made once with a passphrase of its own and used again by every station of the agency.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from evkit.core import clock, durable
from evkit.core.errors import IdentityError
from evkit.core.limits import read_file
from evkit.core.text import escape, escape_bytes
from evkit.station.layout import ROOT_CERTIFICATE_NAME, ROOT_KEY_NAME

if TYPE_CHECKING:
    from evkit.identity.signer import FileSigner

ROOT_DAYS = 20 * 365


def exists(folder: bytes) -> bool:
    """Say whether the folder holds an agency root."""
    return os.path.lexists(os.path.join(folder, ROOT_KEY_NAME))


def need(folder: bytes) -> None:
    """Refuse a folder without an agency root.

    Raises:
        IdentityError: it holds none.
    """
    if not exists(folder):
        raise IdentityError(
            f"`{escape_bytes(folder)}` does not hold the agency root",
            hint="connect the medium with the root key and name it with `--root-dir DIR`",
        )


def make(folder: bytes, agency: str, passphrase: bytes) -> FileSigner:
    """Make an agency root, or finish one whose making was stopped after the key.

    Raises:
        UsageError: the agency's name cannot stand in a certificate.
        IdentityError: the passphrase is wrong or empty.
        RefusedError: there is a complete root already.
    """
    from evkit.identity import keys
    from evkit.identity.certificate import create_root, valid_for
    from evkit.identity.names import check_text
    from evkit.identity.signer import FileSigner

    check_text("agency", agency)
    durable.make_dir(folder, 0o700)
    path = os.path.join(folder, ROOT_KEY_NAME)
    if exists(folder):
        key = keys.load_key_file(path, passphrase)
    else:
        key = keys.create_key_file(path, passphrase)
    certificate = create_root(
        key, agency=agency, name="Agency root", validity=valid_for(clock.now().utc, ROOT_DAYS)
    )
    durable.write_new(os.path.join(folder, ROOT_CERTIFICATE_NAME), certificate.pem)
    return FileSigner(certificate, key)


def unlock(folder: bytes, passphrase: bytes) -> FileSigner:
    """Open the agency root for signing.

    Raises:
        IdentityError: it is not there, the passphrase is wrong, or it is not a root.
    """
    from evkit.identity.certificate import load_certificate
    from evkit.identity.signer import open_signer

    need(folder)
    certificate = load_certificate(read_file(os.path.join(folder, ROOT_CERTIFICATE_NAME)))
    if not certificate.is_ca or certificate.problems:
        raise IdentityError(
            f"`{escape_bytes(folder)}` does not hold an agency root",
            details={
                "certificate of": escape(certificate.common_name),
                "problems": "; ".join(certificate.problems) or "it is that of an officer",
            },
        )
    return open_signer(os.path.join(folder, ROOT_KEY_NAME), certificate, passphrase)


def open_or_make(folder: bytes, agency: str, passphrase: bytes) -> FileSigner:
    """Open the root in `folder`, or make one there.

    Raises:
        IdentityError: the root there is of another agency, or the passphrase is wrong.
    """
    if not os.path.lexists(os.path.join(folder, ROOT_CERTIFICATE_NAME)):
        return make(folder, agency, passphrase)
    signer = unlock(folder, passphrase)
    if signer.certificate.agency != agency:
        raise IdentityError(
            f"the root in `{escape_bytes(folder)}` is of `{escape(str(signer.certificate.agency))}`"
            f", not of `{escape(agency)}`",
            hint="give the agency's name as it stands in the root, or another `--root-dir`",
        )
    return signer
