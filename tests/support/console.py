"""Runs the `console` blocks of a document as a reader would type them.

A block is fenced with ```console; lines that start with `$ ` are commands (a trailing backslash
continues them), the lines below are what they printed. `python tests/support/console.py FILE…`
runs the pages in an empty folder and writes the real output back into them. A command whose exit
code is not 0 is followed by a last output line `(exit N)`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"\(exit (\d+)\)")


@dataclass
class Command:
    """One command of a page: its text, the documented output, the documented exit code."""

    text: str
    output: list[str]

    @property
    def code(self) -> int:
        """The exit code that the page states."""
        found = EXIT.fullmatch(self.output[-1].strip()) if self.output else None
        return int(found[1]) if found else 0


def commands(text: str) -> Iterator[Command]:
    """Yield the commands of a page in order."""
    for block in FENCE.findall(text):
        yield from _block(block)


def _block(block: str) -> list[Command]:
    found: list[Command] = []
    continued = False
    for line in block.split("\n")[:-1]:
        if continued:
            found[-1].text += "\n" + line
        elif line.startswith("$ "):
            found.append(Command(line[2:], []))
        elif found:
            found[-1].output.append(line)
        continued = line.endswith("\\") and (continued or line.startswith("$ "))
    return found


def run(command: str, folder: Path, env: dict[str, str]) -> tuple[int, str]:
    """Run one command with bash in `folder`; return its exit code and its output, both streams.

    Exported variables and the working folder are kept for the next command of the page.
    """
    state = folder / ".home" / "state"
    script = (
        f"[ -f {state} ] && . {state}\n{command}\ncode=$?\n"
        f'{{ export -p; printf "cd %q\\n" "$PWD"; }} > {state}\nexit $code'
    )
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def environment(folder: Path) -> dict[str, str]:
    """An environment with an empty HOME and the evkit of this interpreter; links the samples."""
    keep = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
    home = folder / ".home"
    home.mkdir(exist_ok=True)
    (folder / "sample_images").symlink_to(Path(__file__).parents[2] / "sample_images")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"
    return keep | {"HOME": str(home), "PATH": path, "TZ": "Asia/Karachi", "COLUMNS": "80"}


def refresh(page: Path) -> None:
    """Run a page and write the real output into it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = environment(folder)

        def block(match: re.Match[str]) -> str:
            lines = []
            for command in _block(match[1]):
                lines.append("$ " + command.text)
                code, output = run(command.text, folder, env)
                lines.extend(
                    line.rstrip() for line in output.replace(name, "/case").split("\n")[:-1]
                )
                if code:
                    lines.append(f"(exit {code})")
            return "```console\n" + "\n".join(lines) + "\n```"

        page.write_text(FENCE.sub(block, page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        refresh(Path(argument))
