"""station.toml: written once, read strictly."""

from __future__ import annotations

import os

import pytest

from evkit.core.errors import CaseError, InputError, RefusedError, UsageError
from evkit.station import config
from evkit.station.config import Config


def _config(**changes: str) -> Config:
    values = {
        "name": "Cyber Unit",
        "agency": "FIA",
        "origin": "fia/cyber-unit-00000001",
        "profile": "pk",
        "created": "2026-11-22T09:05:00.000Z",
        "root_dir": "",
    }
    return Config(**{**values, **changes})


def test_what_is_written_is_read(tmp_path):
    made = _config(name='He said "no" \\ سائبر یونٹ', root_dir="/media/root stick")
    config.write(os.fsencode(tmp_path / "station.toml"), made)
    assert config.read(os.fsencode(tmp_path)) == made


def test_it_is_written_once(tmp_path):
    path = os.fsencode(tmp_path / "station.toml")
    config.write(path, _config())
    with pytest.raises(RefusedError):
        config.write(path, _config(name="Other"))
    assert config.read(os.fsencode(tmp_path)).name == "Cyber Unit"


def test_no_station(tmp_path):
    with pytest.raises(CaseError, match="is not a station"):
        config.read(os.fsencode(tmp_path))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("format = 1", "format = 2"),
        ("format = 1", 'format = "1"'),
        ("format = 1\n", ""),
        ('profile = "pk"', "profile = 3"),
        ('profile = "pk"', 'profile = "pk"\nextra = "x"'),
        ('profile = "pk"\n', ""),
        ("fia/cyber", "fia cyber"),
        ("fia/cyber", "fia//cyber"),
        ("created", "[created"),
    ],
)
def test_damage_is_named(tmp_path, old, new):
    path = tmp_path / "station.toml"
    config.write(os.fsencode(path), _config())
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError):
        config.read(os.fsencode(tmp_path))


def test_hostile_files(tmp_path):
    path = tmp_path / "station.toml"
    deep = b"a = " + b"[" * 30_000 + b"]" * 30_000
    for content in (b"", b"\xff\xfe", b"a = 1\n" * 20_000, b"format = 1", deep):
        path.write_bytes(content)
        with pytest.raises(InputError):
            config.read(os.fsencode(tmp_path))


def test_origin_from_names():
    assert config.make_origin("FIA Lahore", "Cyber Unit!", "ab") == "fia-lahore/cyber-unit-ab"
    assert config.make_origin("ایف آئی اے", "یونٹ", "ab") == "agency/station-ab"
    assert config.is_origin(config.make_origin("x" * 300, "y" * 300, "ab"))
    assert not config.is_origin("a b")
    assert not config.is_origin("a+b")
    assert not config.is_origin("/a")
    assert not config.is_origin("a/")


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "x" * 201, "\u202eabc"])
def test_names_are_printable(text):
    with pytest.raises(UsageError):
        config.need_text(text, "name")
