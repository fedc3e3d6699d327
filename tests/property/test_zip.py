"""A damaged zip is refused or reads exactly as before, and as another program reads it."""

from __future__ import annotations

import io
import warnings
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evkit.core.errors import InputError
from evkit.manifest import zipread
from evkit.manifest.tree import read

FILES = {"bagit.txt": b"BagIt-Version: 1.0\n" * 3, "data/a": b"alpha", "data/b": b"b" * 300}


def make(files=FILES) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as handle:
        for name, data in files.items():
            handle.writestr(zipfile.ZipInfo(name, (2026, 11, 22, 9, 0, 0)), data)
    return out.getvalue()


def contents(path, data: bytes):
    """Return what the strict reader finds, None when it refuses."""
    path.write_bytes(data)
    try:
        with zipread.ZipTree(str(path)) as tree:
            return {name: read(tree, name, 1 << 20) for name in tree.sizes}
    except InputError:
        return None


def by_the_library(data: bytes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(io.BytesIO(data)) as handle:
            return {n: handle.read(n) for n in handle.namelist() if not n.endswith("/")}


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit(tmp_path, bit):
    good = make()
    for at in range(len(good)):
        changed = bytearray(good)
        changed[at] ^= 1 << bit
        found = contents(tmp_path / "x.zip", bytes(changed))
        assert found in (None, FILES), at


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_edited_archives(tmp_path, data):
    changed = bytearray(make())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        length = data.draw(st.integers(0, 12))
        changed[at : at + length] = data.draw(st.binary(max_size=12))
    found = contents(tmp_path / "x.zip", bytes(changed))
    if found is not None:
        assert by_the_library(bytes(changed)) == found


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=400))
def test_noise(tmp_path, data):
    assert contents(tmp_path / "x.zip", data) is None
    assert contents(tmp_path / "x.zip", b"PK\x03\x04" + data) is None


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}|[0-9]/[a-z]{1,9}", fullmatch=True), st.binary()))
def test_good_archives_are_read(tmp_path, files):
    assert contents(tmp_path / "x.zip", make(files)) == files
