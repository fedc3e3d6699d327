"""A plot of the ratios as SVG: one bar a row, the peer at 1, the floor as a mark.

Written by hand, without a library; colours change with the reader's light or dark setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from harness import Row

WIDTH, LEFT, RIGHT = 760, 292, 64
STEP, BAR, TOP, BOTTOM = 46, 18, 58, 52
_STYLE = """
    text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: #1f2328 }
    .title { font-weight: 600; font-size: 15px }
    .small { font-size: 11px; fill: #59636e }
    .back { fill: #ffffff }
    .bar { fill: #2f6f9f }
    .grid { stroke: #d1d9e0; stroke-width: 1 }
    .peer { stroke: #59636e; stroke-width: 1.5 }
    .floor { stroke: #c4432b; stroke-width: 2.5 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .small { fill: #9198a1 }
      .back { fill: #0d1117 }
      .bar { fill: #5aa5d6 }
      .grid { stroke: #30363d }
      .peer { stroke: #9198a1 }
      .floor { stroke: #ff8266 }
    }
"""


def draw(rows: Sequence[Row]) -> str:
    """Return the plot of the rows that were compared with a peer.

    Args:
        rows: those with a ratio and seconds of a peer are drawn.
    """
    drawn = [row for row in rows if row.ratio is not None and row.theirs is not None]
    most = max([1.0, *(row.ratio or 0 for row in drawn), *(row.least or 0 for row in drawn)])
    end = int(most) + 1
    scale = (WIDTH - LEFT - RIGHT) / end
    height = TOP + STEP * len(drawn) + BOTTOM
    bottom = TOP + STEP * len(drawn)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"',
        f'  viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(_spoken(drawn))}">',
        f"  <style>{_STYLE}  </style>",
        f'  <rect class="back" width="{WIDTH}" height="{height}"/>',
        _text(16, 26, "How many times faster than the peer", "title"),
        _text(16, 44, "whole processes in turn, same source in the page cache, same disk", "small"),
    ]
    for number in range(end + 1):
        x = LEFT + number * scale
        kind = "peer" if number == 1 else "grid"
        parts.append(_line(x, TOP, bottom, kind))
        parts.append(_text(x, bottom + 16, f"{number}", "small", "middle"))
    for index, row in enumerate(drawn):
        parts += _row(row, TOP + STEP * index, scale)
    parts += [
        _line(LEFT, bottom + 28, bottom + 40, "peer"),
        _text(LEFT + 8, bottom + 38, "the peer", "small"),
        _line(LEFT + 80, bottom + 28, bottom + 40, "floor"),
        _text(LEFT + 88, bottom + 38, "the floor that evkit set itself", "small"),
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def _row(row: Row, top: float, scale: float) -> list[str]:
    ratio = row.ratio or 0.0
    bar = top + 12
    middle = bar + BAR / 2
    job, _, rest = row.job.partition(", ")
    parts = [
        _text(LEFT - 10, middle, _short(job, rest), "", "end"),
        _text(LEFT - 10, middle + 15, f"beside {row.peer}", "small", "end"),
        f'  <rect class="bar" x="{LEFT}" y="{bar:g}" rx="2"',
        f'    width="{ratio * scale:.1f}" height="{BAR}"/>',
        _text(LEFT + max(ratio, row.least or 0) * scale + 8, middle + 5, f"{ratio:.1f}x", ""),
    ]
    if row.least is not None:
        parts.append(_line(LEFT + row.least * scale, bar - 5, bar + BAR + 5, "floor"))
    return parts


def _short(job: str, rest: str) -> str:
    """Leave out length and digests, which the table has."""
    return f"{job}, no SHA instructions" if rest.endswith("no SHA instructions") else job


def _spoken(rows: Sequence[Row]) -> str:
    parts = [f"{row.job}: {row.ratio or 0:.1f} times as fast as {row.peer}" for row in rows]
    return "; ".join(parts)


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'  <text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(x: float, top: float, bottom: float, kind: str) -> str:
    return f'  <line class="{kind}" x1="{x:.1f}" y1="{top:g}" x2="{x:.1f}" y2="{bottom:g}"/>'
