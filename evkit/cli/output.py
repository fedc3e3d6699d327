"""The only module that prints. stdout is the result, stderr is progress, notes and errors."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from evkit.core.errors import StorageError
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evkit.core.errors import EvkitError


class OutputLostError(StorageError):
    """Standard output takes no more, such as a file on a full disk."""


class Result(Protocol):
    """What an action returns: a document for `--json`, lines for people, an exit code."""

    @property
    def exit_code(self) -> int:
        """The process exit code that goes with this result."""

    def document(self) -> dict[str, Any]:
        """Return the JSON document; the first key is `schema`."""

    def lines(self) -> Iterable[str]:
        """Return the lines for people, already escaped."""


def show(result: Result, *, as_json: bool) -> None:
    """Print a result to stdout."""
    if as_json:
        out(json.dumps(result.document(), ensure_ascii=False, indent=2))
        return
    for line in result.lines():
        out(line)


def out(line: str) -> None:
    """Write one line to stdout, folded at words on a terminal."""
    with _written():
        _write(line, sys.stdout)


def flush() -> None:
    """Hand everything over to stdout; see `OutputLostError`."""
    with _written():
        sys.stdout.flush()


@contextlib.contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputLostError(
            f"cannot write to standard output: {error.strerror or error}",
            hint="what the command did is done; only its output is lost",
        ) from error


def raw(data: bytes) -> None:
    """Write the bytes of a list to stdout as they are; to a terminal, line by line and escaped."""
    stream = sys.stdout
    if not stream.isatty():
        with _written():
            stream.flush()
            stream.buffer.write(data)
            stream.buffer.flush()
        return
    for line in data.splitlines():
        out(escape_bytes(line))


def err(line: str) -> None:
    """Write one line to stderr, folded at words on a terminal."""
    _write(line, sys.stderr)
    sys.stderr.flush()


def fold(line: str, width: int) -> list[str]:
    """Break a line at spaces for a terminal; what follows is indented below it.

    Words longer than the terminal (digests, paths) stay whole, so that they can be copied.
    """
    if len(line) <= width:
        return [line]
    import textwrap

    indent = " " * (len(line) - len(line.lstrip(" ")))
    return textwrap.wrap(
        line.strip(),
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _write(line: str, stream: TextIO) -> None:
    encoding = stream.encoding or "utf-8"
    text = line.encode(encoding, "backslashreplace").decode(encoding)
    if stream.isatty() and not line.startswith("{"):
        width = shutil.get_terminal_size().columns
        text = "\n".join(part for one in text.split("\n") for part in fold(one, width))
    print(text, file=stream)


def error(problem: EvkitError, *, as_json: bool) -> None:
    """Print an error: what, details, what to do next."""
    if as_json:
        err(
            json.dumps(
                {
                    "schema": "evkit/error/1",
                    "error": problem.slug,
                    "exit_code": int(problem.exit_code),
                    "message": problem.message,
                    "details": problem.details,
                    "hint": problem.hint,
                },
                ensure_ascii=False,
            )
        )
        return
    err(f"evkit: error: {problem.message}")
    for key, value in problem.details.items():
        err(f"  {key}: {value}")
    if problem.hint:
        for line in problem.hint.split("\n"):
            err(f"hint: {line}")
