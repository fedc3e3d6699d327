"""Finds the rules of libmagic's database that an input can match, by its bytes.

Rules that need bytes at fixed places are found by looking those places up. Rules for text that
need bytes somewhere are kept or left out in groups: a group is kept when one of its probes is in
the input. Rules for text are judged only where libmagic looks at the text as it is: no byte that
never appears in text, no byte order mark, no UTF-7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evkit.inventory.types import compiled as mgc
from evkit.inventory.types.jumps import Effect
from evkit.inventory.types.literals import Key, Runs, needed
from evkit.inventory.types.places import Group, Places

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evkit.inventory.types.compiled import Database, Rule

_MODE = 0x60  # options of a string that say for which kind of input it is
_NONE, SOME, _ALL = 0, 1, 2
_WORD = 4  # bytes that are worth looking for
_FIRST = 256
_PAGE = 4096
_SURE = 32 << 10  # libmagic looks at no more than 64 KiB for the kind of text
_TEXT = bytes((7, 8, 9, 10, 12, 13, 27, *range(32, 127), *range(128, 256)))
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff", b"+/v")
# Probes stand for rules that cost more than looking for the probes. Few groups, because each
# doubles the kinds of input. Those of a group begin alike where that is possible: looking for a
# byte is ten times as fast as looking for one of several.
PROBES: tuple[tuple[bytes, ...], ...] = (
    (
        *(b"\\setup", b"\\document", b"\\contents", b"\\define", b"\\section", b"\\chapter"),
        *(b"\\setlength", b"\\use", b"\\input", b"\\begin", b"\\relax", b"\\glossary", b"\\index"),
    ),
    (
        *(b"<!", b"<script", b"<a", b"<title", b"<style", b"<table", b"<head", b"<html"),
        *(b"<!--", b"<?"),
    ),
    (b"\t",),
    (
        *(b".asciiz", b".globl", b".byte", b".even", b".text", b".file", b".type"),
        *(b"SiSU", b"sisu-", b" -- ", b"=pod", b"=encoding ", b"=head", b"ha:", b"li:"),
    ),
    (b"import", b"export", b"class", b"module", b"require", b"typeof", b"def ", b"function"),
)


class Choice(NamedTuple):
    """What an input can match: rules found by their places, groups kept, which rules for text.

    `texts` is 0 for no rules for text, 1 for those that the text can match, 2 for all.
    """

    rules: tuple[int, ...]
    groups: tuple[int, ...]
    texts: int


class Index:
    """What each rule of a database needs, ordered for looking up.

    Args:
        database: all of it.
    """

    def __init__(self, database: Database) -> None:
        self._always: set[int] = set()  # whatever the input
        self._effects: dict[int, Effect] = {}
        self._all_texts = {n for n, rule in enumerate(database.rules) if rule.flag & mgc.TEXT}
        binary = [(n, rule) for n, rule in enumerate(database.rules) if rule.flag & mgc.BINARY]
        self._places, self._groups = self._of_binary(binary)
        for number, rule in binary:
            if rule.silent and (effect := Effect(database.steps(rule))).known:
                self._effects[number] = effect
        # rules for scripts and the like begin with a byte or two that many texts begin with
        self._loose = {n for n, rule in binary if rule.kind == mgc.STRING and rule.options & ~_MODE}
        binary_groups = len(self._groups)
        self._unknown: set[int] = set()  # whatever the text
        texts = [(n, _as_text(needed(database.rules[n]))) for n in sorted(self._all_texts)]
        self._groups += self._of_texts(texts)
        self._for_text = [(number, group.kept) for number, group in enumerate(self._groups)]
        self._for_binary = self._for_text[:binary_groups]

    def choose(self, head: bytes) -> Choice:
        """Return what an input can match."""
        effects = self._effects
        found = [
            number
            for number in self._places.find(head)
            if number not in effects or effects[number].possible(head)
        ]
        texts = _texts(head)
        groups = self._for_binary
        if texts == SOME:
            found = [number for number in found if number not in self._loose]
            groups = self._for_text
        kept = tuple([number for number, kept in groups if kept(head)])
        return Choice(tuple(sorted(set(found))), kept, texts)

    def rules(self, choice: Choice) -> list[int]:
        """Return the rules that belong to a choice, in the order of the database."""
        found = self._always.union(choice.rules)
        found.update(*(self._groups[number].rules for number in choice.groups))
        if choice.texts:
            found |= self._unknown | self._loose if choice.texts == SOME else self._all_texts
        return sorted(found)

    def _of_binary(self, rules: Sequence[tuple[int, Rule]]) -> tuple[Places, list[Group]]:
        keys: list[tuple[int, Key]] = []
        groups: list[Group] = []
        for number, rule in rules:
            need = needed(rule)
            if isinstance(need, Key):
                keys.append((number, need))
            elif need is not None and (words := _words(need)):
                groups.append(Group.of(words, [(number, need)]))
            else:
                self._always.add(number)
        places = Places(keys, {number for number, rule in rules if rule.uses})
        self._always |= places.left
        return places, groups

    def _of_texts(self, needs: Iterable[tuple[int, Runs | None]]) -> list[Group]:
        members: dict[tuple[tuple[bytes, ...], bool], list[tuple[int, Runs]]] = {}
        for number, need in needs:
            if need is not None and (probes := _probes(need)) is not None:
                members.setdefault((probes, need.limit > 0), []).append((number, need))
            else:
                self._unknown.add(number)
        return [Group.of(probes, found) for (probes, _), found in members.items()]


def _words(need: Runs) -> frozenset[bytes]:
    """Return the longest of the sets that are needed, nothing when it is not worth looking for."""
    best = max(need.sets, key=lambda values: min(map(len, values)))
    return best if min(map(len, best)) >= _WORD else frozenset()


def _probes(need: Runs) -> tuple[bytes, ...] | None:
    """Return probes of which one is in each input that holds what is needed."""
    for probes in PROBES:
        if any(all(any(p in v for p in probes) for v in values) for values in need.sets):
            return probes
    return None


def _as_text(need: Key | Runs | None) -> Runs | None:
    """Return what is needed of a text, which libmagic turns into UTF-8 before it judges it.

    ASCII stays as it is and does not move forward, other characters may become longer.
    """
    if isinstance(need, Key):
        need = Runs((frozenset([need.value]),), max(need.offsets) + len(need.value))
    if need is None:
        return None
    sets = tuple(values for values in need.sets if all(value.isascii() for value in values))
    return need._replace(sets=sets) if sets else None


def _texts(head: bytes) -> int:
    """Say which of the rules for text libmagic may try on an input, as in `Choice`.

    A zero before another byte is in no text but UTF-16 and UTF-32, which have a mark.
    """
    marked = head.startswith(_MARKS)
    zero = head.find(b"\0", 0, _SURE)
    if zero >= 0 and not marked and head[zero : zero + _PAGE].strip(b"\0"):
        return _NONE
    if marked or head[:_FIRST].translate(None, _TEXT):
        return _ALL
    return _ALL if head.translate(None, _TEXT) else SOME
