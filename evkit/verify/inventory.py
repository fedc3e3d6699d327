"""Inventory rows: the roots that the ledger holds, computed again from the exported lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.manifest.rowaccept import parse_export_line
from evkit.manifest.rows import MAX_ROW, row_leaf
from evkit.merkle.tree import Frontier
from evkit.verify.report import CONTENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.verify.report import Report

MAX_LINE: Final = MAX_ROW + 256


class RowCheck:
    """Takes the blocks of `inventory.jsonl` and grows both trees; used as a consumer."""

    def __init__(self) -> None:
        self._rows = Frontier()
        self._engine = Frontier()
        self._rest = b""
        self._lines = 0
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


def _shown(values: tuple[object, ...]) -> str:
    return "{} rows {}, {} engine rows {}".format(*values)
