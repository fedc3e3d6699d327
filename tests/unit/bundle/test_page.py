"""The manifest page: what a judge reads first, nothing cut on paper, nothing that runs."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import bundlekit
import pytest


@pytest.fixture(scope="module")
def page() -> str:
    return bundlekit.full_files()["manifest.html"].decode()


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.attributes.update(name for name, _ in attrs)


def test_nothing_runs_and_nothing_is_fetched(page):
    tags = _Tags()
    tags.feed(page)
    assert tags.seen.isdisjoint({"script", "img", "iframe", "link", "object", "form", "a"})
    assert tags.attributes <= {"class", "lang", "charset"}


def test_what_matters_stands_first(page):
    order = ["In short", "<h2>Exhibits", "<h2>Custody", "<h2>Enclosed", "<h2>Not enclosed"]
    places = [page.index(text) for text in order]
    assert places == sorted(places)


def test_who_stands_before_what_and_tables_keep_to_the_paper(page):
    custody = page[page.index("<h2>Custody") :]
    assert custody.index("Who</th>") < custody.index("What</th>")
    assert custody.startswith('<h2>Custody, in the order of the ledger</h2>\n<table class="wide">')
    assert "table-layout: fixed" in page


def test_roles_are_in_words(page):
    assert re.search(r"<td>(image|list of files taken in|inventory \(\d+ rows?\))</td>", page)
    assert "1 gaps" not in page
    assert "inventory (2 rows)" in page


def test_every_digest_of_the_manifest_is_whole(page):
    for digest in re.findall(r"[0-9a-f]{60,}", page):
        assert len(digest) in {64, 128}
