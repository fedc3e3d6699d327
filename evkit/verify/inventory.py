"""Inventory rows: the roots that the ledger holds, computed again from the exported lines.

Rows can be exactly those whose root was signed and still not be what the entry says they are: rows
of another acquisition, or rows with gaps under an entry that says there are none. So what the first
and the last row say is compared with the entries as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.manifest import contents
from evkit.manifest.rowaccept import facts_of, parse_export_line, read
from evkit.manifest.rows import GAPS, MAX_ROW, row_leaf
from evkit.merkle.tree import Frontier
from evkit.verify.report import CONTENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.verify.report import Report

MAX_LINE: Final = MAX_ROW + 256
_SOURCE, _COVERAGE, _ERROR = (b'"row":"%s"' % kind for kind in (b"source", b"coverage", b"error"))
_LOST: Final = tuple(b'"state":"%s"' % state.encode() for state in sorted(GAPS))
_COUNTED: Final = frozenset({"partition", "filesystem", "directory", "name", "stream", "space"})


class RowCheck:
    """Takes the blocks of `inventory.jsonl` and grows both trees; used as a consumer."""

    def __init__(self) -> None:
        self._rows = Frontier()
        self._engine = Frontier()
        self._rest = b""
        self._lines = 0
        self._sources: list[tuple[int, Mapping[str, Any]]] = []
        self._coverages: list[tuple[int, Mapping[str, Any]]] = []
        self._gaps = False
        self.problem = ""

    def update(self, block: bytes) -> None:
        """Take the next block."""
        if self.problem:
            return
        lines = (self._rest + block).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_LINE:
            self.problem = f"line {self._lines + 1} is over {MAX_LINE} bytes"
            return
        for line in lines:
            self._lines += 1
            try:
                self._line(line + b"\n")
            except InputError as error:
                self.problem = f"line {self._lines}: {escape(error.message)}"
                return

    def _line(self, line: bytes) -> None:
        engine, number, salt, row = parse_export_line(line)
        tree = self._engine if engine else self._rows
        if number != tree.size:
            raise InputError(f"row {number} stands where row {tree.size} should")
        if self._engine.size and not engine:
            raise InputError("a row stands after the engine rows")
        tree.append(row_leaf(salt, row))
        if _SOURCE in row:
            self._sources.append((number, read(row)))
        elif _COVERAGE in row:
            self._coverages.append((number, read(row)))
        elif _ERROR in row:
            self._gaps = True
        elif not self._gaps and any(state in row for state in _LOST):
            found = facts_of(read(row))
            self._gaps = found.kind in _COUNTED and not found.virtual
        if max(len(self._sources), len(self._coverages)) > 1:
            raise InputError("a row of the source, or of the coverage, stands there twice")

    def finish(self, recorded: Mapping[str, Any], where: str, report: Report) -> int | None:
        """Compare with the inventory event; return the number of rows, None on failure."""
        if self._rest and not self.problem:
            self.problem = "the last line has no line end"
        if self.problem:
            text = f"`{escape(where)}`: {self.problem}"
            report.failed(CONTENT, "inventory-form", text, escape(where))
            return None
        stated = (
            recorded.get("rows"), recorded.get("row_root"),
            recorded.get("engine_rows", 0), recorded.get("engine_root", Frontier().root().hex()),
        )  # fmt: skip
        found = (
            self._rows.size, self._rows.root().hex(), self._engine.size, self._engine.root().hex(),
        )  # fmt: skip
        if stated != found:
            text = f"the rows of `{escape(where)}` are not those whose root the ledger holds"
            report.failed(CONTENT, "row-root", text, escape(where), _shown(stated), _shown(found))
            return None
        return self._rows.size

    def judge(
        self,
        ends: Mapping[str, Any] | None,
        recorded: Mapping[str, Any],
        coverage: object,
        where: str,
        report: Report,
    ) -> bool:
        """Say whether the rows, whose root was right, are what the entries say they are.

        Args:
            ends: facts of the first end of the acquisition, None when none is recorded.
            recorded: facts of the inventory.
            coverage: the totals that its entry states, None when it states none.
            where: the file.
            report: takes the failure.
        """
        shown = escape(where)
        problem = self._other_source(ends, recorded)
        if problem:
            report.failed(CONTENT, "inventory-source", f"`{shown}`: {problem}", shown)
            return False
        problem = self._other_result(recorded, coverage)
        if problem:
            report.failed(CONTENT, "inventory-result", f"`{shown}`: {problem}", shown)
        return not problem

    def _other_source(self, ends: Mapping[str, Any] | None, recorded: Mapping[str, Any]) -> str:
        entry, ref = recorded["entry"], str(recorded["acquisition"])
        if ends is None or ends["entry"] > entry:
            return f"entry {entry} lists data whose end is not recorded before it"
        if [number for number, _ in self._sources] != [0]:
            return "its first row does not say of what it is an inventory"
        source, media = self._sources[0][1], ends.get("media")
        size = media.get("size") if isinstance(media, dict) else None
        return other_content(source, ends, ref, source.get("size") if size is None else size)

    def _other_result(self, recorded: Mapping[str, Any], coverage: object) -> str:
        if [number for number, _ in self._coverages] != [self._rows.size - 1]:
            return "its last row does not say what it covers"
        stated = {name: item for name, item in self._coverages[0][1].items() if name != "row"}
        result, entry = stated.pop("result"), recorded["entry"]
        found = {"result": "with-gaps" if self._gaps else "complete"}
        if not recorded.get("result") == result == found["result"]:
            return f"its rows are {found['result']}, its last row says {result}, entry {entry} " + (
                escape(str(recorded.get("result")))
            )
        if coverage not in (None, stated):
            return f"its last row states other totals than entry {entry}"
        return ""


def other_content(
    source: Mapping[str, Any], ends: Mapping[str, Any], ref: str, size: object
) -> str:
    """Say in what an inventory is not one of the recorded content; empty when it is.

    Args:
        source: its first row.
        ends: fields of the end of the acquisition.
        ref: the acquisition.
        size: bytes of the medium; not asked for files.
    """
    if source.get("acquisition") != ref:
        return f"the inventory is not one of `{escape(ref)}`"
    tree = source["kind"] == "tree"
    if not tree and source.get("size") != size:
        return f"the inventory is one of a medium of {source.get('size')} bytes"
    media = ends.get("media")
    known = media if isinstance(media, dict) else {}
    if tree:
        listed = ends.get("artifacts")
        items = [item for item in (listed if isinstance(listed, list) else []) if _is_list(item)]
        known = items[0] if items else {}
    for kind, value in source.get("digests", {}).items():
        if known.get(kind, value) != value:
            return f"the inventory is one of content with another {kind} than was recorded"
    return ""


def _is_list(item: object) -> bool:
    return isinstance(item, dict) and item.get("role") == contents.LIST_ROLE


def _shown(values: tuple[object, ...]) -> str:
    return "{} rows {}, {} engine rows {}".format(*values)
