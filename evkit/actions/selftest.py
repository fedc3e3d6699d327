"""`evkit selftest`: does this installation give the known answers?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit import __version__
from evkit.actions import versions
from evkit.actions.known_answers import COUNT, checks, published
from evkit.core import clock, durable, ejson
from evkit.core.errors import ExitCode
from evkit.core.paths import to_fields
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from evkit.actions.assertions import Section


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One known answer: what it is about, whether it was given, the error if there was one."""

    package: str
    name: str
    passed: bool
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """The result of a selftest.

    Attributes:
        answers: one for each check, in order.
        versions: of Python, OpenSSL and the libraries.
        made: RFC 3339 UTC.
        path: where the report was written, if asked for.
        acquisition: the assertions about acquisition, if asked for.
    """

    answers: tuple[Answer, ...]
    versions: versions.Versions
    made: str
    path: bytes | None = None
    acquisition: Section | None = None

    @property
    def exit_code(self) -> int:
        """0 when every one of the fixed number of answers is right and no assertion failed."""
        good = len(self.answers) == COUNT and all(answer.passed for answer in self.answers)
        good = good and (self.acquisition is None or self.acquisition.good)
        return int(ExitCode.OK if good else ExitCode.FAILED_CHECK)

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/selftest/1",
            "made": self.made,
            "evkit": __version__,
            "result": "pass" if self.exit_code == ExitCode.OK else "fail",
            "expected": COUNT,
            "passed": sum(answer.passed for answer in self.answers),
            "list": published(),
            "answers": [
                {"package": a.package, "name": a.name, "passed": a.passed, "error": a.error}
                for a in self.answers
            ],
            "versions": self.versions.document(),
            **({} if self.acquisition is None else {"acquisition": self.acquisition.document()}),
            **({} if self.path is None else to_fields(self.path)),
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        lines = [] if self.acquisition is None else [*self.acquisition.lines(), ""]
        for package in dict.fromkeys(answer.package for answer in self.answers):
            of = [answer for answer in self.answers if answer.package == package]
            passed = sum(answer.passed for answer in of)
            lines.append(f"{package:<9} {passed} of {len(of)}")
            lines += [
                f"  FAILED: {answer.name}" + (f" ({answer.error})" if answer.error else "")
                for answer in of
                if not answer.passed
            ]
        passed = sum(answer.passed for answer in self.answers)
        good = passed == len(self.answers) == COUNT
        word = "PASS" if good else "FAIL"
        lines.append(f"{word}: {passed} of {COUNT} known answers, evkit {__version__}")
        if self.path is not None:
            lines.append(f"report written to `{escape_bytes(self.path)}`")
        return lines


def run(target: bytes | None, *, acquisition: bool = False) -> Report:
    """Try every known answer; write the report to a new file if asked.

    Args:
        target: the new file; with it the assertions about acquisition are tried as well.
        acquisition: try them also without a file.

    Raises:
        RefusedError: the file exists.
        StorageError: it cannot be written.
    """
    answers = []
    for check in checks():
        passed, error = False, None
        try:
            passed = check.passes()
        except Exception as problem:  # noqa: BLE001 - whatever goes wrong is a wrong answer
            error = escape(f"{type(problem).__name__}: {problem}")
        answers.append(Answer(package=check.package, name=check.name, passed=passed, error=error))
    section = None
    if acquisition or target is not None:
        from evkit.actions import assertions

        if target is not None:
            durable.need_absent(target)
        section = assertions.run()
    report = Report(
        answers=tuple(answers),
        versions=versions.run(),
        made=clock.now().text(),
        path=target,
        acquisition=section,
    )
    if target is not None:
        durable.write_new(target, ejson.dumps(report.document()) + b"\n")
    return report
