"""Entries of an officer who signs what evkit would not write: every view answers, none crashes."""

from __future__ import annotations

import os

import pytest
import stations

from evkit.actions import acquire_where, bundle, copies, exhibit, status
from evkit.custody import validate
from evkit.ledger.event import Draft
from evkit.station import Station

REF = "C1/E1/A1"
IMAGE = {"name": "image.raw", "role": "image", "size": 5, "sha256": "ab" * 32}
SOUND = {"result": "complete", "artifacts": [IMAGE]}


@pytest.fixture
def ready(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(validate, "_check_fields", lambda draft, kind: None)
    return stations.ready(tmp_path / "station")


def signed(ready, station, kind, fields):
    level = {"exhibits": ("C1/E1",), "acquisitions": (REF,)}
    station.record_many([Draft(kind=kind, case="C1", fields=fields, **level)], ready.officer)


def views(station, ready, target):
    """Make every view of the case; return its lines."""
    shown = [
        status.run(station),
        exhibit.show_exhibit(station, "C1/E1", everything=True),
        copies.list_copies(station, None),
        bundle.create(
            station, ready.officer, bundle.Request(case="C1", output=os.fsencode(target))
        ),
    ]
    for view in shown:
        view.document()
    return [str(line) for view in shown for line in view.lines()]


@pytest.mark.parametrize(
    "fields",
    [
        {"result": ["complete"]},
        {"result": {"complete": True}},
        {"result": "complete\x1b[2J"},
        SOUND | {"copies": [{"verification": {"state": {}}, "volume": [], "copy": {}}]},
        SOUND | {"verification": {"state": ["match"]}},
        SOUND | {"files": 1, "bytes": ["x"]},
        SOUND | {"files": True, "bytes": {}},
        SOUND | {"unread": {"first": [[-5, -5], [1], "x"], "ranges": True, "bytes": []}},
        SOUND | {"parent": {"acquisition": REF, "media": {"size": []}, "comparison": []}},
        SOUND | {"selection": [], "part": {"words": []}, "type": "targeted"},
    ],
)
def test_any_end(tmp_path, ready, fields):
    with Station.open(ready.path) as station:
        signed(ready, station, "acquire-end", fields)
        row = {"acquisition": REF, "volume": [], "medium": {}, "copy": []}
        signed(ready, station, "verify", {"result": "pass", "read": [row, 5]})
        lines = views(station, ready, tmp_path / "bundle")
    assert lines
    assert not [line for line in lines if "\x1b" in line]


@pytest.mark.parametrize("folder", ["C1/E1/A1", "{}/x/../C1/E1/A1", "{}/other"])
def test_a_folder_that_evkit_does_not_write_is_not_looked_into(
    tmp_path, ready, monkeypatch, folder
):
    for name in ("C1/E1/A1", "x", "other"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "image.raw").write_bytes(b"12345")
    monkeypatch.chdir(tmp_path)
    place = folder.format(tmp_path)
    with Station.open(ready.path) as station:
        listed = [{"copy": "master", "state": "complete", "folder_path": place}]
        signed(ready, station, "acquire-end", SOUND | {"copies": listed})
        assert acquire_where.Where(station).files(REF).place is None
        assert copies.locate(station, REF).exit_code == 5
