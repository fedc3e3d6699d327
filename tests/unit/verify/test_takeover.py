"""A ledger that goes on after a loss: pins and heads of the lost one count, forgeries do not."""

from __future__ import annotations

import dataclasses
import os
import shutil

import pytest
import stations
from stations import note

from evkit.actions import bundle as bundles
from evkit.actions.verify_station import StationSource, view_of
from evkit.core.text import escape
from evkit.manifest.memo import Memo, parse, qr_text
from evkit.manifest.tree import FolderTree
from evkit.station import Station, backup
from evkit.station.recover import Recovery, recover
from evkit.verify.bundle import verify_bundle
from evkit.verify.report import FAIL, HISTORY, PASS, RECORD, UNDECIDED
from evkit.verify.stationcheck import verify_station
from evkit.verify.supplied import Anchor, Supplied


@pytest.fixture(scope="module")
def lost(tmp_path_factory):
    """Stations recovered once and twice, and every head of the lost ledgers by origin and size."""
    folder = tmp_path_factory.mktemp("lost")
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    try:
        yield _lose(folder)
    finally:
        os.environ.pop("XDG_STATE_HOME")
        if before is not None:
            os.environ["XDG_STATE_HOME"] = before


def _lose(folder):
    made = stations.ready(folder / "station")
    heads, paths, origins = {}, [made.path], []
    for number in (1, 2):
        with Station.open(paths[-1]) as station:
            signer = station.signer(stations.OFFICER, stations.PHRASE)
            for n in range(4):
                station.record(note("C1", f"{number} {n}"), signer)
                heads[station.origin, station.head().size] = station.head().root
            source = os.fsencode(folder / f"{number}.tar")
            backup.make(station.place, station.origin, source, evidence=False)
            station.record(note("C1", "lost"), signer)
            head = station.head()
            heads[station.origin, head.size] = head.root
            origins.append(station.origin)
        target = folder / f"new{number}"
        recover(
            Recovery(
                backup=source, target=os.fsencode(target), size=head.size, root=head.root,
                reason="fire", root_dir=os.fsencode(stations.template().path.parent / "root"),
                root_passphrase=stations.ROOT_PHRASE,
            )
        )  # fmt: skip
        paths.append(target)
        with Station.open(target) as station:
            signer = station.signer(stations.OFFICER, stations.PHRASE)
            station.record(note("C1", "goes on"), signer)
    return paths[1:], heads, origins


def supplied(*anchors, **more):
    root = stations.template().root.certificate
    return Supplied(roots=(root,), anchors=anchors, **more)


def verify(path, *anchors, change=None):
    with Station.open(path) as station:
        view = view_of(station)
        if change is not None:
            view = dataclasses.replace(view, entries=change(dict(view.entries)))
        source = StationSource(station, lambda *_: None)
        return verify_station(view, "station", None, source, supplied(*anchors))[0]


def codes(report, state):
    return {(f.question, f.code) for f in report.findings if f.state == state}


@pytest.mark.parametrize("number", [0, 1])
def test_the_record_of_a_recovered_station_passes(lost, number):
    paths, _, origins = lost
    report = verify(paths[number])
    assert report.answer(RECORD) == PASS, report.lines()
    assert report.answer("authorship") == PASS
    told = [f.text for f in report.findings if f.code == "taken-over"]
    assert len(told) == number + 1
    assert f"`{escape(origins[number])}` after its loss" in told[0]
    assert "entries 1 to 8 were taken over from ledger" in told[-1]
    assert "entries-lost" in {remark.code for remark in report.remarks}


def test_memos_of_the_lost_ledgers_are_accepted(lost):
    paths, heads, _ = lost
    saved = 0
    for (origin, size), root in heads.items():
        for anchor in (Anchor("memo", size, root, origin), Anchor("anchor", size, root)):
            report = verify(paths[1], anchor)
            word = report.answer(HISTORY)
            ends = {f.code for f in report.findings if f.question == HISTORY}
            if word == PASS:
                saved += 1
                assert report.word == PASS or report.answer("content") == UNDECIDED
            else:
                assert (word, ends) == (UNDECIDED, {"anchor-lost"}), report.lines()
    assert saved == 16


def test_a_typed_memo_of_the_lost_ledger(lost):
    paths, heads, _ = lost
    (origin, size), root = next(iter(heads.items()))
    trust = bytes.fromhex(stations.template().root.certificate.fingerprint)
    head = parse(qr_text(Memo(origin, size, root, trust))).head
    anchor = Anchor("memo", head.size, head.root, head.origin, head.origin_check)
    assert verify(paths[0], anchor).answer(HISTORY) == PASS


def test_another_history_of_the_lost_ledger_is_a_fork(lost):
    paths, heads, _ = lost
    for origin, size in heads:
        anchor = Anchor("memo", size, b"\x07" * 32, origin)
        wanted = UNDECIDED if size in {10, 16} else FAIL
        report = verify(paths[1], anchor)
        assert report.answer(HISTORY) == wanted, (origin, size, report.lines())
    assert verify(paths[1], Anchor("anchor", 5, b"\x07" * 32)).answer(HISTORY) == FAIL
    report = verify(paths[1], Anchor("memo", 5, b"\x07" * 32, "other/ledger"))
    assert codes(report, UNDECIDED) >= {(HISTORY, "anchor-origin")}


def test_without_the_recover_entry_nothing_is_taken_over(lost):
    paths, _, _ = lost

    def without(entries):
        del entries[9]
        return entries

    report = verify(paths[0], change=without)
    assert report.answer(RECORD) == FAIL


def test_a_checkpoint_from_before_the_recovery_entry(lost):
    """The first head of the new ledger with entries behind it: an answer, not an exception."""
    paths, heads, _ = lost
    with Station.open(paths[0]) as station:
        view = dataclasses.replace(view_of(station), checkpoint=station.store.head_at(1).note)
        entries = dict(view.entries)
        leaves = b"".join(station.leaf_hashes(1))
        view = dataclasses.replace(view, entries=entries, tiles=lambda _: leaves)
        source = StationSource(station, lambda *_: None)
        anchor = Anchor("memo", 6, next(iter(heads.values())), next(iter(heads))[0])
        report = verify_station(view, "station", None, source, supplied(anchor))[0]
    assert (RECORD, "takeover") in codes(report, FAIL)


def test_the_recovery_is_stated_twice_and_must_agree(lost):
    """Entry 0 of the second ledger before the entries of the first: its statements do not fit."""
    paths, _, _ = lost
    with Station.open(paths[1]) as station:
        first = next(iter(station.entries())).envelope
    report = verify(paths[0], change=lambda entries: entries | {0: first})
    assert (RECORD, "takeover") in codes(report, FAIL)


def test_a_bundle_of_a_recovered_station_passes(lost, tmp_path):
    paths, heads, _ = lost
    copy = tmp_path / "station"
    shutil.copytree(paths[1], copy)
    target = tmp_path / "bundle"
    with Station.open(copy) as station:
        signer = station.signer(stations.OFFICER, stations.PHRASE)
        bundles.create(station, signer, bundles.Request(case="C1", output=os.fsencode(target)))
    (origin, size), root = next(iter(heads.items()))
    anchor = Anchor("memo", size, root, origin)
    report = verify_bundle(FolderTree(os.fsencode(target)), supplied(anchor))
    assert report.word == PASS, report.lines()
    assert any(f.code == "taken-over" for f in report.findings)
