"""Two networks side by side with what differs coloured, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable

from resnetdsl.analysis.costs import totals
from resnetdsl.analysis.difference import Status, difference
from resnetdsl.emit.diagram.beside import Side, draw_beside
from resnetdsl.emit.diagram.engine import Engine
from resnetdsl.emit.diagram.metrics import CAPITAL, text_width
from resnetdsl.emit.diagram.model import Mark
from resnetdsl.emit.diagram.opening import shared_out
from resnetdsl.emit.diagram.picture import Group, Ink, Picture, Rect, Shape, Text
from resnetdsl.emit.diagram.sizes import DETAIL, Direction
from resnetdsl.emit.diagram.theme import Theme
from resnetdsl.emit.diagram.under import edges_of
from resnetdsl.emit.diagram.view import view
from resnetdsl.emit.outline import Level
from resnetdsl.emit.words import human
from resnetdsl.ir.graph import CheckedGraph

_MARKS = {
    Status.ADDED: Mark.ADDED,
    Status.REMOVED: Mark.REMOVED,
    Status.CHANGED: Mark.CHANGED,
    Status.RENAMED: Mark.CHANGED,
}
"""What has only another size, since something before it changed, is not marked."""

_SWATCH, _GAP = 9.0, 14.0


def draw_difference(
    before: CheckedGraph,
    after: CheckedGraph,
    names: tuple[str, str],
    level: Level = Level.NETWORK,
    theme: Theme | None = None,
    direction: Direction = Direction.DOWN,
    engine: Engine = "wasm",
    opened: Iterable[str] = (),
) -> Picture:
    """The first network beside the second; what differs is opened down to where it does. Raises as `draw` does."""
    found = difference(before, after)
    sides = []
    graphs, statuses_of = (before, after), (found.of_before(), found.of_after())
    for graph, name, statuses, own in zip(graphs, names, statuses_of, shared_out(graphs, list(opened)), strict=True):
        marks = {node: _MARKS[status] for node, status in statuses.items() if status in _MARKS}
        sums = totals(graph)
        costs = f"{human(sums.params)} params, {human(sums.macs)} MACs"
        sides.append(Side(view(graph, level, own, marks=marks), (name, costs)))
    was, now = totals(before), totals(after)
    change = f"params {_change(was.params, now.params)}, MACs {_change(was.macs, now.macs)}"
    title = f"{names[0]} -> {names[1]}: {change}"

    def under(groups: tuple[Group, ...], colours: Theme) -> Group:
        return _legend(groups, "no layer differs" if found.same else change, colours)

    return draw_beside(sides, theme, direction, engine, title=title, under=under)


def _change(was: int, now: int) -> str:
    """`+2.51 M (+9.8 %)`, `unchanged`."""
    if was == now:
        return "unchanged"
    sign = "+" if now > was else "−"
    share = f" ({sign}{abs(now - was) / was:.1%})".replace("%", " %") if was else ""
    return f"{sign}{human(abs(now - was))}{share}"


def _legend(groups: tuple[Group, ...], change: str, theme: Theme) -> Group:
    """A line with the change in costs, and under it what the colours mean."""
    left, _, right, bottom = edges_of(groups)
    y = bottom + 22
    shapes: list[Shape] = []
    shapes.append(
        Text((left + right) / 2, y, change, DETAIL, theme.ink, text_width(change, DETAIL, bold=True), bold=True)
    )
    y += 16
    names = [(mark, f"{sign} {mark.value}") for mark, sign in zip(Mark, "+−~", strict=True)]
    width = sum(_SWATCH + 4 + text_width(name, DETAIL) for _, name in names) + _GAP * (len(names) - 1)
    x = (left + right - width) / 2
    for mark, name in names:
        tint = getattr(theme, mark.value)
        shapes.append(Rect(x, y - DETAIL * CAPITAL / 2 - _SWATCH / 2, _SWATCH, _SWATCH, 2, Ink(tint.fill, tint.line)))
        wide = text_width(name, DETAIL)
        shapes.append(Text(x + _SWATCH + 4, y, name, DETAIL, theme.ink, wide, "start"))
        x += _SWATCH + 4 + wide + _GAP
    return Group("legend", "legend", tuple(shapes))
