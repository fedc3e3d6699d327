"""Command lines run in this process, as an officer types them."""

from __future__ import annotations

import os

import leftovers
import pytest
import stations

from evkit.cli import main
from evkit.cli.session import Session
from evkit.station import Station


class Line:
    """Runs one command line after the other; nothing may be left running or open.

    Attributes:
        made: the station, if there is one.
        folder: of exhibit `C1/E1` in it.
    """

    def __init__(self, capsys) -> None:
        self._capsys = capsys
        self.made: stations.Ready | None = None

    @property
    def folder(self):
        return self.made.path / "cases" / "C1" / "E1"

    def __call__(self, *arguments, expect=0):
        """Return what both streams say; with `--json` what stdout says, or stderr if that is empty.

        Args:
            arguments: words, paths, bytes.
            expect: the exit code; None for any.
        """
        words = [os.fsdecode(word) if isinstance(word, bytes) else str(word) for word in arguments]
        self._capsys.readouterr()
        with leftovers.none(collected=True):
            code = main.run(words)
        streams = self._capsys.readouterr()
        assert expect is None or code == expect, (words, streams)
        if "--json" in words:
            return streams.out or streams.err
        return streams.out + streams.err


@pytest.fixture
def evkit(capsys):
    """Run command lines; what they need of an environment is the test's."""
    return Line(capsys)


@pytest.fixture
def run(evkit, tmp_path, monkeypatch):
    """Run command lines on a station of one's own; the officers' keys are unlocked already."""
    made = evkit.made = stations.ready(tmp_path / "station")
    keys = {stations.OFFICER: made.officer, stations.CUSTODIAN: made.custodian}
    monkeypatch.setattr(Station, "signer", lambda _, officer, __: keys[officer])
    monkeypatch.setattr(Session, "passphrase", lambda *_, **__: b"")
    monkeypatch.setenv("EVKIT_STATION", str(made.path))
    monkeypatch.setenv("EVKIT_OFFICER", stations.OFFICER)
    monkeypatch.chdir(tmp_path)
    return evkit
