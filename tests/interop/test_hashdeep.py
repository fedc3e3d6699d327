"""The real hashdeep and the real sha256sum read our lists, and we read theirs."""

from __future__ import annotations

import os
import subprocess

import pytest

from evkit.cli.main import run

PLAIN = [b"a", b"b,c", b"d/e f", b"d/ lead", b"d/trail ", b"tab\tx", b"back\\slash", b"inv\xff",
         "اردو".encode(), "bidi\u202egnp".encode(), b"%0A", b"#x"]  # fmt: skip
HOSTILE = [b"new\nline", b"endcr\r", b"d/a\n0,b"]


def make(root, names):
    for number, name in enumerate(names):
        path = os.path.join(os.fsencode(root), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as handle:
            handle.write(b"content %d of " % number + name)


def call(*arguments, cwd=None):
    return subprocess.run(arguments, capture_output=True, timeout=60, cwd=cwd, check=False)


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    make(root, PLAIN)
    return root


@pytest.mark.parametrize("hashes", ["md5", "sha256", "md5,sha1,sha256"])
def test_hashdeep_audits_with_our_list(tree, program, hashes):
    listed = tree.parent / "ours"
    assert run(["hash", "--quiet", "--hash", hashes, "-o", str(listed), str(tree)]) == 0
    done = call(program("hashdeep"), "-a", "-v", "-r", "-k", str(listed), str(tree))
    assert b"Audit passed" in done.stdout
    assert b"Files matched: %d" % len(PLAIN) in done.stdout
    (tree / "a").write_bytes(b"changed")
    done = call(program("hashdeep"), "-a", "-r", "-k", str(listed), str(tree))
    assert (done.returncode, b"Audit failed" in done.stdout) == (1, True)


def test_hashdeep_skips_the_rows_that_it_cannot_hold(tree, program):
    make(tree, HOSTILE)
    os.symlink("a", tree / "link")
    listed = tree.parent / "ours"
    assert run(["hash", "--quiet", "-o", str(listed), str(tree)]) == 0
    done = call(program("hashdeep"), "-a", "-v", "-r", "-o", "f", "-k", str(listed), str(tree))
    assert b"Files matched: %d" % len(PLAIN) in done.stdout
    assert b"New files found: %d" % len(HOSTILE) in done.stdout
    assert run(["audit", str(listed), str(tree)]) == 0


@pytest.mark.parametrize("relative", [[], ["-l"]])
def test_we_audit_with_a_list_of_hashdeep(tree, program, relative, capsys):
    make(tree, [b"new\nline"])
    done = call(program("hashdeep"), "-c", "md5,sha256", "-r", *relative, "tree", cwd=tree.parent)
    listed = tree.parent / "theirs"
    listed.write_bytes(done.stdout)
    assert run(["audit", str(listed), str(tree)]) == 0
    assert f"{len(PLAIN) + 1} ok" in capsys.readouterr().out
    os.rename(tree / "a", tree / "z")
    (tree / "b,c").write_bytes(b"x")
    assert run(["audit", str(listed), str(tree)]) == 4
    out = capsys.readouterr().out
    assert "1 modified, 1 moved, 0 copied, 0 new, 0 missing, 0 unreadable" in out


def test_our_digests_are_those_of_hashdeep(tree, program):
    listed = tree.parent / "ours"
    assert run(["hash", "--quiet", "-o", str(listed), str(tree)]) == 0
    done = call(program("hashdeep"), "-c", "md5,sha256", "-r", str(tree))

    def rows(data):
        return sorted(line for line in data.splitlines() if line[:1] not in b"%#")

    assert rows(listed.read_bytes()) == rows(done.stdout)


def test_sha256sum_checks_our_list_and_we_theirs(tree, program):
    make(tree, HOSTILE)
    os.symlink("a", tree / "link")
    listed = tree.parent / "ours"
    options = ["--quiet", "--format", "sha256sum", "-o", str(listed)]
    assert run(["hash", *options, str(tree)]) == 0
    assert call(program("sha256sum"), "-c", str(listed)).returncode == 0
    names = [os.path.join(os.fsencode(tree), name) for name in PLAIN + HOSTILE]
    for extra in ([], ["--tag"], ["--binary"]):
        done = call(program("sha256sum"), *extra, *names)
        theirs = tree.parent / "theirs"
        theirs.write_bytes(done.stdout)
        assert run(["audit", str(theirs), str(tree)]) == 0
    (tree / "a").write_bytes(b"changed")
    assert call(program("sha256sum"), "-c", str(listed)).returncode == 1
    assert run(["audit", str(listed), str(tree)]) == 4
