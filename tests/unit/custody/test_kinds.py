"""The tables of kinds, subjects, findings and sentences hold together."""

from __future__ import annotations

import pytest

from evkit.core.errors import UsageError
from evkit.custody import history, replay
from evkit.custody.fields import TYPES
from evkit.custody.findings import CATALOGUE
from evkit.custody.kinds import KINDS, LEVELS, ROLES, kind_of, recordable, subjects_for
from evkit.ledger.event import Draft, Subject


class Known:
    def statement(self):
        return "0" * 64

    def opening(self, case):
        return {"C1": "1" * 64}.get(case)

    def registration(self, exhibit):
        return {"C1/E1": "2" * 64, "C1/E2": "3" * 64}.get(exhibit)

    def digests(self, acquisition):
        return {"C1/E1/A1": {"sha256": "4" * 64, "md5": "5" * 32}}.get(acquisition)


def names(draft):
    return [subject.name for subject in subjects_for(draft, Known())]


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_is_well_formed(kind):
    assert kind.level in LEVELS
    assert set(kind.roles) <= set(ROLES)
    assert kind.name in history._SENTENCES
    for name, field in kind.fields.items():
        assert name == field.name
        assert name.isascii()
        assert name[0].islower()
        assert field.type in TYPES
        assert field.help
        assert not field.help.endswith(".")
        assert bool(field.choices) == (field.type == "choice")
        assert field.sensitive or field.type not in {"person", "people"}
    if kind.level == "exhibit" or kind.level == "acquisition":
        assert kind.name in replay._HANDLERS


def test_unknown_kinds_are_suggested():
    with pytest.raises(UsageError) as caught:
        kind_of("unsael")
    assert caught.value.hint == "did you mean `unseal`?"
    assert "register" not in recordable()
    assert "seal" in recordable()


def test_subjects_follow_the_design():
    assert names(Draft(kind="station")) == ["station#statement"]
    assert names(Draft(kind="case-open", case="C1")) == ["station#statement"]
    assert names(Draft(kind="note", case="C1")) == ["C1#opening"]
    assert names(Draft(kind="register", case="C1", exhibits=("C1/E1",))) == ["C1#opening"]
    both = Draft(kind="seal", case="C1", exhibits=("C1/E1", "C1/E2"))
    assert names(both) == ["C1/E1#registration", "C1/E2#registration"]
    check = Draft(kind="verify", case="C1", exhibits=("C1/E1",), acquisitions=("C1/E1/A1",))
    assert subjects_for(check, Known()) == (
        Subject("C1/E1/A1", {"sha256": "4" * 64, "md5": "5" * 32}),
    )
    begun = Draft(kind="acquire-start", case="C1", exhibits=("C1/E1",), acquisitions=("C1/E1/A2",))
    assert names(begun) == ["C1/E1#registration"]
    only = Draft(kind="acquire-start", case="C1", acquisitions=("C1/E1/A2",))
    assert names(only) == ["C1/E1#registration"]
    assert names(Draft(kind="seal", case="C9", exhibits=("C9/E1",))) == ["station#statement"]
    own = Draft(kind="acquire-end", case="C1", subjects=(Subject("x", {"sha256": "6" * 64}),))
    assert names(own) == ["x"]


def test_findings_page(repository):
    page = (repository / "docs" / "spec" / "custody-findings.md").read_text()
    for code, (level, text) in CATALOGUE.items():
        assert f"| `{code}` | {level} | {text} |" in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    from evkit.custody.validate import DEVIATIONS

    assert len(rows) == len(CATALOGUE) + len(DEVIATIONS)
