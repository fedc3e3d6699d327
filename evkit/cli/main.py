"""The entry point: runs a command, turns errors into messages and exit codes.

Nothing else in evkit exits the process.
"""

from __future__ import annotations

import os
import sys

from evkit import __version__


def entry() -> None:
    """Run the command line and leave the process."""
    _open_streams()
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        # answered before click is loaded: scripts ask for it at every start
        sys.stdout.write(f"evkit {__version__}\n")
        sys.exit(0)
    sys.exit(run(arguments))


def _open_streams() -> None:
    """Put the null device where a standard stream was closed, so that no file gets its number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code.

    Args:
        arguments: without the program's name.
    """
    import click

    from evkit.cli import output
    from evkit.cli.root import root
    from evkit.cli.session import Session
    from evkit.core.errors import EvkitError, ExitCode, InterruptedByUserError, UsageError
    from evkit.core.text import escape

    session = Session(json="--json" in arguments, debug="--debug" in arguments)
    stdout = sys.stdout
    try:
        root.main(arguments, prog_name="evkit", standalone_mode=False, obj=session)
        output.flush()
    except EvkitError as error:
        if isinstance(error, output.OutputLostError):
            _drop_output()
        _traceback() if session.debug else None
        output.error(error, as_json=session.json)
        return int(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        output.out(error.ctx.get_help())
        return int(ExitCode.USAGE)
    except click.UsageError as error:
        hint = getattr(error, "evkit_hint", None)
        path = error.ctx.command_path if error.ctx else "evkit"
        message = " ".join(error.format_message().split())
        usage = UsageError(
            message[:1].lower() + message[1:].rstrip("."), hint=hint or f"see `{path} --help`"
        )
        output.error(usage, as_json=session.json)
        return int(ExitCode.USAGE)
    except click.ClickException as error:
        output.error(UsageError(error.format_message()), as_json=session.json)
        return int(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        output.error(InterruptedByUserError("stopped by the user"), as_json=session.json)
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        _drop_output()  # the reader of our output went away (`| head`)
        return session.exit_code
    except SystemExit:
        # click put a wrapper around stdout and left: the reader went away, which is no bug
        if sys.stdout is stdout:
            raise
        return session.exit_code
    except Exception as error:
        _traceback() if session.debug else None
        problem = EvkitError(
            f"this is a bug in evkit: {type(error).__name__}: {escape(str(error))}",
            hint="run the command again with `--debug` and report what it prints",
        )
        output.error(problem, as_json=session.json)
        return int(ExitCode.INTERNAL)
    return session.exit_code


def _drop_output() -> None:
    """Keep the interpreter from complaining about what stdout does not take."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _traceback() -> None:
    import traceback

    traceback.print_exc()
