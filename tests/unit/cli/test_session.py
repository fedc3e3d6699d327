"""Global options, the search for a station, passphrases."""

from __future__ import annotations

import os
import time
import types

import pytest

from evkit.cli.options import merge_fields
from evkit.cli.session import Session, read_passphrase
from evkit.core.errors import CaseError, IdentityError, InputError, UsageError


def test_the_station_is_found_upwards(tmp_path, monkeypatch):
    (tmp_path / "station.toml").write_text("")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert Session().find_station() == str(tmp_path)
    monkeypatch.setenv("EVKIT_STATION", "/elsewhere")
    assert Session().find_station() == "/elsewhere"
    assert Session(station_path="/first").find_station() == "/first"


def test_no_station_is_an_error_with_advice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CaseError) as caught:
        Session().find_station()
    assert "station init" in caught.value.hint


def test_passphrases_come_from_a_file_and_never_from_a_pipe(tmp_path):
    path = tmp_path / "phrase"
    path.write_bytes("خفیہ جملہ\r\nsecond line\n".encode())
    assert read_passphrase(str(path)) == "خفیہ جملہ".encode()
    assert Session(passphrase_file=str(path)).passphrase("x") == "خفیہ جملہ".encode()
    with pytest.raises(IdentityError, match="not a terminal"):
        Session().passphrase("passphrase")


@pytest.mark.parametrize(("content", "kind"), [(b"", IdentityError), (b"x" * 5000, InputError)])
def test_bad_passphrase_files(tmp_path, content, kind):
    path = tmp_path / "phrase"
    path.write_bytes(content)
    with pytest.raises(kind):
        read_passphrase(str(path))
    with pytest.raises(IdentityError):
        read_passphrase(str(tmp_path / "missing"))


def test_settings_override_the_file(tmp_path):
    path = tmp_path / "fields.yaml"
    path.write_text("seal: A1\nplace: Lahore\n")
    assert merge_fields(str(path), ("seal=B=2",)) == {"seal": "B=2", "place": "Lahore"}


@pytest.mark.parametrize("settings", [("seal",), ("=x",), ("a=1", "a=2")])
def test_bad_settings(settings):
    with pytest.raises(UsageError):
        merge_fields(None, settings)


@pytest.mark.parametrize("content", ["- a\n", "1: 2\n", "a: [\n", "\x00"])
def test_bad_field_files(tmp_path, content):
    path = tmp_path / "fields.yaml"
    path.write_text(content)
    with pytest.raises(InputError):
        merge_fields(str(path), ())
    with pytest.raises(InputError):
        merge_fields(str(tmp_path / "missing"), ())


def test_interactive_is_off_when_forbidden(monkeypatch):
    monkeypatch.setenv("EVKIT_NONINTERACTIVE", "1")
    assert Session().interactive() is False
    assert os.environ["EVKIT_NONINTERACTIVE"] == "1"


@pytest.fixture
def slow(tmp_path):
    """A session with a passphrase file, and a station whose key takes a while."""

    class Slow:
        unlocked = ()

        trust = types.SimpleNamespace(officer=lambda name: types.SimpleNamespace(officer=name))

        def signer(self, name, phrase):
            time.sleep(0.2)
            self.unlocked += ((name, phrase),)
            return self.unlocked

    path = tmp_path / "phrase"
    path.write_bytes(b"words\n")
    return Session(passphrase_file=str(path)), Slow()


def test_a_key_is_unlocked_once_beside_other_work(slow):
    session, station = slow
    with session.unlocking(station, "a") as unlocked:
        assert unlocked() == unlocked() == (("a", b"words"),)
    assert station.unlocked == (("a", b"words"),)


def test_work_that_fails_leaves_no_unlocking_behind(slow):
    session, station = slow
    with pytest.raises(KeyError), session.unlocking(station, "a"):
        raise KeyError
    assert station.unlocked == (("a", b"words"),)
