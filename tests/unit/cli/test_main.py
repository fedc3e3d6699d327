"""The frame of the command line: errors become messages and exit codes in one place."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import click
import pytest

from evkit.cli import main, output
from evkit.cli.root import root
from evkit.core.errors import EvkitError, RefusedError


@pytest.fixture
def broken(monkeypatch):
    """Install a command that raises what the test wants."""

    def install(error: BaseException) -> None:
        def callback() -> None:
            raise error

        monkeypatch.setattr(
            root, "get_command", lambda *_: click.Command("broken", callback=callback)
        )

    return install


def test_an_error_prints_message_details_and_hint(broken, capsys):
    broken(RefusedError("no", hint="do this\nor that", details={"expected": "a", "found": "b"}))
    assert main.run(["broken"]) == 15
    out, err = capsys.readouterr()
    assert out == ""
    assert err == ("evkit: error: no\n  expected: a\n  found: b\nhint: do this\nhint: or that\n")


def test_an_error_under_json_is_one_object(broken, capsys):
    broken(RefusedError("no"))
    assert main.run(["--json", "broken"]) == 15
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err)["exit_code"] == 15
    assert json.loads(err)["error"] == "refused"


def test_a_bug_says_so_and_hides_the_traceback(broken, capsys):
    broken(ValueError("boom"))
    assert main.run(["broken"]) == 1
    err = capsys.readouterr().err
    assert "bug in evkit" in err
    assert "Traceback" not in err
    assert main.run(["--debug", "broken"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_what_a_bug_says_is_escaped(broken, capsys):
    broken(ValueError("\x1b[2Jnot a bug"))
    assert main.run(["broken"]) == 1
    assert "ValueError: \\x1b[2Jnot a bug" in capsys.readouterr().err


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), click.Abort()])
def test_a_stop_by_the_user_is_130(broken, stop, capsys):
    broken(stop)
    assert main.run(["broken"]) == 130
    assert "stopped by the user" in capsys.readouterr().err


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_goes_away_finds_no_bug(lines):
    """`evkit … | head` ends with the code of the work, silently."""
    program = (
        "import click, sys\n"
        "from evkit.cli import main, output\n"
        "from evkit.cli.root import root\n"
        f"lines = ['x' * 80] * {lines}\n"
        "said = lambda: [output.out(line) for line in lines]\n"
        "root.get_command = lambda *_: click.Command('long', callback=said)\n"
        "sys.exit(main.run(['long']))\n"
    )
    command = (
        f"{shlex.quote(sys.executable)} -c {shlex.quote(program)} | true; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_mistyped_command_gets_a_suggestion(capsys):
    assert main.run(["verfy"]) == 2
    assert "did you mean `evkit verify`?" in capsys.readouterr().err


def test_nothing_given_shows_help_and_is_not_success(capsys):
    assert main.run([]) == 2
    assert "Commands:" in capsys.readouterr().err


def test_help_is_within_80_columns(capsys):
    assert main.run(["--help"]) == 0
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 80


def test_version_as_json(capsys):
    assert main.run(["--version", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert next(iter(document)) == "schema"
    assert "pytsk3" in document["libraries"]


def test_every_error_class_is_an_evkit_error():
    assert issubclass(RefusedError, EvkitError)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["seal", "C/E1"], "evkit custody record seal"),
        (["memo"], "evkit ledger memo"),
        (["custody", "seal"], "evkit custody record seal"),
        (["bundle", "2026-457"], "evkit bundle create 2026-457"),
        (["stauts"], "evkit status"),
    ],
)
def test_the_deed_is_understood(typed, meant, capsys):
    assert main.run(typed) == 2
    assert f"did you mean `{meant}`?" in capsys.readouterr().err


def test_lines_are_folded_at_words_and_digests_stay_whole():
    digest = "0" * 64
    lines = output.fold(f"    expected: {'word ' * 20}{digest}", 80)
    assert all(len(line) <= 80 for line in lines)
    assert lines[0].startswith("    expected: word")
    assert all(line.startswith("      ") for line in lines[1:])
    assert digest in lines[-1]
    assert output.fold("short", 80) == ["short"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is full")
@pytest.mark.parametrize("words", ["completion bash", "completion zsh", "hash /etc/hostname"])
def test_a_full_disk_under_the_output_is_no_bug(words):
    line = f"exec {shlex.join([sys.executable, '-m', 'evkit'])} {words} > /dev/full"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 16, done.stderr
    assert "cannot write to standard output: No space left on device" in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_bug(closed):
    line = f"exec {shlex.join([sys.executable, '-m', 'evkit'])} completion bash {closed}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("_evkit_completion" in done.stdout) is (">&-" not in closed.replace("2>&-", ""))
