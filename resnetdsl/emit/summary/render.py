"""The summary as text for a terminal, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from resnetdsl.emit.summary.model import Line, Summary
from resnetdsl.emit.words import first_line, grouped, human, human_bytes, printable, shortened, width
from resnetdsl.ir.types import TensorType

SCHEMA = 1
"""The version of the JSON. Keys may be added under one version, never renamed or given another meaning."""

_GAP = 2
_LEAST_NAME = 16


@dataclass(frozen=True)
class _Column:
    """`rank` says in which order columns are left out on a narrow terminal, the highest first; 0 stays."""

    title: str
    right: bool
    rank: int
    cells: tuple[str, ...]
    total: str = ""

    @cached_property
    def width(self) -> int:
        return max(map(width, (self.title, self.total, *self.cells)))


def as_text(summary: Summary, columns: int | None = None) -> str:
    """A table no wider than `columns` where that can be, and the totals in words."""
    shown = _columns(summary)
    if columns is not None:
        shown = _fit(shown, columns)
    rule = "─" * (sum(column.width for column in shown) + _GAP * (len(shown) - 1))
    doc = first_line(summary.doc)
    head = [printable(summary.network) + (f" · {doc}" if doc else ""), ""]
    rows = [[column.title for column in shown], *zip(*(column.cells for column in shown), strict=True)]
    table = [_row(shown, row) for row in rows]
    table[1:1] = [rule]
    table += [rule, _row(shown, [column.total for column in shown])]
    facts = _facts(summary)
    pad = max(len(name) for name, _ in facts) + _GAP
    lines = [*head, *table, "", *(f"{name:<{pad}}{value}" for name, value in facts)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _columns(summary: Summary) -> list[_Column]:
    rows = list(summary.walk())
    lines = [line for line, _, _ in rows]
    copies = any(line.copies > 1 for line in lines)
    sums = summary.totals
    shown = [
        _Column("layer", False, 0, tuple("  " * level + printable(line.name) for line, level, _ in rows), "total"),
        _Column("copies", True, 0, tuple(f"{line.copies} ×" if line.copies > 1 else "" for line in lines)),
        _Column("kind", False, 2, tuple(printable(line.what) for line in lines)),
        _Column("output", False, 0, tuple(_shapes(line.outputs) for line in lines)),
        _Column("params", True, 0, tuple(_number(line.sums.params) for line in lines), grouped(sums.params)),
        _Column("MACs", True, 0, tuple(_human(line.sums.macs) for line in lines), human(sums.macs)),
        _Column(
            "memory",
            True,
            3,
            tuple(human_bytes(line.bytes) if line.bytes else "" for line in lines),
            human_bytes(summary.memory.training),
        ),
        _Column("field", True, 4, tuple(str(line.field) for line in lines), str(summary.field)),
    ]
    return shown if copies else [column for column in shown if column.title != "copies"]


def _fit(shown: list[_Column], columns: int) -> list[_Column]:
    """Shorten the names as far as they stay useful, then leave columns out."""
    while True:
        excess = sum(column.width for column in shown) + _GAP * (len(shown) - 1) - columns
        name = shown[0]
        least = min(_LEAST_NAME, name.width)
        if excess <= 0:
            return shown
        droppable = max(shown, key=lambda column: column.rank)
        if name.width - excess >= least or droppable.rank == 0:
            room = max(name.width - excess, least)
            cells = tuple(shortened(cell, room) for cell in name.cells)
            return [_Column(name.title, False, 0, cells, name.total), *shown[1:]]
        shown = [column for column in shown if column is not droppable]


def _row(shown: list[_Column], cells: Sequence[str]) -> str:
    padded = []
    for column, cell in zip(shown, cells, strict=True):
        space = " " * (column.width - width(cell))
        padded.append(space + cell if column.right else cell + space)
    return (" " * _GAP).join(padded)


def _facts(summary: Summary) -> list[tuple[str, str]]:
    """The totals as words, exact numbers first."""
    sums, dtype = summary.totals, f"{8 * summary.element_bytes}-bit elements, batch of 1"
    memory = summary.memory
    peak = f"{human_bytes(memory.peak)} at its peak, in {printable(summary.peak_at)} ({dtype})"
    buffers = f", and {human_bytes(sums.buffer_bytes)} of buffers" if sums.buffers else ""
    facts = [
        ("parameters", f"{grouped(sums.params)} ({human_bytes(sums.parameter_bytes)}{buffers})"),
        ("MACs", f"{grouped(sums.macs)} ({human(sums.macs)})"),
        ("activations", f"{grouped(sums.activations)} elements out of convolutions and linear layers"),
        ("memory", f"{peak}; training keeps {human_bytes(memory.training)}"),
        ("depth", f"{summary.depth} weighted layers on the longest path"),
        ("receptive field", _field(summary)),
    ]
    for name, kind in summary.outputs:
        facts.append((name if name == "output" else f"tap {printable(name)}", str(kind)))
    return facts


def _field(summary: Summary) -> str:
    height, wide = summary.field.size
    size = f"{height}×{wide} pixels by its windows"
    return f"{size}; the whole input through pooling over a plane" if summary.field.whole else size


def as_markdown(summary: Summary) -> str:
    """The table in Markdown, ready for a README."""
    shown = _columns(summary)
    doc = first_line(summary.doc)
    lines = [f"**{_markdown(summary.network)}**" + (f" · {_markdown(doc)}" if doc else ""), ""]
    lines.append("| " + " | ".join(column.title for column in shown) + " |")
    lines.append("| " + " | ".join("---:" if column.right else "---" for column in shown) + " |")
    for row in zip(*(column.cells for column in shown), strict=True):
        indent = (len(row[0]) - len(row[0].lstrip(" "))) * "&nbsp;"
        cells = [indent + _markdown(row[0].lstrip(" ")), *map(_markdown, row[1:])]
        lines.append("| " + " | ".join(cells) + " |")
    lines.append("| " + " | ".join(f"**{column.total}**" if column.total else "" for column in shown) + " |")
    lines += ["", *(f"- {_markdown(name)}: {_markdown(value)}" for name, value in _facts(summary))]
    return "\n".join(lines) + "\n"


def _markdown(text: str) -> str:
    """A text that Markdown shows as it is."""
    safe = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{char}" if char in r"\`*_{}[]#|~" else char for char in safe)


def as_csv(summary: Summary) -> str:
    """One row a line, exact numbers, for a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = ["params", "buffers", "macs", "activations", "bytes", "field_height", "field_width", "sees_all"]
    writer.writerow(["level", "path", "kind", "what", "copies", "output", *names])
    for line, level, _ in summary.walk():
        sums = line.sums
        texts = [_cell(line.path or line.name), line.kind, _cell(line.what)]
        numbers = [sums.params, sums.buffers, sums.macs, sums.activations, line.bytes, *line.field.size]
        writer.writerow([level, *texts, line.copies, _shapes(line.outputs), *numbers, int(line.field.whole)])
    return out.getvalue()


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    safe = printable(text)
    return f"'{safe}" if safe.startswith(("=", "+", "-", "@")) else safe


def as_json(summary: Summary) -> str:
    """Everything, exact, under stable keys (`schema` is their version)."""
    memory = summary.memory
    document = {
        "schema": SCHEMA,
        "network": summary.network,
        "doc": summary.doc,
        "level": summary.level.value,
        "element_bytes": summary.element_bytes,
        "totals": asdict(summary.totals),
        "depth": summary.depth,
        "memory": {"peak": memory.peak, "peak_at": summary.peak_at, "training": memory.training},
        "receptive_field": {"size": list(summary.field.size), "whole": summary.field.whole},
        "outputs": {name: list(kind.shape) for name, kind in summary.outputs},
        "lines": [_json(line) for line in summary.lines],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _json(line: Line) -> dict[str, object]:
    return {
        "name": line.name,
        "path": line.path,
        "kind": line.kind,
        "what": line.what,
        "copies": line.copies,
        "outputs": [list(kind.shape) for kind in line.outputs],
        "receptive_field": {"size": list(line.field.size), "whole": line.field.whole},
        "bytes": line.bytes,
        "sums": asdict(line.sums),
        "children": [_json(child) for child in line.children],
    }


def _shapes(kinds: tuple[TensorType, ...]) -> str:
    """`64x56x56`, or `2 × 32x56x56` for the equal parts of a split."""
    texts = [str(kind) for kind in kinds]
    if len(texts) > 1 and len(set(texts)) == 1:
        return f"{len(texts)} × {texts[0]}"
    return ", ".join(texts)


def _number(number: int) -> str:
    return grouped(number) if number else ""


def _human(number: int) -> str:
    return human(number) if number else ""
