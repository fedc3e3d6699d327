"""`evkit device`, `equipment` and `media` on the command line, and choosing a source."""

from __future__ import annotations

import json
import re

import click
import machinekit
import pytest
import stations

from evkit.acquire import guard, opener, probing
from evkit.acquire.probing import Answers
from evkit.actions import device as actions
from evkit.cli import choosing
from evkit.cli.session import Session
from evkit.core.errors import ExitCode, RefusedError, UsageError

STICK = "pci/usb1/1-2/1-2:1.0/host6"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    made = machinekit.Machine(tmp_path / "machine")
    made.patch(monkeypatch)
    made.disk("sda", "8:0", device__model="System", parts={"sda1": ("8:1", 100)})
    made.mount("8:1", "/")
    made.disk("sdc", "8:32", at=STICK, size=976773168, device__vendor="JMicron",
              device__model="Generic", device__serial="WX31-A1234567",
              parts={"sdc1": ("8:33", 1024)})  # fmt: skip
    made.usb("pci/usb1/1-2", serial="DOCK0001", product="SATA\x1b[31m dock")
    made.udev("8:32", "E:X=1", ago=12)
    made.disk("sdd", "8:48", at="pci/usb1/1-3/host7", size=7810, device__model="Flash Voyager")
    monkeypatch.setattr(probing, "ask", lambda *_: Answers(refused={"drive": "not here"}))
    return made


@pytest.fixture
def evkit(evkit, tmp_path, monkeypatch):
    monkeypatch.setenv("EVKIT_NONINTERACTIVE", "1")
    monkeypatch.chdir(tmp_path)
    return evkit


def test_the_list(machine, evkit):
    out = evkit("device", "list")
    assert "  1  " in out
    assert (
        "sdc  JMicron Generic, serial WX31-A1234567, 500,107,862,016 bytes (465.8 GiB), usb" in out
    )
    assert "<< just plugged in" in out
    assert "plugged in 12 s ago, writable" in out
    assert out.index("sdc") < out.index("not offered:") < out.index("sda")
    document = json.loads(evkit("device", "list", "--json"))
    assert document["schema"] == "evkit/devices/1"
    assert [d["name"] for d in document["offered"]] == ["sdc", "sdd"]
    assert [d["withheld"] for d in document["not_offered"]] == ["the system uses it: `/`"]


def test_a_destination_is_not_offered(machine, evkit, monkeypatch, tmp_path):
    from evkit.acquire import sysfs

    to = tmp_path / "copies"
    monkeypatch.setattr(sysfs, "devices_of", lambda p: {"8:48"} if p == bytes(to) else set())
    document = json.loads(evkit("device", "list", "--to", str(to), "--json"))
    assert [d["name"] for d in document["offered"]] == ["sdc"]


def test_show(machine, evkit):
    out = evkit("device", "show", str(machine.top / "dev/sdc"))
    assert "bridge: vendor_id 152d" in out
    assert "\x1b" not in out
    assert "drive: could not check: not here" in out
    assert "guard-at-attach: checked: the guard was not active" in out
    assert "written-since-attach: checked: the kernel counts no write" in out
    document = json.loads(evkit("device", "show", "/dev/sdc1", "--json"))
    states = {check["check"]: check["state"] for check in document["checks"]}
    assert states["hidden-areas"] == "could-not-check"
    assert document["identities"]["bridge"]["serial"] == "DOCK0001"
    assert "no block device" in evkit("device", "show", "/dev/nothing", expect=ExitCode.INPUT)


def without_time(rule):
    return re.sub(r"20\d\d-[0-9T:.-]+Z", "TIME", rule)


def test_the_guard_comes_and_goes(machine, evkit, monkeypatch):
    monkeypatch.setattr(opener.os, "geteuid", lambda: 0)
    monkeypatch.setattr(actions, "_RELOAD", ["true"])
    assert "the guard is off" in evkit("device", "guard")
    out = evkit("device", "guard", "--on")
    assert "the guard is on since" in out
    assert "no write blocker" in out
    rule = machine.top / "rules" / guard.NAME.decode()
    assert without_time(rule.read_text()) == without_time(guard.rule(guard.blockdev()))
    before = rule.read_bytes()
    assert json.loads(evkit("device", "guard", "--on", "--json"))["active"] is True
    assert rule.read_bytes() == before
    document = json.loads(evkit("device", "guard", "--off", "--json"))
    assert (document["active"], document["did"]) == (False, "off")
    assert not rule.exists()
    evkit("device", "guard", "--off")
    evkit("device", "guard", "--on", "--off", expect=ExitCode.USAGE)


def test_the_guard_without_root_prints_the_command(machine, evkit, monkeypatch):
    monkeypatch.setattr(opener.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(opener, "elevation", lambda: None)
    err = evkit("device", "guard", "--on", expect=ExitCode.USAGE)
    assert "hint: run: sudo install -D -m 0644" in err
    assert "sudo udevadm control --reload" in err


def test_the_guard_without_udev(machine, evkit):
    (machine.top / "control").unlink()
    assert "needs udev" in evkit("device", "guard", "--on", expect=ExitCode.REFUSED)


@pytest.fixture
def station(tmp_path, monkeypatch):
    made = stations.ready(tmp_path / "station")
    phrase = tmp_path / "officer.pw"
    phrase.write_bytes(stations.PHRASE + b"\n")
    monkeypatch.setenv("EVKIT_STATION", str(made.path))
    monkeypatch.setenv("EVKIT_PASSPHRASE_FILE", str(phrase))
    monkeypatch.setenv("EVKIT_OFFICER", stations.OFFICER)
    return made


def test_equipment(station, evkit):
    assert "no equipment" in evkit("equipment", "list")
    out = evkit("equipment", "add", "T35u-1", "--what", "write-blocker", "--make", "Tableau",
                "--model", "T35u", "--serial", "0A17")  # fmt: skip
    assert "recorded equipment of the station, entry" in out
    assert "no test on record" in evkit("equipment", "list")
    evkit("equipment", "add", "T35u-1", "--tested", "2020-01-02", "--result", "passed",
          "--report", "WB-14")  # fmt: skip
    out = evkit("equipment", "list")
    assert "T35u-1: write-blocker, Tableau T35u, serial 0A17" in out
    assert "last test 2020-01-02: passed, report WB-14; " in out
    assert "days ago" in out
    document = json.loads(evkit("equipment", "list", "--json"))
    assert document["equipment"][0]["tests"][0]["day"] == "2020-01-02"
    assert "lies in the future" in evkit(
        "equipment", "add", "T35u-1", "--tested", "2999-01-01", expect=ExitCode.USAGE
    )
    assert "has a day" in evkit(
        "equipment", "add", "T35u-1", "--result", "passed", expect=ExitCode.USAGE
    )
    for day in ("yesterday", "2026-02-30", "20260102"):
        assert f"`{day}` is no day" in evkit(
            "equipment", "add", "T35u-1", "--tested", day, expect=ExitCode.USAGE
        )
    assert "would record" in evkit("equipment", "add", "X\x1b[2J", "--dry-run")
    assert len(json.loads(evkit("equipment", "list", "--json"))["equipment"]) == 1


def test_media(station, evkit):
    assert "no medium" in evkit("media", "list")
    evkit("media", "add", "STORE-07", "--serial", "WX31", "--uuid", "3E5C-0B71", "--use", "master")
    evkit("media", "add", "store-07", "--set", "wiped=zeros on 2026-11-20")
    out = evkit("media", "list")
    assert (
        out
        == "STORE-07: serial WX31, file system 3E5C-0B71, for master, wiped: zeros on 2026-11-20\n"
    )
    assert json.loads(evkit("media", "list", "--json"))["media"][0]["use"] == "master"


def test_the_station_still_verifies_and_a_case_has_no_gear(station, evkit):
    evkit("equipment", "add", "T35u-1", "--what", "write-blocker")
    evkit("media", "add", "STORE-07")
    anchor = station.open()
    with anchor:
        trust = anchor.trust.root().fingerprint
        head = anchor.head()
    told = ["--trust", f"sha256:{trust}", "--anchor", f"{head.size}:{head.root.hex()}"]
    good = "authorship PASS; record PASS; history PASS"  # no data: content is undecided
    assert good in evkit("verify", str(station.path), *told, expect=ExitCode.UNDECIDED)
    evkit("bundle", "create", "C1", "-o", "out.zip")
    assert evkit("verify", "out.zip", *told).startswith("PASS")
    with station.open() as opened:
        replayed = opened.state()
    told = [entry.summary for entry in replayed.entries]
    assert "equipment T35u-1, write-blocker" in told
    assert "medium STORE-07" in told
    assert "unknown-kind" not in {finding.code for finding in replayed.findings}
    assert "T35u" not in evkit("custody", "log", "C1")


class Typing:
    """A person at the terminal."""

    def __init__(self, monkeypatch, *answers):
        self.answers, self.asked = list(answers), []
        monkeypatch.setattr(choosing.click, "prompt", self.prompt)
        monkeypatch.setattr(Session, "interactive", lambda _: True)

    def prompt(self, text, **_):
        self.asked.append(text)
        return self.answers.pop(0)


def choose(station, to=()):
    with station.open() as opened:
        return choosing.choose_source(Session(), opened, to)


@pytest.mark.parametrize("typed", ["4567", "a1234567", "WX31-A1234567", "0001"])
def test_a_device_is_chosen_and_confirmed(machine, station, monkeypatch, capsys, typed):
    Typing(monkeypatch, "9", "1", typed)
    assert choose(station) == bytes(machine.top / "dev/sdc")
    err = capsys.readouterr().err
    assert "`9` is none of these" in err
    assert "4567" not in err.rpartition("not offered")[2].replace("A1234567", "")


def test_what_was_plugged_in_meanwhile_is_seen(machine, station, monkeypatch):
    person = Typing(monkeypatch, "", "3", "?", "64 GB")
    machine.disk("sde", "8:64", at="pci/usb3/host9", size=64 * 10**9 // 512, device__serial="S1")
    assert choose(station) == bytes(machine.top / "dev/sde")
    assert len(person.asked) == 4


def test_a_wrong_label_is_refused(machine, station, monkeypatch):
    Typing(monkeypatch, "1", "9999", "4568", "", "1 TB", "Seagate", "2")
    with pytest.raises(RefusedError, match="was not confirmed"):
        choose(station)


@pytest.mark.parametrize("typed", ["flash voyager", "VOYAGER", "4 MB", "0.004", "3998720"])
def test_without_a_serial_size_or_model_confirm(machine, station, monkeypatch, typed):
    Typing(monkeypatch, "2", *([typed] if typed not in {"0.004", "3998720"} else [typed, "4MB"]))
    assert choose(station) == bytes(machine.top / "dev/sdd")


def test_another_device_in_its_place_is_seen(machine, station, monkeypatch):
    person = Typing(monkeypatch, "2", "4 MB")
    real = person.prompt

    def swap(text, **more):
        if text.startswith("size"):
            (machine.sys / "devices/pci/usb1/1-3/host7/block/sdd/size").write_text("7811\n")
        return real(text, **more)

    monkeypatch.setattr(choosing.click, "prompt", swap)
    with pytest.raises(RefusedError, match="another device now"):
        choose(station)


def test_leaving(machine, station, monkeypatch):
    Typing(monkeypatch, "q")
    with pytest.raises(click.Abort):
        choose(station)


def test_scripts_name_the_source(machine, station):
    with pytest.raises(UsageError, match="what is to be acquired"):
        choose(station)


TERMINAL = """
import os, pathlib, sys
sys.path[:0] = {path!r}
import machinekit, stations
from evkit.acquire import probing
from evkit.acquire.probing import Answers
from evkit.actions import scene
from evkit.cli import choosing
from evkit.cli.session import Session
class Patch:
    setattr = staticmethod(setattr)
machine = machinekit.Machine(pathlib.Path({top!r}) / "machine")
machine.patch(Patch)
probing.ask = lambda *_: Answers()
machine.disk("sdc", "8:32", device__model="Disk 9", device__serial="Z2A1B3C4")
made = stations.ready(pathlib.Path({top!r}) / "station")
with made.open() as station:
    chosen = choosing.choose_source(Session(), station)
    found = scene.ask(station, "C1/E1", {{"label.serial": "Z2A1B3C4"}}, choosing.Terminal())
print(os.path.basename(chosen).decode(), sorted(found.fields))
"""


def test_on_a_real_terminal(tmp_path):
    """What a person types into a terminal; stdout stays clean for the result."""
    import os
    import pty
    import select
    import subprocess
    import sys

    controller, terminal = pty.openpty()
    script = TERMINAL.format(path=sys.path, top=str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=terminal, stderr=terminal, stdout=subprocess.PIPE,
        env={**os.environ, "HOME": str(tmp_path), "TERM": "dumb"},
    )  # fmt: skip
    try:  # the terminal stays open here: what is left in it is lost when its last holder goes
        answers = ["1", "b3c4", "none", "no blocker fits", "off", "", "?", "Seagate", "ST9",
                   "warrant 12", "trial", "lab", "First Witness"]  # fmt: skip
        os.write(controller, "".join(f"{answer}\n" for answer in answers).encode())
        out = process.stdout.read().decode()
        screen = ""
        while select.select([controller], [], [], 1)[0]:
            screen += os.read(controller, 65536).decode("utf-8", "replace")
    finally:
        process.stdout.close()
        assert process.wait(60) == 0
        os.close(terminal)
        os.close(controller)
    assert "witnesses" in screen
    assert out.startswith("sdc ['authority', 'label.make', 'label.model', 'label.serial',")
    assert "last 4 characters of the serial on its label" in screen
    assert "Disk 9, serial Z2A1B3C4" in " ".join(screen.split())
