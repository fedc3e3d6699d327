"""A laboratory's own try of its acquisition tool, assertion by assertion.

The assertions follow those that NIST's Computer Forensics Tool Testing wrote for acquisition tools,
in words of our own: modelled on, not tested by NIST. Their number is fixed, so none can vanish.
`docs/selftest.md`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from evkit.acquire import host
from evkit.actions import assertion_checks as checks
from evkit.actions import assertion_images as images
from evkit.actions.assertion_bench import Bench, DefectError, NotTestedError
from evkit.core import clock
from evkit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT: Final = 34
PASSED, FAILED, NOT_TESTED = "passed", "failed", "not tested"
MODEL: Final = (
    "modelled on the assertions of NIST CFTT for digital data acquisition tools (drafts of 2004 "
    "and 2005); not tested by NIST"
)
_NO_CLONES = "evkit makes images; clones are not offered"
_WIDTH = 80
_INDENT = 22


class Assertion(NamedTuple):
    """One assertion: its id, what it asks, how it is tried, or why it is not."""

    id: str
    text: str
    check: Callable[[Bench], str] | None = None
    why: str = ""


def assertions() -> list[Assertion]:
    """Return all of them in order."""
    return [
        Assertion("DA-AM-01", "reads a source through its access interface", checks.interface),
        Assertion("DA-AM-02", "acquires this kind of source", checks.kind),
        Assertion("DA-AM-03", "works in this environment", checks.environment),
        Assertion("DA-AM-04", "makes a clone when asked", why=_NO_CLONES),
        Assertion("DA-AM-05", "makes an image on this file system", checks.file_systems),
        Assertion("DA-AM-06", "acquires all visible sectors", checks.visible_sectors),
        Assertion("DA-AM-07", "acquires all hidden sectors", checks.hidden_sectors),
        Assertion("DA-AM-08", "acquires every sector accurately", checks.accurate),
        Assertion("DA-AM-09", "reports what cannot be read, and where", checks.errors_reported),
        Assertion("DA-AM-10", "puts a harmless filling there", checks.benign_fill),
        Assertion("DA-AO-01", "the image holds the data that were acquired", images.same_data),
        Assertion("DA-AO-02", "the image has the format asked for", images.requested_format),
        Assertion("DA-AO-03", "a failed write is reported", images.write_error),
        Assertion("DA-AO-04", "too little room is reported", checks.no_space),
        Assertion("DA-AO-05", "no file is larger than asked for", images.parts_of_size),
        Assertion("DA-AO-06", "an unchanged image is called unchanged", images.unchanged),
        Assertion("DA-AO-07", "a changed image is called changed", images.changed),
        Assertion("DA-AO-08", "the place of a change is named", images.location),
        Assertion("DA-AO-09", "conversion keeps the data", images.conversion),
        Assertion("DA-AO-10", "goes on at another destination", why=(
            "a full destination stops the work, which goes on there; switching is not offered")),
        *(
            Assertion(f"DA-AO-{number}", "one of those about clones", why=_NO_CLONES)
            for number in range(11, 22)
        ),
        Assertion("DA-AO-22", "hashes of blocks of a given size", images.block_hashes),
        Assertion("DA-AO-23", "what is recorded is accurate", images.accurate_log),
        Assertion("DA-AO-24", "the source is not changed", checks.source_unchanged),
    ]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Row:
    """One assertion as it was tried.

    Attributes:
        id: such as `DA-AM-06`.
        text: what it asks.
        result: `passed`, `failed` or `not tested`.
        done: what was done and found, or why it was not tried.
        seconds: how long that took.
    """

    id: str
    text: str
    result: str
    done: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Section:
    """All assertions, with times and the computer.

    Attributes:
        rows: in order.
        started, ended: RFC 3339 UTC.
        host: name, system, program, interpreter.
    """

    rows: tuple[Row, ...]
    started: str
    ended: str
    host: dict[str, str]

    @property
    def good(self) -> bool:
        """Whether all assertions are there, each once, and none failed."""
        ids = {row.id for row in self.rows}
        failed = any(row.result not in {PASSED, NOT_TESTED} for row in self.rows)
        return len(self.rows) == len(ids) == COUNT and not failed

    def count(self, result: str) -> int:
        """Return how many rows have a result."""
        return sum(row.result == result for row in self.rows)

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "model": MODEL,
            "result": "pass" if self.good else "fail",
            "expected": COUNT,
            "passed": self.count(PASSED),
            "failed": self.count(FAILED),
            "not_tested": self.count(NOT_TESTED),
            "started": self.started,
            "ended": self.ended,
            "host": self.host,
            "rows": [
                {
                    "id": row.id,
                    "text": row.text,
                    "result": row.result,
                    "done": row.done,
                    "milliseconds": round(row.seconds * 1000),
                }
                for row in self.rows
            ],
        }

    def lines(self) -> list[str]:
        """Return the table for people, at most 80 columns wide."""
        lines = ["acquisition", *_fold(f"  {MODEL}", 2)]
        for row in self.rows:
            lines += _fold(f"{row.id}  {row.result:<12}{row.text}", _INDENT)
            lines += _fold(" " * _INDENT + row.done, _INDENT)
        word = "PASS" if self.good else "FAIL"
        lines.append(
            f"{word}: {self.count(PASSED)} passed, {self.count(FAILED)} failed, "
            f"{self.count(NOT_TESTED)} not tested, of {COUNT} assertions"
        )
        return lines


def run() -> Section:
    """Try all assertions in a temporary folder, which is removed."""
    started = clock.now().text()
    folder = os.fsencode(tempfile.mkdtemp(prefix="evkit-selftest-"))
    try:
        bench = Bench(folder)
        rows = tuple(_tried(assertion, bench) for assertion in assertions())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Section(rows=rows, started=started, ended=clock.now().text(), host=host.fields())


def _tried(assertion: Assertion, bench: Bench) -> Row:
    start = clock.monotonic()
    result, done = NOT_TESTED, assertion.why
    if assertion.check is not None:
        try:
            result, done = PASSED, assertion.check(bench)
        except NotTestedError as reason:
            result, done = NOT_TESTED, str(reason)
        except DefectError as defect:
            result, done = FAILED, str(defect)
        except Exception as problem:  # noqa: BLE001 - whatever goes wrong, it does not hold
            result, done = FAILED, f"{type(problem).__name__}: {problem}"
    return Row(
        id=assertion.id,
        text=assertion.text,
        result=result,
        done=escape(done),
        seconds=clock.monotonic() - start,
    )


def _fold(line: str, indent: int) -> list[str]:
    start = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line.lstrip(),
        _WIDTH,
        initial_indent=start,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )
