"""Manifests of conformance bags and of bagit-python are audited; bagit-python validates ours."""

from __future__ import annotations

import os

import pytest

from evkit.cli.main import run
from evkit.core.errors import InputError
from evkit.hashing.lists.formats import read_list

bagit = pytest.importorskip("bagit")


def manifests(folder):
    return sorted(folder.glob("manifest-*.txt"))


def test_payload_manifests_of_valid_bags_pass(vectors, capsys):
    done = 0
    for bag in sorted(vectors.glob("bagit/v*/valid/*")):
        for manifest in manifests(bag):
            if bag.name == "UTF-16-encoded-tag-files" or "sha224" in manifest.name:
                with pytest.raises(InputError, match=r"UTF-16|does not make"):
                    read_list(os.fsencode(manifest))
                continue
            known = read_list(os.fsencode(manifest))
            assert run(["audit", str(manifest), str(bag / "data")]) == 0, capsys.readouterr().out
            assert known.format == "bagit"
            done += 1
    assert done > 5


def test_every_manifest_is_read_or_refused(vectors):
    seen = 0
    for manifest in vectors.glob("bagit/**/*manifest-*.txt"):
        seen += 1
        try:
            read_list(os.fsencode(manifest))
        except InputError:
            continue
    assert seen > 60


def _bag(tmp_path, names):
    for number, name in enumerate(names):
        path = os.path.join(os.fsencode(tmp_path), name)
        with open(path, "wb") as handle:
            handle.write(b"%d" % number)
    bagit.make_bag(str(tmp_path), checksums=["sha256"])


def test_a_bag_of_bagit_python_is_audited(tmp_path, capsys):
    bag = tmp_path / "bag"
    bag.mkdir()
    _bag(bag, [b"a", b"b c", b"new\nline", "اردو".encode(), b"star*"])
    assert run(["audit", str(bag / "manifest-sha256.txt"), str(bag / "data")]) == 0
    (bag / "data" / "a").write_bytes(b"x")
    assert run(["audit", str(bag / "manifest-sha256.txt"), str(bag / "data")]) == 4
    assert "modified" in capsys.readouterr().out


def test_bagit_python_validates_a_manifest_of_ours(tmp_path):
    bag = tmp_path / "bag"
    bag.mkdir()
    _bag(bag, [b"a", b"b c", b"new\nline", "اردو".encode()])
    manifest = bag / "manifest-sha256.txt"
    theirs = sorted(manifest.read_bytes().splitlines())
    manifest.unlink()
    options = ["--quiet", "--format", "bagit", "-o", str(manifest)]
    assert run(["hash", *options, str(bag / "data")]) == 0
    assert sorted(manifest.read_bytes().splitlines()) == theirs
    (bag / "tagmanifest-sha256.txt").unlink()
    assert bagit.Bag(str(bag)).is_valid()
