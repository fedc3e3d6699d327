"""What every command shares: global options, the station, passphrases, progress, the printer."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from evkit.cli import output, prompts
from evkit.core.errors import (
    EvkitError,
    IdentityError,
    InputError,
    InterruptedByUserError,
)
from evkit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from evkit.core.progress import Progress
    from evkit.custody.foresee import Foreseen
    from evkit.identity.certificate import Certificate
    from evkit.identity.signer import Signer
    from evkit.station import Station

MAX_PASSPHRASE = 4096
TRIES = 3
WIDTH = 80


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The options that every command which records an event has.

    Attributes:
        officer: short name of the signing officer, None when left out.
        happened: the stated time as typed, or None.
        fields: `--fields` file merged with `--set`, values as typed.
        reason: the reason for deviations, or None.
        dry_run: make every check, write nothing.
    """

    officer: str | None = None
    happened: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    reason: str | None = None
    dry_run: bool = False


@dataclass
class Session:
    """One run of the command line; the global options may stand before or after the command."""

    station_path: str | None = None
    json: bool = False
    quiet: bool = False
    debug: bool = False
    passphrase_file: str | None = None
    progress_mode: str = "auto"
    exit_code: int = 0
    _progress: Progress | None = None
    _said: set[str] = field(default_factory=set)

    def emit(self, result: output.Result) -> None:
        """Print a result and keep its exit code for the end of the process."""
        if self._progress is not None:
            close = getattr(self._progress, "close", None)
            if callable(close):
                close()
        self.exit_code = int(result.exit_code)
        output.show(result, as_json=self.json)

    def note(self, text: str) -> None:
        """Print a remark to stderr unless `--quiet` or `--json`."""
        if not self.quiet and not self.json:
            output.err(f"evkit: {text}")

    def registered(self, lines: Iterable[str]) -> None:
        """Print to stderr what a registration on the way said, but not what comes next."""
        for line in lines:
            if not self.quiet and not self.json and not line.startswith("next: "):
                output.err(line)

    def progress(self) -> Progress:
        """Return the progress printer that fits the terminal and the options."""
        if self._progress is None:
            from evkit.cli.progress import printer

            mode = "none" if self.quiet or os.environ.get("EVKIT_NO_PROGRESS") else None
            self._progress = printer(mode or self.progress_mode)
        return self._progress

    def find_station(self) -> str:
        """Return the station's folder: option, EVKIT_STATION, else the nearest one upwards.

        Raises:
            CaseError: there is none.
        """
        from evkit.cli.folder import find

        return find(self.station_path or os.environ.get("EVKIT_STATION"))

    def station(self) -> Station:
        """Open the station; it is closed when the command ends, if not before."""
        from evkit.station import Station

        station = Station.open(self.find_station())
        ctx = click.get_current_context(silent=True)
        if ctx is not None:
            ctx.call_on_close(station.close)
        for notice in station.notices:
            if notice not in self._said:
                self._said.add(notice)
                self.note(notice)
        self._listen()
        return station

    def _listen(self) -> None:
        """Hear, until the command ends, what an entry will be remarked for."""
        from evkit.actions import advice

        ctx = click.get_current_context(silent=True)
        if ctx is None:
            return
        officer = ctx.params.get("officer") or os.environ.get("EVKIT_OFFICER")
        advice.listen(advice.Listener(officer=officer, note=self.note, ask=self._forewarn))
        ctx.call_on_close(lambda: advice.listen(None))

    def _forewarn(self, title: str, remarks: Sequence[Foreseen]) -> None:
        """Print what an entry will be remarked for; on a terminal ask whether to go on."""
        if self.json:  # the document has them
            return
        self.note(f"{title}:")
        for remark in remarks:
            if not self.quiet:
                for line in advice_lines(remark):
                    output.err(line)
        ctx = click.get_current_context(silent=True)
        dry_run = ctx is not None and ctx.params.get("dry_run")
        if not self.interactive() or dry_run:
            return
        if not prompts.yes("go on all the same?"):
            raise InterruptedByUserError("nothing was recorded")

    def signer(self, station: Station, officer: str | None) -> Signer:
        """Unlock the signing officer's key: option, EVKIT_OFFICER, or the only officer enrolled."""
        name = self.officer(station, officer)
        label = f"passphrase of officer {name}"
        if self.passphrase_path() or not self.interactive():
            return station.signer(name, self.passphrase(label))
        certificate = station.trust.officer(name)
        output.err("")
        output.err(f"now signing as {escape(named(certificate))}")
        for left in range(TRIES - 1, -1, -1):
            try:
                return station.signer(name, self.passphrase(label))
            except IdentityError as error:
                if not left or "passphrase" not in error.message:
                    raise
                tries = "one more try" if left == 1 else f"{left} more tries"
                output.err(f"evkit: {error.message}; {tries}")
        raise IdentityError("no passphrase was given")

    @contextlib.contextmanager
    def unlocking(self, station: Station, officer: str | None) -> Iterator[Callable[[], Signer]]:
        """Unlock the key beside what is done inside, where nobody must be asked for a passphrase.

        That takes a third of a second on purpose. What fails is raised when the signer is wanted.
        """
        from evkit.core.beside import Beside

        try:
            name = self.officer(station, officer) if self.passphrase_path() else None
        except EvkitError:
            name = None
        if name is None:
            yield lambda: self.signer(station, officer)
            return
        with Beside(lambda: self.signer(station, name)) as begun:
            yield begun.result

    def officer(self, station: Station, officer: str | None) -> str:
        """Return who signs: option, EVKIT_OFFICER, or the only officer enrolled.

        Raises:
            IdentityError: nobody is named and there are none or several, or no such officer.
        """
        from evkit.station.officers import choose

        return choose(station, officer or os.environ.get("EVKIT_OFFICER"))

    def passphrase_path(self) -> str | None:
        """Return the file that holds the passphrase: option or EVKIT_PASSPHRASE_FILE."""
        return self.passphrase_file or os.environ.get("EVKIT_PASSPHRASE_FILE")

    def interactive(self) -> bool:
        """Say whether a person can be asked: stdin and stderr are terminals and nothing forbids."""
        if os.environ.get("EVKIT_NONINTERACTIVE"):
            return False
        return sys.stdin.isatty() and sys.stderr.isatty()

    def root_passphrase(self, file: str | None, *, confirm: bool = False) -> bytes:
        """Return the passphrase of the agency root; see `passphrase`."""
        option = "--root-passphrase-file"
        return self.passphrase(
            "passphrase of the agency root", file=file, option=option, confirm=confirm
        )

    def passphrase(
        self,
        label: str,
        *,
        file: str | None = None,
        option: str = "--passphrase-file",
        confirm: bool = False,
    ) -> bytes:
        """Return a passphrase from a file or, on a terminal, from the person.

        Args:
            label: what to ask for.
            file: a file for this passphrase alone; else `--passphrase-file`.
            option: what names that file.
            confirm: ask twice (new keys).

        Raises:
            IdentityError: there is no file and nobody to ask.
        """
        path = file or self.passphrase_path()
        if path:
            return read_passphrase(path)
        if not self.interactive():
            raise IdentityError(
                f"the {label} is needed and stdin is not a terminal",
                hint=f"give it with `{option} FILE`"
                + (" or EVKIT_PASSPHRASE_FILE" if option == "--passphrase-file" else ""),
            )
        text: str = click.prompt(label, hide_input=True, err=True, confirmation_prompt=confirm)
        return text.encode("utf-8")


def named(certificate: Certificate) -> str:
    """Return rank and name of an officer."""
    rank = certificate.rank
    return f"{rank} {certificate.common_name}" if rank else certificate.common_name


def advice_lines(remark: Foreseen) -> list[str]:
    """Return the lines of one remark and of the command that would put it right."""
    sign = "!" if remark.level == "gap" else "-"
    lines = output.fold(f"  {sign} {escape(remark.text)}", WIDTH)
    if remark.command:
        lines += ["    put it right first:", f"    {escape(remark.command)}"]
    return lines


def read_passphrase(path: str) -> bytes:
    """Return the first line of a passphrase file without its line end."""
    try:
        with open(path, "rb") as handle:
            raw = handle.read(MAX_PASSPHRASE + 1)
    except OSError as error:
        raise IdentityError(
            f"cannot read the passphrase file `{path}`: {error.strerror or error}"
        ) from error
    if len(raw) > MAX_PASSPHRASE:
        raise InputError(f"the passphrase file `{path}` is over {MAX_PASSPHRASE} bytes")
    phrase = raw.split(b"\n", 1)[0].removesuffix(b"\r")
    if not phrase:
        raise IdentityError(f"the passphrase file `{path}` starts with an empty line")
    return phrase
