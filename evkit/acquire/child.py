"""A worker process as its parent sees it: jobs go in, answers come back, it may die at any time."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import struct
import subprocess
from typing import TYPE_CHECKING

from evkit.acquire import blockwork
from evkit.core import children

if TYPE_CHECKING:
    from evkit.acquire.blockwork import Answer, Job
    from evkit.acquire.worker import Setup

_LENGTH = struct.Struct("<I")


class Child:
    """One worker process.

    Args:
        setup: with the descriptor of the shared memory.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, setup: Setup) -> None:
        text = json.dumps(dataclasses.asdict(setup))
        self._process = subprocess.Popen(
            [*children.command("evkit.acquire.worker"), text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=children.environment(),
            pass_fds=(setup.memory, *setup.files),
        )
        self._dead = False

    def send(self, job: Job) -> None:
        """Send a job; a worker that died shows in `answer`."""
        stdin = self._process.stdin
        if self._dead or stdin is None:
            return
        try:
            stdin.write(blockwork.pack_job(job))
            stdin.flush()
        except OSError:
            self._dead = True

    def answer(self) -> Answer | None:
        """Wait for the answer to the oldest job; None when the worker has died."""
        stdout = self._process.stdout
        if self._dead or stdout is None:
            return None
        head = stdout.read(_LENGTH.size)
        if len(head) == _LENGTH.size:
            (length,) = _LENGTH.unpack(head)
            body = stdout.read(length)
            if len(body) == length:
                return blockwork.read_answer(body)
        self._dead = True
        return None

    def close(self) -> None:
        """Let the worker end and wait for it."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.wait()
