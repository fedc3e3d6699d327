"""Making a station: everything under a temporary name, then one rename."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.core import clock, durable
from evkit.core.errors import RefusedError, UsageError
from evkit.core.text import escape, escape_bytes
from evkit.station import config, highwater, layout, origins, probe, rootkey
from evkit.station.config import Config, is_origin, make_origin, need_text
from evkit.station.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evkit.core.ejson import Json
    from evkit.identity.signer import FileSigner, LogSigner
    from evkit.station.append import Recorded


@dataclass(frozen=True, kw_only=True)
class NewStation:
    """What `station init` was asked for.

    Attributes:
        path: folder of the new station; missing or empty.
        name, agency: for people.
        origin: name of the ledger; made from the names when None.
        profile: id of the legal profile.
        root_dir: folder of the agency root; None puts it into the station.
        root_passphrase: opens the root there, or protects the one that is made.
    """

    path: bytes
    name: str
    agency: str
    origin: str | None
    profile: str
    root_dir: bytes | None
    root_passphrase: bytes


def create(request: NewStation) -> Layout:
    """Make a station with its log key, station statement and first event.

    Raises:
        RefusedError: the folder is in use, the place cannot hold a station, or this user has seen,
            or the root has certified, a ledger of that origin before.
        IdentityError: the root's passphrase is wrong, or the root is of another agency.
        UsageError: a name cannot be used.
    """
    made = _configuration(request)
    with building(request.path) as place:
        folder = request.root_dir or place.path(layout.ROOT_HOME)
        root = rootkey.open_or_make(folder, request.agency, request.root_passphrase)
        furnish(place, made, root, folder)
        write_first(place, made, root, {})
    return Layout.of(request.path)


def check(request: NewStation) -> None:
    """Refuse what can be refused before anybody types a passphrase; see `create`."""
    _configuration(request)
    _need_new(os.path.abspath(request.path))


def _configuration(request: NewStation) -> Config:
    from evkit.custody.profile import load_profile

    load_profile(request.profile)
    origin = request.origin
    if origin is None:
        origin = make_origin(request.agency, request.name, secrets.token_hex(4))
    return Config(
        name=need_text(request.name, "name"),
        agency=need_text(request.agency, "agency"),
        origin=new_origin(origin),
        profile=request.profile,
        created=config.created_now(),
        root_dir=_shown(request.root_dir),
    )


def _shown(folder: bytes | None) -> str:
    """Return the root's folder as text; empty when it lies in the station or is not text."""
    if folder is None:
        return ""
    try:
        return os.path.abspath(folder).decode("utf-8")
    except UnicodeDecodeError:
        return ""


def new_origin(origin: str) -> str:
    """Return an origin that can be used for a new ledger.

    Raises:
        UsageError: it has the wrong form.
        RefusedError: this user has seen a ledger of that name.
    """
    if not is_origin(origin):
        raise UsageError(
            f"`{escape(origin)}` cannot name a ledger",
            hint="letters, digits and `._-/`, at most 128, such as `agency.example/unit-1`",
        )
    if highwater.read(origin) is not None:
        raise RefusedError(
            f"a ledger `{escape(origin)}` has been used on this machine",
            hint="choose another origin: two histories under one name cannot be told apart",
        )
    return origin


@contextlib.contextmanager
def building(path: bytes) -> Iterator[Layout]:
    """Build a folder under a temporary name; it gets its own when the block ends well.

    Raises:
        RefusedError: `path` is in use, or its file system cannot hold a station.
    """
    target = os.path.abspath(path)
    _need_new(target)
    durable.make_dir(os.path.dirname(target))
    probe.require(os.path.dirname(target))
    part = target + b"." + secrets.token_hex(4).encode() + durable.PART.encode()
    durable.make_dir(part, exist_ok=False)
    try:
        yield Layout(part)
        with durable.storage_errors(target):
            if os.path.isdir(target):
                os.rmdir(target)
            durable.step("rename", target)
            os.rename(part, target)
            durable.fsync_dir(os.path.dirname(target))
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _need_new(target: bytes) -> None:
    if os.path.isdir(target) and os.listdir(target):
        raise RefusedError(f"`{escape_bytes(target)}` is not empty", hint="name a new folder")
    if os.path.lexists(target) and not os.path.isdir(target):
        raise RefusedError(f"`{escape_bytes(target)}` exists and is not a folder")


def furnish(
    place: Layout, made: Config, root: FileSigner, root_dir: bytes, since: str | None = None
) -> None:
    """Write root certificate, log key, statement, revocation list, empty ledger, configuration.

    Args:
        place: the new station.
        made: its configuration.
        root: the unlocked agency root.
        root_dir: its folder, with the register of ledger names.
        since: begin of the statement's validity, RFC 3339 UTC; now when None.

    Raises:
        RefusedError: the root has certified a ledger of that name before.
    """
    from evkit.identity import keys
    from evkit.identity.crl import create_crl
    from evkit.identity.signer import LogSigner
    from evkit.station.sqlite_store import SqliteStore

    for name in (layout.OFFICER_KEYS, layout.CERTIFICATES, layout.CASES):
        mode = 0o700 if name.startswith(b"keys/") else 0o755
        durable.make_dir(place.path(name), mode)
    os.chmod(place.path(b"keys"), 0o700)
    log = LogSigner(made.origin, keys.generate_log_key(place.path(layout.LOG_KEY)))
    if not os.path.lexists(place.path(layout.ROOT_CERTIFICATE)):
        durable.write_new(place.path(layout.ROOT_CERTIFICATE), root.certificate.pem)
    origins.issue(root_dir, made.origin, log.vkey)
    durable.write_new(place.path(layout.STATEMENT), _statement(made, root, log, since))
    if not os.path.lexists(place.path(layout.CRL)):
        empty = create_crl(root, [], at=clock.now().utc)
        durable.write_new(place.path(layout.CRL), empty.pem)
    SqliteStore.create(place.path(layout.LEDGER)).close()
    config.write(place.path(layout.CONFIG), made)


def _statement(made: Config, root: FileSigner, log: LogSigner, since: str | None) -> bytes:
    from evkit.identity.statement import PAYLOAD_TYPE, StationStatement, build_statement
    from evkit.ledger import dsse

    payload = build_statement(
        StationStatement(
            agency=made.agency,
            name=made.name,
            origin=made.origin,
            log_key=log.vkey,
            not_before=since or clock.format_utc(clock.now().utc.replace(microsecond=0)),
            not_after=clock.format_utc(root.certificate.not_after),
        )
    )
    return dsse.encode(dsse.sign(payload, PAYLOAD_TYPE, root))


def write_first(
    place: Layout, made: Config, root: FileSigner, more: Mapping[str, Json]
) -> Recorded:
    """Record the first event of a ledger, signed by the root; its subject is the statement."""
    from evkit.ledger.event import Draft
    from evkit.station.station import Station

    with Station.open(place.home) as station:
        statement = station.trust.statement()
        draft = Draft(
            kind="station",
            case=None,
            fields={
                "name": made.name,
                "agency": made.agency,
                "origin": made.origin,
                "profile": made.profile,
                "log_key": statement.log_key,
                "statement": station.trust.statement_id(),
                "root": root.certificate.fingerprint,
                **more,
            },
        )
        return station.record(draft, root)
