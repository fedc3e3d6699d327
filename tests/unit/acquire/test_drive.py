"""Answers of smartctl and hdparm in the shapes that real drives give, and hostile ones."""

from __future__ import annotations

import json
import os
import stat

import pytest

from evkit.acquire import drive, identity, probing
from evkit.acquire.checks import CHECKED, FAILED, UNKNOWN
from evkit.acquire.drive import Drive, Protected
from evkit.acquire.identity import Identity
from evkit.acquire.probing import Answers
from evkit.acquire.source import Facts
from evkit.core.errors import InputError

ATA = {
    "json_format_version": [1, 0],
    "smartctl": {
        "version": [7, 3],
        "svn_revision": "5338",
        "exit_status": 4,
        "argv": ["smartctl", "-j", "-x", "/dev/sdb"],
    },
    "device": {"name": "/dev/sdb", "info_name": "/dev/sdb [SAT]", "type": "sat", "protocol": "ATA"},
    "model_family": "Seagate Barracuda 7200.14 (AF)",
    "model_name": "ST500DM002-1BD142",
    "serial_number": "Z2A1B3C4",
    "wwn": {"naa": 5, "oui": 3152, "id": 1234567890},
    "firmware_version": "KC45",
    "user_capacity": {"blocks": 976773168, "bytes": 500107862016},
    "logical_block_size": 512,
    "physical_block_size": 4096,
    "rotation_rate": 7200,
    "smart_status": {"passed": True},
    "power_on_time": {"hours": 20011},
}
NVME = {
    "smartctl": {"version": [7, 4], "exit_status": 0},
    "device": {"name": "/dev/nvme0", "type": "nvme", "protocol": "NVMe"},
    "model_name": "Samsung SSD 980 500GB",
    "serial_number": "S64DNF0R",
    "firmware_version": "1B4Q",
    "nvme_total_capacity": 500107862016,
    "nvme_unallocated_capacity": 0,
    "nvme_number_of_namespaces": 1,
    "user_capacity": {"bytes": 500107862016},
}
REFUSED = {
    "smartctl": {
        "version": [7, 3],
        "exit_status": 2,
        "messages": [
            {
                "string": "Smartctl open device: /dev/sdb failed: Permission denied",
                "severity": "error",
            }
        ],
    },
}
HPA = "\n/dev/sdb:\n max sectors   = {}, {}\n"
DCO = """
/dev/sdb:
DCO Revision: 0x0001
The following features can be selectively disabled via DCO:
  Transfer modes:
     mdma0 mdma1 mdma2
     udma0 udma1 udma2 udma3 udma4 udma5 udma6(?)
  Real max sectors: 976773168
  ATA command/feature sets:
     SMART self_test error_log security HPA 48_bit
"""


def raw(document):
    return json.dumps(document).encode()


def test_an_ata_drive():
    found = drive.smartctl(raw(ATA))
    assert found.identity == {
        "family": "Seagate Barracuda 7200.14 (AF)",
        "model": "ST500DM002-1BD142",
        "serial": "Z2A1B3C4",
        "firmware": "KC45",
        "wwn": "5000c500499602d2",
        "protocol": "ATA",
    }
    assert (found.size, found.health, found.hours) == (500107862016, "passed", 20011)
    assert found.tool == "smartctl 7.3"


def test_an_nvme_drive():
    found = drive.smartctl(raw(NVME))
    assert (found.total, found.unallocated, found.namespaces) == (500107862016, 0, 1)
    assert found.health is None


def test_refusals_are_named():
    with pytest.raises(InputError, match="Permission denied"):
        drive.smartctl(raw(REFUSED))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"1",
        b"{}",
        b'{"smartctl": 1}',
        b'{"smartctl": {}}',
        b'{"smartctl": {"exit_status": "0"}}',
        b"[" * 100_000,
        b"\xff\xfe",
        b"x" * (drive.MAX_BYTES + 1),
    ],
)
def test_hostile_json(data):
    with pytest.raises(InputError):
        drive.smartctl(data)


def test_hostile_values_are_left_out():
    found = drive.smartctl(
        raw(
            {
                "smartctl": {"exit_status": 0, "version": ["x"]},
                "model_name": 7,
                "serial_number": "S\x1b[2J" * 900,
                "wwn": {"naa": -1, "oui": "x", "id": []},
                "user_capacity": [1],
                "smart_status": {"passed": "yes"},
                "nvme_unallocated_capacity": -5,
                "power_on_time": {"hours": 1.5},
                "device": "x",
                "nvme_total_capacity": True,
                "nvme_number_of_namespaces": 1 << 70,
            }
        )
    )
    assert set(found.identity) == {"serial"}
    assert "\x1b" not in found.identity["serial"]
    assert len(found.identity["serial"]) <= 256
    assert found == Drive(identity=found.identity)


@pytest.mark.parametrize(
    ("numbers", "words", "hidden"),
    [
        ("976773168/976773168", "HPA is disabled", 0),
        ("976732808/976773168", "HPA is enabled", 40360),
        ("976773168/976773168", "ACCESSIBLE MAX ADDRESS disabled", 0),
        ("900/1000", "ACCESSIBLE MAX ADDRESS enabled", 100),
    ],
)
def test_protected_area(numbers, words, hidden):
    assert drive.protected_area(HPA.format(numbers, words)).hidden == hidden


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/dev/sdb: Permission denied",
        HPA.format("1000/900", "HPA is enabled"),
        HPA.format("1000/1000", "HPA is enabled"),
        HPA.format("900/1000", "HPA is disabled"),
        HPA.format("18446744072344861488/268435455", "HPA setting seems invalid (buggy kernel?)"),
        HPA.format("0/0", "HPA is disabled"),
        "SG_IO: bad/missing sense data, sb[]: 70 00",
        "\x00" * 99,
        HPA.format("9" * 20 + "/" + "9" * 20, "HPA is disabled"),
    ],
)
def test_protected_area_not_told(text):
    with pytest.raises(InputError):
        drive.protected_area(text)


def test_configuration_overlay():
    assert drive.configured(DCO) == 976773168
    for text in (
        "",
        "DCO identify failed: Input/output error",
        "Real max sectors: 0",
        "Real max sectors: " + "9" * 20,
        "Real max sectors: x",
    ):
        with pytest.raises(InputError):
            drive.configured(text)


def answered(**parts):
    return Identity(answers=Answers(**parts))


SIZE = 976773168 * 512


@pytest.mark.parametrize(
    ("parts", "state", "words"),
    [
        (
            {"protected": Protected(accessible=900, native=1000), "configured": 1000},
            FAILED,
            "HPA of 100 sectors (900 of 1,000)",
        ),
        (
            {"protected": Protected(accessible=1000, native=1000), "configured": 1500},
            FAILED,
            "DCO of 500 sectors",
        ),
        (
            {"protected": Protected(accessible=1000, native=1000), "configured": 1000},
            CHECKED,
            "neither HPA nor DCO",
        ),
        (
            {"protected": Protected(accessible=1000, native=1000)},
            UNKNOWN,
            "no HPA; DCO: it was not",
        ),
        ({"configured": 976773170}, FAILED, "DCO of 2 sectors"),
        ({"refused": {"protected": "`hdparm` is not installed"}}, UNKNOWN, "not installed"),
        ({"drive": Drive(unallocated=0, namespaces=1, total=SIZE)}, CHECKED, "no capacity"),
        ({"drive": Drive(unallocated=0, namespaces=32, total=SIZE)}, CHECKED, "takes all"),
        ({"drive": Drive(unallocated=0, namespaces=32, total=SIZE * 2)}, UNKNOWN, "HPA"),
        ({"drive": Drive(unallocated=4096)}, FAILED, "4,096 bytes of the drive belong to no"),
        ({"drive": Drive(size=SIZE + 512)}, FAILED, "the system sees 500,107,862,016 of them"),
        ({}, UNKNOWN, "it was not asked"),
    ],
)
def test_hidden_areas(parts, state, words):
    check = identity.hidden_check(answered(**parts), SIZE)
    assert check.state == state
    assert words in check.text
    assert (check.code == "hidden-area") is (state == FAILED)
    if state == FAILED:
        assert check.text.startswith("hidden area present, not acquired")


@pytest.mark.parametrize(
    ("label", "drive_serial", "reported", "state"),
    [
        ("Z2A1-B3C4", "Z2A1B3C4", "DOCK01", CHECKED),
        ("S/N: z2a1b3c4", "Z2A1B3C4", None, CHECKED),
        ("WX31A1234567", "Z2A1B3C4", "DOCK01", FAILED),
        ("DOCK01", "Z2A1B3C4", "DOCK01", FAILED),
        ("DOCK01", "", "DOCK01", CHECKED),
        ("Z2A1B3C4", "", "DOCK01", UNKNOWN),
        ("Z2A1B3C4", "", None, UNKNOWN),
        ("", "Z2A1B3C4", None, UNKNOWN),
        ("not known", "NOTKNOWN", None, UNKNOWN),
        ("C4", "Z2A1B3C4", None, UNKNOWN),
    ],
)
def test_the_label(label, drive_serial, reported, state):
    who = Identity(
        bridge={"serial": "DOCK01"},
        drive={"serial": drive_serial} if drive_serial else {},
        label={"serial": label} if label else {},
    )
    check = identity.label_check(who, reported)
    assert check.state == state
    assert (check.code == "label-differs") is (state == FAILED)


def test_three_identities_are_kept_apart():
    who = Identity(bridge={"serial": "DOCK01"}, drive={"serial": "Z2"}, label={"serial": "X"})
    assert who.fields() == {
        "bridge": {"serial": "DOCK01"},
        "drive": {"serial": "Z2"},
        "label": {"serial": "X"},
    }


def fake(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    monkeypatch.setattr(probing, "SEARCH", f"{tmp_path}:/bin:/usr/bin")
    return tmp_path


def test_the_programs_are_asked(programs):
    (programs / "ata.json").write_bytes(raw(ATA))
    fake(programs, "smartctl", f"cat {programs}/ata.json; exit 4")
    fake(
        programs,
        "hdparm",
        "[ \"$1\" = -N ] && echo ' max sectors   = 90/100, HPA is enabled'; exit 0",
    )
    found = probing.ask(b"/dev/sdx", "usb")
    assert found.drive.identity["serial"] == "Z2A1B3C4"
    assert found.protected.hidden == 10
    assert found.configured is None
    assert "overlay" in found.refused["configured"]
    facts = Facts(
        path=b"/dev/sdx",
        kind="block",
        size=512,
        device="99:9",
        identity={"interface": "usb", "name": "sdx", "serial": "DOCK01"},
    )
    who = identity.of(facts, {"serial": "Z2A1B3C4"})
    assert who.drive["serial"] == "Z2A1B3C4"
    assert identity.label_check(who, "DOCK01").state == CHECKED


def test_absent_programs_are_no_answer(programs, monkeypatch):
    monkeypatch.setattr(probing, "SEARCH", str(programs))
    found = probing.ask(b"/dev/sdx", "ata")
    assert set(found.refused) == {"drive", "protected", "configured"}
    assert "not installed" in found.refused["drive"]
    assert identity.hidden_check(Identity(answers=found), 512).state == UNKNOWN


def test_a_program_that_hangs_is_left(programs, monkeypatch):
    monkeypatch.setattr(probing, "SECONDS", 0.2)
    fake(programs, "smartctl", "exec sleep 60")
    with pytest.raises(InputError, match="did not answer"):
        probing.run("smartctl", [], b"/dev/sdx")


def test_a_program_that_floods(programs):
    fake(programs, "smartctl", "exec head -c 9000000 /dev/zero")
    assert len(probing.run("smartctl", [], b"/dev/sdx")) == drive.MAX_BYTES


def test_what_the_system_sees_natively_is_the_drive():
    told = {"model": "ST500", "serial": "Z2A1B3C4"}
    assert identity.of_answers("99:9", "ata", told, Answers()).drive == told
    assert identity.of_answers("99:9", "usb", told, Answers()).drive == {}


def test_the_node_of_the_disk():
    facts = Facts(
        path=b"/dev/x",
        kind="block",
        size=1,
        device="8:1",
        identity={"name": "cciss!c0d0p1", "disk": "cciss!c0d0"},
    )
    assert identity.disk_path(facts) == b"/dev/cciss/c0d0"
    assert identity.disk_path(Facts(path=b"/dev/null", kind="block", size=1)) == os.path.realpath(
        b"/dev/null"
    )
