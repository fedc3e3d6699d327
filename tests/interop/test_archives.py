"""Archives of the system's own programs are listed as those programs list them."""

from __future__ import annotations

import hashlib
import os
import subprocess

import archivekit as kit
import pytest

from evkit.core.paths import from_fields

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "t"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"hello")
    (root / "sub" / "large.bin").write_bytes(os.urandom(500_000))
    (root / "sub" / "zeros").write_bytes(bytes(300_000))
    (root / "sub" / "deep" / "نام.txt").write_bytes(b"urdu")
    (root / "sub" / "deep" / ("n" * 200)).write_bytes(b"long")
    (root / "empty").write_bytes(b"")
    os.symlink("a.txt", root / "link")
    os.link(root / "a.txt", root / "z-again")
    os.utime(root / "a.txt", (1_600_000_000, 1_600_000_000))
    return root


def _run(*command, cwd):
    subprocess.run(command, check=True, cwd=cwd, env=ENVIRONMENT, stdout=subprocess.DEVNULL)


def _files(root):
    """Relative path -> SHA-256 of every regular file."""
    return {
        os.fsencode(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def _listed(path, root, *, links=False):
    """List an archive and compare names and digests with the files it was made of."""
    listed = kit.Listed(path.read_bytes(), name=os.fsencode(path.name), hashes=("sha256",))
    inner = listed.systems[-1]["fs"]
    assert [row["state"] for row in listed.systems] == ["ok"] * len(listed.systems), listed.systems
    found = {
        name.removeprefix(b"/").removeprefix(b"./"): row["digests"]["sha256"]
        for name, row in listed.streams(inner).items()
    }
    expected = _files(root)
    if links:  # the second name of a hard link has no content of its own
        hard = [row for row in listed.kind("name", inner) if row.get("reason") == "hard-link"]
        assert len(hard) == 1
        gone = from_fields(hard[0]).removeprefix(b"/").removeprefix(b"./")
        assert gone in {b"a.txt", b"z-again"}
        del expected[gone]
    assert found == expected
    return {
        from_fields(row).removeprefix(b"/").removeprefix(b"./"): row
        for row in listed.kind("name", inner)
    }


@pytest.mark.parametrize("options", [(), ("-0",), ("-y",), ("-Z", "bzip2")])
def test_info_zip(tree, tmp_path, program, options):
    _run(program("zip"), "-q", "-r", *options, str(tmp_path / "x.zip"), ".", cwd=tree)
    if options != ("-y",):
        (tree / "link").unlink()  # zip follows it without -y
        (tree / "link").write_bytes(b"hello")
    names = _listed(tmp_path / "x.zip", tree)
    assert names[b"a.txt"]["times"]["m"] == "1600000000000000000"
    assert names[b"a.txt"]["zone"] == "utc"
    assert names[b"sub/deep"]["type"] == "directory"
    if options == ("-y",):
        assert names[b"link"]["target"] == "a.txt"


def test_info_zip_to_a_pipe_and_encrypted(tree, tmp_path, program):
    """A zip written to a pipe has data descriptors; a password hides content and not names."""
    (tree / "link").unlink()
    with open(tmp_path / "x.zip", "wb") as out:
        subprocess.run([program("zip"), "-q", "-r", "-", "."], cwd=tree, stdout=out, check=True)
    _listed(tmp_path / "x.zip", tree)
    _run(program("zip"), "-q", "-P", "secret", str(tmp_path / "e.zip"), "a.txt", cwd=tree)
    listed = kit.Listed((tmp_path / "e.zip").read_bytes())
    assert listed.streams()[b"/a.txt"]["state"] == "encrypted"


@pytest.mark.parametrize(
    ("form", "pack"),
    [("ustar", ""), ("gnu", ""), ("pax", ""), ("oldgnu", ""), ("gnu", "--gzip"),
     ("gnu", "--bzip2"), ("gnu", "--xz")],
)  # fmt: skip
def test_gnu_tar(tree, tmp_path, program, form, pack):
    name = {"": "x.tar", "--gzip": "x.tar.gz", "--bzip2": "x.tar.bz2", "--xz": "x.txz"}[pack]
    if form == "ustar":
        (tree / "sub" / "deep" / ("n" * 200)).unlink()
    command = [program("tar"), f"--format={form}", "-cf", str(tmp_path / name), "."]
    _run(*command, *([pack] if pack else []), cwd=tree)
    names = _listed(tmp_path / name, tree, links=True)
    assert names[b"link"]["target"] == "a.txt"
    assert names[b"sub"]["type"] == "directory"


@pytest.mark.parametrize("form", ["ustar", "pax", "gnutar", "v7", "zip", "7zip"])
def test_bsdtar(tree, tmp_path, program, form):
    if form in {"v7", "ustar"}:
        (tree / "sub" / "deep" / ("n" * 200)).unlink()
    name = {"zip": "x.zip", "7zip": "x.7z"}.get(form, "x.tar")
    if form == "7zip":
        (tree / "link").unlink()  # py7zr tells the links of 7-Zip, libarchive writes others
    command = [program("bsdtar"), "-c", f"--format={form}", "-f", str(tmp_path / name), "."]
    _run(*command, cwd=tree)
    _listed(tmp_path / name, tree, links=form not in {"zip", "7zip"})


@pytest.mark.parametrize(
    "options",
    [(), ("-ms=off",), ("-m0=lzma",), ("-m0=ppmd",), ("-m0=bzip2",), ("-m0=deflate",), ("-mx=0",),
     ("-m0=bcj", "-m1=lzma2")],
)  # fmt: skip
def test_seven_zip(tree, tmp_path, program, options):
    (tree / "link").unlink()
    _run(program("7zz"), "a", "-bd", *options, str(tmp_path / "x.7z"), ".", cwd=tree)
    names = _listed(tmp_path / "x.7z", tree)
    assert int(names[b"a.txt"]["times"]["m"]) == 1_600_000_000 * 10**9


def test_seven_zip_encrypted(tree, tmp_path, program):
    _run(program("7zz"), "a", "-bd", "-psecret", str(tmp_path / "x.7z"), "a.txt", cwd=tree)
    listed = kit.Listed((tmp_path / "x.7z").read_bytes())
    assert listed.streams()[b"/a.txt"]["state"] == "encrypted"
    _run(program("7zz"), "a", "-bd", "-psecret", "-mhe=on", str(tmp_path / "h.7z"), "a.txt",
         cwd=tree)  # fmt: skip
    assert kit.Listed((tmp_path / "h.7z").read_bytes()).top["state"] == "encrypted"


@pytest.mark.parametrize("method", ["lzma", "xz", "bzip2", "deflate", "copy"])
def test_zip_by_seven_zip(tree, tmp_path, program, method):
    (tree / "link").unlink()
    _run(program("7zz"), "a", "-bd", "-tzip", f"-mm={method}", str(tmp_path / "x.zip"), ".",
         cwd=tree)  # fmt: skip
    _listed(tmp_path / "x.zip", tree)


def test_zip_by_seven_zip_with_aes_and_deflate64(tree, tmp_path, program):
    _run(program("7zz"), "a", "-bd", "-tzip", "-psecret", "-mem=AES256", str(tmp_path / "e.zip"),
         "a.txt", cwd=tree)  # fmt: skip
    listed = kit.Listed((tmp_path / "e.zip").read_bytes())
    assert listed.streams()[b"/a.txt"]["state"] == "encrypted"
    _run(program("7zz"), "a", "-bd", "-tzip", "-mm=deflate64", str(tmp_path / "d.zip"), "sub/zeros",
         cwd=tree)  # fmt: skip
    row = kit.Listed((tmp_path / "d.zip").read_bytes()).streams()[b"/sub/zeros"]
    assert (row["state"], row["detail"]) == ("unsupported", "Deflate64")
