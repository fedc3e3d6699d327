"""Shutting the engine process off: no network, no programs, no files to write (Linux).

Three locks, each of which works without privileges: `no_new_privs`, a seccomp filter that refuses
the system calls below with EPERM, and Landlock, which refuses every way of changing a file. They
hold for the rest of the process; descriptors that were open before stay usable. What a kernel does
not have is said, never assumed. Elsewhere nothing is applied.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from typing import NamedTuple

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_SECCOMP_SET_MODE_FILTER, _TSYNC = 1, 1
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # EPERM
_X32 = 0x40000000

_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
# execute, write, remove, make of every kind, refer (since version 2), truncate (since 3)
_WRITES = {1: 0x1FF3, 2: 0x3FF3, 3: 0x7FF3}
_NET = 0b11  # bind and connect of TCP (since version 4)


class _Machine(NamedTuple):
    """How a kernel numbers the calls that are refused."""

    audit: int
    seccomp: int
    refused: tuple[int, ...]


# socket connect accept sendto sendmsg bind listen socketpair execve ptrace process_vm_readv
# process_vm_writev accept4 sendmmsg execveat io_uring_setup io_uring_enter io_uring_register
# pidfd_getfd bpf userfaultfd keyctl add_key request_key mount unshare setns perf_event_open
# init_module finit_module kexec_load
_MACHINES = {
    "x86_64": _Machine(
        0xC000003E, 317,
        (41, 42, 43, 44, 46, 49, 50, 53, 59, 101, 310, 311, 288, 307, 322, 425, 426, 427,
         438, 321, 323, 250, 248, 249, 165, 272, 308, 298, 175, 313, 246),
    ),
    "aarch64": _Machine(
        0xC00000B7, 277,
        (198, 203, 202, 206, 211, 200, 201, 199, 221, 117, 270, 271, 242, 269, 281, 425, 426, 427,
         438, 280, 282, 219, 217, 218, 40, 97, 268, 241, 105, 273, 104),
    ),
}  # fmt: skip


def apply() -> list[str]:
    """Lock this process in and return what was applied and what was not, for the record."""
    if not sys.platform.startswith("linux"):
        return ["network not applied", "file writes not applied"]
    library = ctypes.CDLL(None, use_errno=True)
    machine = _MACHINES.get(platform.machine())
    if struct.calcsize("P") != 8:  # noqa: PLR2004 - a 32-bit process has other calls
        machine = None
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return ["privileges not applied", "network not applied", "file writes not applied"]
    told = ["no new privileges"]
    writes, ports = _landlock(library)
    told.append("no file writes" if writes else "file writes not applied")
    if machine is not None and _seccomp(library, machine):
        told.append("no network")
    else:
        told.append("no TCP, other network not applied" if ports else "network not applied")
    return told


def _landlock(library: ctypes.CDLL) -> tuple[bool, bool]:
    """Refuse all changes of files; returns (applied, TCP refused as well)."""
    version = library.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False, False
    ports = _NET if version >= 4 else 0  # noqa: PLR2004 - the version that brought it
    rules = struct.pack("QQ", _WRITES[min(version, 3)], ports)
    size = len(rules) if ports else 8
    descriptor = library.syscall(_LANDLOCK_CREATE, rules, ctypes.c_size_t(size), 0)
    if descriptor < 0:
        return False, False
    try:
        applied = library.syscall(_LANDLOCK_RESTRICT, descriptor, 0) == 0
    finally:
        os.close(descriptor)
    return applied, applied and bool(ports)


def _seccomp(library: ctypes.CDLL, machine: _Machine) -> bool:
    code = program(machine)
    text = ctypes.create_string_buffer(code, len(code))
    filters = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(text))
    call = library.syscall
    if call(machine.seccomp, _SECCOMP_SET_MODE_FILTER, _TSYNC, filters) == 0:
        return True
    return bool(library.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, filters, 0, 0) == 0)


def program(machine: _Machine) -> bytes:
    """Return the filter that refuses the listed calls and those made for another machine."""
    count = len(machine.refused)
    steps = [
        (_LOAD, 0, 0, 4),  # the machine that the call was made for
        (_JUMP_EQUAL, 0, count + 3, machine.audit),
        (_LOAD, 0, 0, 0),  # the number of the call
        (_JUMP_AT_LEAST, count + 1, 0, _X32),
    ]
    steps += [
        (_JUMP_EQUAL, count - place, 0, number) for place, number in enumerate(machine.refused)
    ]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
