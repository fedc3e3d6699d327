"""`evkit inventory run` of an acquisition with gaps: which files lie there, up to the court."""

from __future__ import annotations

import base64
import json
import os
import subprocess

import acquirekit
import inventorykit as kit
import pytest

from evkit.acquire import gaps, mapfile
from evkit.core.refs import parse_ref
from evkit.hashing.digests import digest_file
from evkit.ledger.event import Draft, Subject

IMAGE = kit.SAMPLES / "usb-fat16.raw"
pytestmark = pytest.mark.skipif(not IMAGE.exists(), reason="the sample images are not here")
LOST = [(0, 512), (65536 + 49 * 512, 1024), (2_200_064, 512)]  # table, transfers_2025.csv, free


def acquired(made, *, with_map, unread):
    """Record the sample image as acquired with gaps."""
    with made.open() as station:
        folder = os.fsdecode(station.folder(parse_ref("C1/E1/A1")))
        os.makedirs(folder)
        data = bytearray(IMAGE.read_bytes())
        for offset, length in LOST[1:]:
            data[offset : offset + length] = bytes(length)
        with open(os.path.join(folder, "image.raw"), "wb") as handle:
            handle.write(data)
        size, digests = digest_file(os.path.join(folder, "image.raw"))
        artifacts = [{"name": "image.raw", "role": "image", "size": size, **digests}]
        if with_map:
            chart = mapfile.of_gaps(LOST[1:], size)
            chart.mark(*LOST[0], "?")  # as after a rescue that was given up
            with open(os.path.join(folder, "image.map"), "wb") as handle:
                handle.write(mapfile.encode(chart))
            more, extra = digest_file(os.path.join(folder, "image.map"))
            artifacts.append({"name": "image.map", "role": "map", "size": more, **extra})
        common = {"case": "C1", "exhibits": ("C1/E1",), "acquisitions": ("C1/E1/A1",)}
        end = Draft(
            kind="acquire-end",
            fields={
                "result": "with-gaps", "made_by": "evkit", "media": {"size": size, **digests},
                "artifacts": artifacts, "unread": unread,
            },
            subjects=(Subject("C1/E1/A1", digests),),
            **common,
        )  # fmt: skip
        station.record_many([Draft(kind="acquire-start", **common), end], made.officer)
    return folder


def event_of(made):
    with made.open() as station:
        return [e for _, e, _ in station.events("C1") if e.kind == "inventory"][-1]


@pytest.mark.parametrize("with_map", [True, False])
def test_the_files_are_recorded_and_printed(run, with_map):
    acquired(run.made, with_map=with_map, unread=gaps.fields(LOST))
    out = run("inventory", "run", "C1/E1", expect=3)
    assert "not read 2,048 bytes in 3 ranges" in out
    assert "files that lie in unread sectors: 1 in use, 0 deleted" in out
    assert "  /ACCOUNTS/transfers_2025.csv: 1,024 bytes" in out
    said = event_of(run.made).fields["unread_files"]
    assert said["whole"] is True
    assert (said["files"], said["deleted"]) == (1, 0)
    assert (said["file_bytes"], said["table_bytes"], said["other_bytes"]) == (1024, 512, 512)
    (first,) = said["first"]
    assert first["path"] == "/ACCOUNTS/transfers_2025.csv"

    run("bundle", "create", "C1", "-o", "bundle")
    with open("bundle/manifest.html", encoding="utf-8") as handle:
        page = handle.read()
    assert "files that lie in unread sectors" in page
    assert "1 in use, 0 deleted (entry" in page
    assert "/ACCOUNTS/transfers_2025.csv (1,024 bytes)" in page
    assert "2,048 bytes in 3 ranges; at byte (length): 0 (512), 90,624 (1,024)" in page
    with open("bundle/manifest.json", encoding="utf-8") as handle:
        statement = json.loads(base64.b64decode(json.load(handle)["payload"]))
    row = statement["predicate"]["facts"]["inventories"][0]
    assert row["unread_files"]["first"][0]["bytes"] == 1024
    assert "content PASS" in " ".join(run("verify", "bundle", expect=5).split())


def test_ranges_that_the_record_does_not_list_are_said_to_be_missing(run):
    acquired(run.made, with_map=False, unread={**gaps.fields(LOST), "bytes": 9999, "ranges": 7})
    document = json.loads(run("inventory", "run", "C1/E1", "--json", expect=3))
    assert document["unread_files"]["whole"] is False
    assert document["unread_files"]["files"] == 1
    assert event_of(run.made).fields["unread_files"]["whole"] is False


@pytest.mark.parametrize(
    "unread", ["all", {"first": "x"}, {"first": [[1], [-1, 5], ["a", 1], [True, 1]], "bytes": 0}]
)
def test_any_json_may_stand_there(run, unread):
    acquired(run.made, with_map=False, unread=unread if isinstance(unread, dict) else {"bytes": 0})
    run("inventory", "run", "C1/E1", expect=0)
    assert "unread_files" not in event_of(run.made).fields


def test_a_damaged_map_is_said(run):
    folder = acquired(run.made, with_map=True, unread=gaps.fields(LOST))
    with open(os.path.join(folder, "image.map"), "wb") as handle:
        handle.write(b"rubbish\n")
    err = run("inventory", "run", "C1/E1", expect=14)
    assert "cannot be used as a map" in err


def test_without_gaps_nothing_is_said(run):
    out = run("inventory", "run", IMAGE, "-o", "x.db")
    assert "unread sectors" not in out


def test_a_disk_that_fails_from_the_device_to_the_court(run, program, tmp_path):
    """Real I/O errors in a known file; its place as The Sleuth Kit tells it."""
    told = subprocess.run(
        [program("istat"), "-o", "128", IMAGE, "148"], check=True, capture_output=True, text=True
    ).stdout
    sectors = [int(word) for word in told.partition("Sectors:")[2].split() if int(word)]
    bad = [(65536 + sectors[1] * 512, 512)]
    truth = tmp_path / "truth.map"
    truth.write_bytes(mapfile.encode(mapfile.of_gaps(bad, IMAGE.stat().st_size)))
    with acquirekit.failing_disk(
        tmp_path / "m", program("nbdkit"), program("nbdfuse"), "--filter=ddrescue", "file",
        str(IMAGE), f"ddrescue-mapfile={truth}",
    ) as place:  # fmt: skip
        if place is None:
            pytest.skip("FUSE cannot be used here")
        done = acquirekit.acquire_with(run.made, place)
    assert done.exit_code == 3
    out = run("inventory", "run", "C1/E1", expect=3)
    assert "files that lie in unread sectors: 0 in use, 1 deleted" in out
    assert "/ACCOUNTS/old_list.csv: 512 bytes, deleted" in out
    run("bundle", "create", "C1", "-o", "bundle")
    with open("bundle/manifest.html", encoding="utf-8") as handle:
        assert "/ACCOUNTS/old_list.csv (512 bytes, deleted)" in handle.read()
