"""docs/spec/verify-report.md lists exactly the codes that the verifier uses."""

from __future__ import annotations

import re

CALL = re.compile(r'\.(?:failed|undecided|passed)\)?\(\s*"?[A-Za-z_]+"?,\s*(f?)"([^"]*)"')
PROBLEM = re.compile(r'Problem\("([a-z-]+)"')
REMARK = re.compile(r'\.remark\(\s*"([a-z-]+)"')
MADE = {
    "certificate-{result.state}": {
        f"certificate-{state}" for state in ("bad", "expired", "untrusted", "revoked")
    },
    "exhibits-{word}": {"exhibits-enclosed", "exhibits-supplied"},
}  # fmt: skip


def sources(repository):
    for path in sorted((repository / "evkit").glob("verify/*.py")):
        yield path.read_text()
    for path in sorted((repository / "evkit").glob("actions/verify*.py")):
        yield path.read_text()


def used(repository):
    found = set()
    for text in sources(repository):
        for formatted, code in CALL.findall(text):
            found |= MADE.get(code, set()) if formatted else {code}
    bag = (repository / "evkit" / "manifest" / "bag.py").read_text()
    return found | {f"bag-{code}" for code in PROBLEM.findall(bag)}


def test_every_code_is_listed_and_no_other(repository):
    page = (repository / "docs" / "spec" / "verify-report.md").read_text()
    table = page.split("| code | means |")[1].split("\n\n")[0]
    listed = {
        code
        for row in table.split("\n")
        for code in re.findall(r"`([a-z-]+)`", row[:300].split(" | ")[0])
    }
    assert listed == used(repository)


def test_every_remark_is_listed(repository):
    page = (repository / "docs" / "spec" / "verify-report.md").read_text()
    listed = set(re.findall(r"`([a-z-]+)`", page.rsplit("Remarks use", 1)[1]))
    found = {code for text in sources(repository) for code in REMARK.findall(text)}
    assert found <= listed
    assert listed - found - {"certificate"} == set()
