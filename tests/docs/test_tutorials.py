"""Every command of the README and the tutorials runs, in order, with the stated exit code."""

from __future__ import annotations

import console
import pytest

PAGES = (
    "README.md",
    "docs/tutorial/officer.md",
    "docs/tutorial/examiner.md",
    "docs/tutorial/prosecutor.md",
)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_can_be_typed(page, repository, tmp_path):
    env = console.environment(tmp_path)
    for command in console.commands((repository / page).read_text(encoding="utf-8")):
        code, output = console.run(command.text, tmp_path, env)
        assert code == command.code, f"{command.text}\n{output}"
        if command.output:
            documented = command.output[0].split()[:1]
            assert output.split()[:1] == documented or documented[0].startswith("("), command.text


def test_blocks_are_read():
    text = "```console\n$ evkit a \\\n  b\nout\n(exit 3)\n$ evkit c\n```\n"
    found = list(console.commands(text))
    assert [command.text for command in found] == ["evkit a \\\n  b", "evkit c"]
    assert [command.code for command in found] == [3, 0]
