"""The page of event kinds is what the code says."""

from __future__ import annotations

from evkit.custody import kinds


def test_the_page_is_generated(repository):
    page = (repository / "docs" / "spec" / "event-kinds.md").read_text(encoding="utf-8")
    assert page == kinds.reference_markdown()
