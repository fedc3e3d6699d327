"""`evkit demo`: the whole job on a sample, each step shown as the command a user would type."""

from __future__ import annotations

import os
import shlex
import tempfile
from typing import TYPE_CHECKING

import click

from evkit.cli import output
from evkit.cli.frame import command
from evkit.cli.options import common
from evkit.core import clock
from evkit.core.errors import CheckFailedError, ExitCode

if TYPE_CHECKING:
    from evkit.actions.demo import Step
    from evkit.cli.session import Session


@command(
    "demo",
    examples=["evkit demo", "evkit demo --dir my-demo"],
    exits=[ExitCode.FAILED_CHECK, ExitCode.REFUSED, ExitCode.STORAGE],
)
@click.option("--dir", "folder", metavar="DIR", help="Work in DIR, which must be empty or absent.")
@common
def demo(session: Session, folder: str | None) -> None:
    """Run the whole job on a sample: register, image, inventory, seal, memo, bundle, verify.

    At the end one byte of a copy of the bundle is flipped, and the check must find it. The folder
    stays, so that you can look around in it.
    """
    from evkit.actions.demo import damage, prepare, settings, steps

    start = clock.monotonic()
    plan = prepare(folder or os.path.join(tempfile.mkdtemp(prefix="evkit-"), "demo"))
    kept = {name: os.environ.get(name) for name in settings(plan)}
    try:
        for name, value in settings(plan).items():
            os.environ[name] = value
            output.out(f"$ export {name}={shlex.quote(value)}")
        for step in steps(plan):
            _run(step, session)
            if step.damages:
                name = damage(plan)
                output.out(f"\n# one bit of `{name}` is flipped in a copy of the bundle")
    finally:
        for name, old in kept.items():
            if old is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = old
    seconds = clock.monotonic() - start
    output.out(f"\nthe demo went as it should, in {seconds:.1f} s; its folder: {plan.folder}")


def _run(step: Step, session: Session) -> None:
    from evkit.cli.main import run

    output.out(f"\n# {step.why}")
    for line in wrapped(["$ evkit", *(shlex.quote(part) for part in step.arguments)]):
        output.out(line)
    code = run([*(["--debug"] if session.debug else []), "--progress", "none", *step.arguments])
    if code != step.expect:
        raise CheckFailedError(
            f"`evkit {step.arguments[0]}` ended with {code} instead of {step.expect}",
            hint="run `evkit selftest`, and report this with the output above",
        )
    if code:
        output.out(f"(exit {code}, as it should)")


def wrapped(words: list[str], width: int = 78) -> list[str]:
    """Return a command line broken for a terminal, so that it can still be typed or pasted."""
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) > width:
            lines[-1] += " \\"
            lines.append("    " + word)
        else:
            lines[-1] += " " + word
    return lines
