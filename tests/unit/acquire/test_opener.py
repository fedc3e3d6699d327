"""Opening a device as somebody else, and claiming it; with loop devices and plain commands."""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import subprocess
import sys

import leftovers
import pytest

from evkit.acquire import claim, opener, opener_child, source
from evkit.core.errors import InputError, LockedError, UsageError


@pytest.fixture
def loop(tmp_path):
    """A loop device over a file of 1 MiB."""
    if os.geteuid() != 0 or not os.path.exists("/dev/loop-control"):
        pytest.skip("loop devices need root")
    image = tmp_path / "disk.dd"
    image.write_bytes(bytes(range(256)) * 4096)
    command = ["losetup", "-f", "--show", str(image)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"losetup: {done.stderr}")
    node = os.fsencode(done.stdout.strip())
    yield node
    subprocess.run(["losetup", "-d", node], check=True)


def test_a_descriptor_comes_back_for_reading_only(loop):
    got = opener.open_elevated(loop, prefix=["env"])
    try:
        assert got.exclusive
        buffer = mmap.mmap(-1, 4096)  # aligned: it may be read past the cache
        assert os.preadv(got.descriptor, [buffer], 0) == 4096
        assert buffer[:256] == bytes(range(256))
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(got.descriptor, bytes(512))
        assert not os.get_inheritable(got.descriptor)
    finally:
        os.close(got.descriptor)


NOBODY = """
import mmap, os, sys
sys.path[:0] = {path!r}
from evkit.acquire import opener, source
assert os.geteuid() == 65534
try:
    os.open({loop!r}, os.O_RDONLY)
    raise SystemExit("nobody may open it: the test shows nothing")
except PermissionError:
    pass
opener.elevation = lambda: None
try:
    source.open_source({loop!r})
    raise SystemExit("it was opened")
except source.InputError as error:
    assert "sudo" in error.hint
opener.elevation = lambda: ["setpriv", "--reuid", "root"]
opened = source.open_source({loop!r})
buffer = mmap.mmap(-1, 4096)
assert os.preadv(opened.descriptor, [buffer], 0) == 4096
assert buffer[:256] == bytes(range(256))
assert opened.facts.claimed and opened.facts.exclusive
assert os.geteuid() == 65534
print("read", opened.facts.size)
"""


def test_a_user_without_rights_reads_through_the_opener(loop):
    """A process that is nobody, and stays so, gets the descriptor from one that is root."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not here")
    os.chmod(loop, 0o600)
    rights = ["--inh-caps", "+setuid,+setgid", "--ambient-caps", "+setuid,+setgid"]
    script = NOBODY.format(path=sys.path, loop=loop)
    done = subprocess.run(
        ["setpriv", "--reuid", "nobody", "--clear-groups", *rights, sys.executable, "-c", script],
        capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"read {1 << 20}\n"), done.stderr


def test_open_source_asks_the_opener_when_the_right_is_missing(loop, monkeypatch):
    real = os.open

    def refuse(path, flags, *rest, **more):
        if path == loop:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(source.os, "open", refuse)
    monkeypatch.setattr(opener.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(opener, "elevation", lambda: ["env"])
    opened = source.open_source(loop)
    try:
        assert opened.facts.size == 1 << 20
        assert opened.facts.exclusive
        assert opened.facts.claimed
    finally:
        opened.close()


def test_only_devices_are_opened(tmp_path):
    path = os.fsencode(tmp_path / "secret")
    with open(path, "wb") as handle:
        handle.write(b"not a device")
    with pytest.raises(InputError, match="Block device required"):
        opener.open_elevated(path, prefix=["env"])
    with pytest.raises(InputError, match="No such file"):
        opener.open_elevated(path + b"x", prefix=["env"])
    with pytest.raises(OSError, match="Block device required"):
        opener_child.attempt(b"/dev/null")


@pytest.mark.parametrize("prefix", [["false"], ["true"], ["sh", "-c", "exec sleep 0", "x"]])
def test_a_refusal_is_said(prefix, tmp_path):
    with pytest.raises(InputError) as caught:
        opener.open_elevated(b"/dev/null", prefix=prefix)
    assert "sudo" in caught.value.hint


def test_nobody_to_elevate(monkeypatch):
    monkeypatch.setattr(opener, "elevation", lambda: None)
    with pytest.raises(InputError, match="permission denied"):
        opener.open_elevated(b"/dev/sdz")
    with pytest.raises(InputError, match="does not start"):
        opener.open_elevated(b"/dev/sdz", prefix=["/nowhere/sudo"])


LIAR = """
import array, os, socket, sys
channel = socket.socket(fileno=0)
descriptors = [os.open(path, flags) for path, flags in {opens!r}]
channel.sendmsg([{word!r}], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))])
"""


@pytest.mark.parametrize(
    ("opens", "word"),
    [
        ([("/dev/null", os.O_RDONLY)], b"P"),
        ([("LOOP", os.O_RDWR)], b"P"),
        ([("LOOP", os.O_RDONLY), ("LOOP", os.O_RDONLY)], b"P"),
        ([("LOOP", os.O_RDONLY)], b"Z"),
        ([("LOOP", os.O_RDONLY)], b"PP"),
        ([("LOOP", os.O_RDONLY)], b"E13"),
        ([("LOOP", os.O_RDONLY)], b"E" + b"9" * 12),
    ],
)
def test_what_comes_back_is_not_trusted(loop, opens, word, monkeypatch):
    node = os.fsdecode(loop)
    listed = [(node if path == "LOOP" else path, flags) for path, flags in opens]
    script = LIAR.format(opens=listed, word=word)
    monkeypatch.setattr(opener, "command", lambda path: [sys.executable, "-c", script])
    with leftovers.none(), pytest.raises(InputError):
        opener.open_elevated(loop, prefix=["env"])


def test_elevation_is_never_asked_without_a_terminal(monkeypatch):
    monkeypatch.setattr(opener.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(opener.sys.stdin, "isatty", lambda: False, raising=False)
    assert opener.elevation() == ["/usr/bin/sudo", "-n", "--"]
    monkeypatch.setattr(
        opener.shutil, "which", lambda name: None if name == "sudo" else "/x/pkexec"
    )
    assert opener.elevation() is None


def test_one_reader_at_a_time(loop):
    first = source.open_source(loop)
    try:
        assert first.facts.claimed
        descriptor = os.open(loop, os.O_RDONLY)
        try:
            with pytest.raises(LockedError, match=f"already by process {os.getpid()}"):
                claim.claim(loop, descriptor, patience=0)
        finally:
            os.close(descriptor)
    finally:
        first.close()
    second = source.open_source(loop)
    second.close()


def test_a_lock_that_goes_away_is_waited_for(loop, monkeypatch):
    monkeypatch.setattr(claim.claim, "__defaults__", (60.0,))  # its holder may be slow to go
    holding = ["flock", os.fsdecode(loop), "sh", "-c", "echo; exec sleep 0.5"]
    holder = subprocess.Popen(holding, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline()  # it holds it
        opened = source.open_source(loop)
        opened.close()
    finally:
        holder.stdout.close()
        holder.wait()


def test_a_mounted_device_is_opened_all_the_same(loop, monkeypatch):
    holder = os.open(loop, os.O_RDONLY | os.O_EXCL)  # as a mount holds it
    try:
        opened = source.open_source(loop)
        assert opened.facts.exclusive is False
        opened.close()
    finally:
        os.close(holder)


def test_programs_as_root(tmp_path):
    opener.run_elevated([["install", "-D", "-m", "0644", "/dev/null", str(tmp_path / "a/b")]], [])
    assert (tmp_path / "a/b").exists()
    with pytest.raises(UsageError) as caught:
        opener.run_elevated([["false", "x y"]], [])
    assert caught.value.hint == "run: sudo false 'x y'"
    with pytest.raises(UsageError, match="does not run"):
        opener.run_elevated([["/nowhere/x"]], [])


def test_nobody_to_run_programs(monkeypatch):
    monkeypatch.setattr(opener.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(opener, "elevation", lambda: None)
    with pytest.raises(UsageError, match="needs root"):
        opener.run_elevated([["rm", "x"]])


@pytest.mark.parametrize("path", [".", ""])
def test_a_program_in_the_current_folder_is_not_asked(tmp_path, monkeypatch, path):
    """It would be given the passphrase of the user."""
    for name in ("sudo", "pkexec"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", path)
    assert opener.elevation() is None
