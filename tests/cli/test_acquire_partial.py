"""Partial by decision on a real station: a partition, a range, a running system, a closed work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import acquirekit as kit
import pytest

from evkit.acquire import log
from evkit.cli.session import Session


@pytest.fixture
def medium(tmp_path):
    """A disk with an MBR and one partition."""
    path = tmp_path / "disk.dd"
    data = bytearray(os.urandom(1 << 20))
    data[446:512] = bytes(66)
    data[446:462] = bytes([0, 0, 0, 0, 0x83, 0, 0, 0]) + (64).to_bytes(4, "little") + (
        1000
    ).to_bytes(4, "little")  # fmt: skip
    data[510:512] = b"\x55\xaa"
    path.write_bytes(bytes(data))
    return path


def everywhere(run, words, tmp_path):
    """The same words in every place where the acquisition is shown."""
    assert words in " ".join(run("exhibit", "show", "C1/E1").split())
    assert words in " ".join(run("custody", "log", "C1").split())
    assert words in run("verify", "C1/E1/A1", "--no-history", expect=5).splitlines()[0]
    run("bundle", "create", "C1", "-o", tmp_path / "b", "--with-exhibits")
    assert words in run("bundle", "show", tmp_path / "b")
    assert words in run("verify", tmp_path / "b", "--no-history", expect=5).splitlines()[0]
    page = (tmp_path / "b" / "manifest.html").read_text()
    assert page.index("<h1>") < page.index(words) < page.index("In short")
    items = log.decode((run.folder / "A1" / "acquisition-log.json").read_bytes())["items"]
    assert words in items["decision"]["value"]


def test_a_partition(run, medium, tmp_path):
    out = run(
        "acquire", medium, "--exhibit", "C1/E1", "--type", "partition", "--part", "1",
        "--scope", "the data partition", "--reason", "the warrant names it",
    )  # fmt: skip
    words = (
        "partial by decision: partition 1: bytes 32,768 to 544,768 of 1,048,576; "
        "why: the data partition; the warrant names it; who: SI Third Officer"
    )
    assert words in out
    assert (run.folder / "A1/acquisition-log.json").exists()
    everywhere(run, words, tmp_path)
    document = json.loads(run("exhibit", "show", "C1/E1", "--json"))
    assert document["acquisitions"][0]["decisions"][0]["kind"] == "partial"


def test_a_range_without_scope_is_a_deviation(run, medium):
    out = run("acquire", medium, "--exhibit", "C1/E1", "--type", "range", "--part", "0+4096")
    assert "why: not stated" in out
    assert "asks for scope and reason; not stated" in out


def test_on_a_terminal_scope_and_reason_are_asked(run, medium, monkeypatch):
    monkeypatch.setattr(Session, "interactive", lambda _: True)
    monkeypatch.setattr("click.prompt", lambda *_, **__: "as asked")
    out = run("acquire", medium, "--exhibit", "C1/E1", "--type", "range", "--part", "0+4096")
    assert "why: as asked; who" in out


def test_a_running_system(run, medium, tmp_path):
    scope = ("--scope", "it cannot be switched off")
    out = run("acquire", medium, "--exhibit", "C1/E1", "--type", "live", *scope)
    words = "taken from a running system: of no single moment; why: it cannot be switched off"
    assert words in out
    everywhere(run, words, tmp_path)


def test_all_of_a_source_is_no_decision(run, medium):
    assert "by decision" not in run("acquire", medium, "--exhibit", "C1/E1")
    assert "by decision" not in run("exhibit", "show", "C1/E1")
    items = log.decode((run.folder / "A1" / "acquisition-log.json").read_bytes())["items"]
    assert items["decision"]["value"] == "nothing: all of the source was to be taken"


def test_work_that_was_closed(run, tmp_path):
    """Stopped while it was read, then closed by the officer."""
    path = tmp_path / "large.dd"
    with open(path, "wb") as handle:
        handle.truncate(1 << 30)
    process = kit.evkit_process(
        run.made.path, "acquire", str(path), "--exhibit", "C1/E1", "--format", "raw",
        "--hash", "md5,sha1,sha256,sha512", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    part = run.folder / "A1" / "image.raw.part"
    for _ in range(6000):
        if part.exists() and part.stat().st_blocks > 100_000:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    out = run("acquire", "--finish", "--exhibit", "C1/E1", "--reason", "the disk died", expect=3)
    assert "closed by decision with" in out
    assert "bytes not tried; why: the disk died; who: SI Third Officer" in out
    shown = " ".join(run("exhibit", "show", "C1/E1").split())
    assert "bytes not tried; why: the disk died" in shown
    assert "bytes not tried; why: the disk died" in " ".join(run("custody", "log", "C1").split())
