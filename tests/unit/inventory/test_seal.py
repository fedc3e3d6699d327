"""The engine process reaches no network, starts no program and writes no file."""

from __future__ import annotations

import platform
import struct
import subprocess
import sys

import pytest

from evkit.inventory import seal

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
BEGIN = """
import errno, os, socket, subprocess, sys, threading
from evkit.inventory import limits
told = limits.apply({"memory": 0, "cpu": 20, "files": 64})
def fails(act):
    try:
        act()
    except OSError as error:
        return error.errno in (errno.EPERM, errno.EACCES)
    return False
"""


def _in_a_child(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code, *arguments],
        capture_output=True, check=False, timeout=60, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _told() -> str:
    return _in_a_child("print(told)")


@LINUX
def test_no_socket_of_any_kind_can_be_made():
    if "no network" not in _told():
        pytest.skip(f"not applied here: {_told()}")
    code = """
kinds = [(socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET6, socket.SOCK_DGRAM),
         (socket.AF_UNIX, socket.SOCK_STREAM)]
print(all(fails(lambda kind=kind: socket.socket(*kind)) for kind in kinds),
      fails(lambda: socket.create_connection(("127.0.0.1", 9), timeout=1)),
      fails(socket.socketpair))
"""
    assert _in_a_child(code) == "True True True"


@LINUX
def test_a_socket_that_was_open_before_cannot_connect():
    """The filter refuses the use, not only the making."""
    code = """
import ctypes
"""
    script = (
        "import errno, socket\n"
        "open_before = socket.socket(socket.AF_INET, socket.SOCK_STREAM)\n" + BEGIN + code + "\n"
        "print('no network' in told, fails(lambda: open_before.connect(('127.0.0.1', 9))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, timeout=60, text=True
    )
    applied, refused = done.stdout.split()
    assert refused == applied


@LINUX
def test_no_program_is_started_and_threads_are_locked_in_too():
    if "no network" not in _told():
        pytest.skip(f"not applied here: {_told()}")
    code = """
found = []
thread = threading.Thread(target=lambda: found.append(fails(socket.socket)))
thread.start(); thread.join()
print(fails(lambda: subprocess.run(["/bin/true"])), found)
"""
    assert _in_a_child(code) == "True [True]"


@LINUX
def test_no_file_is_written_made_or_removed(tmp_path):
    if "no file writes" not in _told():
        pytest.skip(f"not applied here: {_told()}")
    kept = tmp_path / "kept"
    kept.write_bytes(b"kept")
    code = """
kept, new = sys.argv[1:]
print(fails(lambda: open(new, "wb")), fails(lambda: open(kept, "r+b")),
      fails(lambda: os.unlink(kept)), fails(lambda: os.truncate(kept, 0)),
      fails(lambda: os.rename(kept, new)),
      fails(lambda: os.mkdir(new)), fails(lambda: os.symlink("x", new)), open(kept, "rb").read())
"""
    shown = _in_a_child(code, str(kept), str(tmp_path / "new"))
    assert shown == "True True True True True True True b'kept'"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@LINUX
def test_what_was_open_before_stays_usable():
    assert _in_a_child("print(sum(1 for _ in open(limits.__file__, 'rb')) > 10)") == "True"


def test_every_lock_is_named_whether_applied_or_not():
    told = _told()
    assert "network" in told
    assert "file writes" in told


def test_elsewhere_nothing_is_applied_and_that_is_said(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert seal.apply() == ["network not applied", "file writes not applied"]


def test_a_kernel_without_the_calls_is_said(monkeypatch):
    class Library:
        def prctl(self, *arguments):
            return 0 if arguments[0] == 38 else -1

        def syscall(self, *arguments):
            return -1

    monkeypatch.setattr(seal.ctypes, "CDLL", lambda *arguments, **names: Library())
    monkeypatch.setattr(sys, "platform", "linux")
    told = seal.apply()
    assert told == ["no new privileges", "file writes not applied", "network not applied"]
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert seal.apply() == told


@pytest.mark.parametrize("name", ["x86_64", "aarch64"])
def test_the_filter_decides_as_it_should(name):
    """A small interpreter runs the program for every call that matters."""
    machine = seal._MACHINES[name]
    code = seal.program(machine)
    steps = [struct.unpack_from("HBBI", code, at) for at in range(0, len(code), 8)]

    def run(audit: int, number: int) -> int:
        at, value = 0, 0
        while True:
            kind, true, false, k = steps[at]
            at += 1
            if kind == 0x06:
                return k
            if kind == 0x20:
                value = {0: number, 4: audit}[k]
            else:
                met = value == k if kind == 0x15 else value >= k
                at += true if met else false

    for number in range(600):
        refused = run(machine.audit, number) != 0x7FFF0000
        assert refused == (number in machine.refused), number
    assert run(machine.audit, 0x40000000 + 1) == 0x00050001
    assert run(0x40000003, 1) == 0x00050001  # the calls of another machine
