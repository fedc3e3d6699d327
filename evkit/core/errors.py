"""Every error that evkit raises on purpose: its slug, its exit code and the advice it carries.

The exit codes are the contract of `docs/spec/exit-codes.md`. Nothing outside `evkit.cli.main` turns
an error into a process exit.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping


class ExitCode(IntEnum):
    """The process exit codes; a code that is not in this list must be treated as a failure."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    INCOMPLETE = 3
    FAILED_CHECK = 4
    UNDECIDED = 5
    NO_CASE = 10
    LOCKED = 11
    KEY = 12
    REMOTE = 13
    INPUT = 14
    REFUSED = 15
    STORAGE = 16
    INTERRUPTED = 130


PRECEDENCE = (
    ExitCode.INTERNAL,
    ExitCode.INTERRUPTED,
    ExitCode.FAILED_CHECK,
    ExitCode.UNDECIDED,
    ExitCode.INCOMPLETE,
)


def worst(*codes: int) -> int:
    """Return the one code to exit with when several apply (1, 130, 4, 5, 3, then any other)."""
    present = [code for code in codes if code != ExitCode.OK]
    for code in PRECEDENCE:
        if code in present:
            return int(code)
    return max(present, default=0)


class EvkitError(Exception):
    """The base of all errors with a message for the user.

    Args:
        message: lower case, values in backticks, no full stop.
        hint: what to do next, or None.
        details: further `key: value` lines, printed in order.
    """

    slug: ClassVar[str] = "internal"
    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = dict(details or {})


class UsageError(EvkitError):
    """Wrong arguments, or an optional extra that is not installed."""

    slug = "usage"
    exit_code = ExitCode.USAGE


class IncompleteError(EvkitError):
    """The work is done, but some data could not be read."""

    slug = "incomplete"
    exit_code = ExitCode.INCOMPLETE


class CheckFailedError(EvkitError):
    """A check was made and the answer is no."""

    slug = "failed-check"
    exit_code = ExitCode.FAILED_CHECK


class UndecidedError(EvkitError):
    """A check that was asked for could not be made."""

    slug = "undecided"
    exit_code = ExitCode.UNDECIDED


class CaseError(EvkitError):
    """No such station, case, exhibit or acquisition."""

    slug = "no-case"
    exit_code = ExitCode.NO_CASE


class LockedError(EvkitError):
    """Another process holds the station; the message names it."""

    slug = "locked"
    exit_code = ExitCode.LOCKED


class IdentityError(EvkitError):
    """A key is missing, the passphrase is wrong, or this officer may not sign this."""

    slug = "key"
    exit_code = ExitCode.KEY


class RemoteError(EvkitError):
    """A timestamp authority or a witness did not answer."""

    slug = "remote"
    exit_code = ExitCode.REMOTE


class InputError(EvkitError):
    """The input is damaged, of an unsupported format, or over a cap."""

    slug = "input"
    exit_code = ExitCode.INPUT


class RefusedError(EvkitError):
    """Going on would overwrite or alter something."""

    slug = "refused"
    exit_code = ExitCode.REFUSED


class StorageError(EvkitError):
    """The destination is full or fails, or the device is gone; what was recorded is kept."""

    slug = "storage"
    exit_code = ExitCode.STORAGE


class InterruptedByUserError(EvkitError):
    """The user stopped the work; what was recorded is kept."""

    slug = "interrupted"
    exit_code = ExitCode.INTERRUPTED
