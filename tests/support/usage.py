"""Memory of a process, from Linux.

`getrusage` counts the peak of the process that started it as well, which may have run many tests.
"""

from __future__ import annotations


def peak(pid: int | str = "self") -> int:
    """Return the peak resident memory of a running process in bytes, 0 when it is gone."""
    return _said(pid, "VmHWM:")


def addresses(pid: int | str = "self") -> int:
    """Return the size of its address space in bytes."""
    return _said(pid, "VmSize:")


def _said(pid: int | str, name: str) -> int:
    try:
        with open(f"/proc/{pid}/status") as handle:
            for line in handle:
                if line.startswith(name):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
