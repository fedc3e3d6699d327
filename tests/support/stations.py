"""Ready stations for tests: made once per process, copied per test (keys cost 0.3 s each)."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from evkit.identity.names import OfficerDetails
from evkit.ledger.event import Draft
from evkit.station import Station, highwater, rootkey
from evkit.station.create import NewStation, create
from evkit.station.officers import enrol

ROOT_PHRASE = b"root passphrase"
PHRASE = b"officer passphrase"
OFFICER = "third-officer"
CUSTODIAN = "second-keeper"
AGENCY = "FIA Lahore"


class Ready(NamedTuple):
    """A station of one's own: folder, the officers' unlocked keys, the unlocked root."""

    path: Path
    officer: Any
    custodian: Any
    root: Any

    def open(self) -> Station:
        return Station.open(self.path)


@functools.cache
def template() -> Ready:
    """A station with two officers and an open case `C1` with exhibit `C1/E1`."""
    folder = Path(tempfile.mkdtemp(prefix="evkit-test-station-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.delenv("EVKIT_CLOCK", raising=False)  # whichever test comes first, it is made now
        return _template(folder)


def _template(folder: Path) -> Ready:
    path, root_dir = folder / "station", os.fsencode(folder / "root")
    request = NewStation(
        path=os.fsencode(path),
        name="Cyber Crime Circle",
        agency=AGENCY,
        origin=None,
        profile="pk",
        root_dir=root_dir,
        root_passphrase=ROOT_PHRASE,
    )
    create(request)
    root = rootkey.unlock(root_dir, ROOT_PHRASE)
    with Station.open(path) as station:
        for name, roles in ((OFFICER, ("officer", "analyst")), (CUSTODIAN, ("custodian",))):
            full = name.replace("-", " ").title()
            details = OfficerDetails(
                officer=name, name=full, agency=AGENCY, roles=roles, rank="SI", badge="B-1"
            )
            enrol(station, details, root, PHRASE)
        signers = [station.signer(name, PHRASE) for name in (OFFICER, CUSTODIAN)]
        station.record_many([open_case("C1"), register("C1/E1")], signers[0])
    return Ready(path, signers[0], signers[1], root)


def ready(target: Path) -> Ready:
    """Copy the template, with this user's high-water mark if there is none; no pins yet."""
    made = template()
    shutil.copytree(made.path, target)
    with Station.open(target) as station:
        if highwater.read(station.origin) is None:
            head = station.head()
            highwater.advance(station.origin, head.size, head.root)
    return made._replace(path=target)


def open_case(case: str) -> Draft:
    return Draft(kind="case-open", case=case, fields={"title": f"State v. X ({case})"})


def register(exhibit: str) -> Draft:
    case = exhibit.partition("/")[0]
    return Draft(kind="register", case=case, exhibits=(exhibit,), fields={"what": "mobile phone"})


def note(case: str, text: str) -> Draft:
    return Draft(kind="note", case=case, fields={"text": text})
