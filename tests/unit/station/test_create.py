"""Making stations: names, roots, origins, places that will not do."""

from __future__ import annotations

import hashlib
import os

import pytest

from evkit.core.errors import IdentityError, RefusedError, UsageError
from evkit.identity import keys
from evkit.ledger.event import read_entry
from evkit.station import Station, layout
from evkit.station.create import NewStation, create


@pytest.fixture(autouse=True)
def cheap_keys(monkeypatch):
    monkeypatch.setattr(keys, "_derive", lambda secret, p: hashlib.sha256(p.salt + secret).digest())


def _request(path, **more: object) -> NewStation:
    values = {
        "path": os.fsencode(path), "name": "Unit", "agency": "Agency", "origin": None,
        "profile": "pk", "root_dir": None, "root_passphrase": b"root",
    }  # fmt: skip
    return NewStation(**{**values, **more})


def test_a_new_station(tmp_path):
    create(_request(tmp_path / "s", origin="agency.example/unit"))
    with Station.open(tmp_path / "s") as station:
        entry = read_entry(next(station.entries()).envelope)
        statement = station.trust.statement()
        assert entry.event.kind == "station"
        assert entry.event.fields["origin"] == statement.origin == "agency.example/unit"
        assert entry.event.fields["log_key"] == statement.log_key
        assert entry.event.fields["root"] == station.trust.root().fingerprint
        assert entry.event.subjects[0].digests == {"sha256": station.trust.statement_id()}
        assert station.mark().size == 1
    modes = {
        layout.LOG_KEY: 0o600, b"keys": 0o700, layout.LEDGER: 0o600,
        b"keys/root/root.key": 0o600,
    }  # fmt: skip
    for name, mode in modes.items():
        assert os.stat(os.path.join(os.fsencode(tmp_path / "s"), name)).st_mode & 0o777 == mode
    assert not list(tmp_path.glob("*.part"))


def test_an_empty_folder_will_do_a_full_one_not(tmp_path):
    (tmp_path / "empty").mkdir()
    create(_request(tmp_path / "empty"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    (tmp_path / "file").write_text("x")
    for name in ("full", "file", "empty"):
        with pytest.raises(RefusedError):
            create(_request(tmp_path / name))
    assert (tmp_path / "full" / "x").read_text() == "x"


def test_a_root_is_used_again(tmp_path):
    root = os.fsencode(tmp_path / "root")
    create(_request(tmp_path / "a", root_dir=root))
    create(_request(tmp_path / "b", root_dir=root))
    with Station.open(tmp_path / "a") as a, Station.open(tmp_path / "b") as b:
        assert a.trust.root() == b.trust.root()
        assert a.origin != b.origin
        assert not os.path.exists(a.place.path(layout.ROOT_HOME))
    with pytest.raises(IdentityError, match="passphrase"):
        create(_request(tmp_path / "c", root_dir=root, root_passphrase=b"wrong"))
    with pytest.raises(IdentityError, match="is of `Agency`"):
        create(_request(tmp_path / "c", root_dir=root, agency="Other"))
    assert not list(tmp_path.glob("c*"))


def test_an_origin_is_not_used_twice(tmp_path):
    create(_request(tmp_path / "a", origin="agency.example/unit"))
    with pytest.raises(RefusedError, match="has been used"):
        create(_request(tmp_path / "b", origin="agency.example/unit"))


def test_a_root_certifies_an_origin_once(tmp_path, monkeypatch):
    """Also for another user on another machine, who has no mark of the first ledger."""
    root = os.fsencode(tmp_path / "root")
    create(_request(tmp_path / "a", root_dir=root, origin="agency.example/unit"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another-user"))
    for number, origin in enumerate(("agency.example/unit", "agency.example/UNIT")):
        with pytest.raises(RefusedError, match="has certified"):
            create(_request(tmp_path / f"b{number}", root_dir=root, origin=origin))
    create(_request(tmp_path / "c", root_dir=root, origin="agency.example/unit-2"))
    lines = (tmp_path / "root" / "origins.txt").read_text().splitlines()
    with Station.open(tmp_path / "c") as station:
        log_key = station.trust.statement().log_key
    assert [line.split(" ")[1] for line in lines] == [
        "agency.example/unit",
        "agency.example/unit-2",
    ]
    assert lines[1].split(" ")[2] == log_key


def test_a_register_whose_last_line_was_cut(tmp_path, monkeypatch):
    root = os.fsencode(tmp_path / "root")
    create(_request(tmp_path / "a", root_dir=root, origin="agency.example/unit"))
    register = tmp_path / "root" / "origins.txt"
    register.write_bytes(register.read_bytes() + b"2026-11-22T09:05:00.000Z agency.example/un")
    create(_request(tmp_path / "b", root_dir=root, origin="agency.example/unit-2"))
    assert len(register.read_text().splitlines()) == 3
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another-user"))
    with pytest.raises(RefusedError, match="has certified"):
        create(_request(tmp_path / "c", root_dir=root, origin="agency.example/unit"))


@pytest.mark.parametrize(
    "more",
    [
        {"origin": "a b"},
        {"origin": ""},
        {"origin": "a+b"},
        {"name": ""},
        {"name": "x\ny"},
        {"agency": "\u202eAgency"},
        {"agency": "x" * 65},
        {"profile": "xx"},
        {"profile": "../pk"},
    ],
)
def test_names_that_cannot_be_used(tmp_path, more):
    with pytest.raises(UsageError):
        create(_request(tmp_path / "s", **more))
    assert not list(tmp_path.glob("s*"))


def test_a_place_that_will_not_do(tmp_path, monkeypatch):
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(1, "not permitted")

    monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(RefusedError, match="cannot hold a station"):
        create(_request(tmp_path / "s"))
    assert list(tmp_path.iterdir()) == []


def test_urdu_names(tmp_path):
    create(_request(tmp_path / "s", name="سائبر کرائم یونٹ", agency="ایف آئی اے"))
    with Station.open(tmp_path / "s") as station:
        assert station.config.name == "سائبر کرائم یونٹ"
        assert station.origin.startswith("agency/station-")
