"""Plots of a network along its depth: parameters, multiply-accumulates, activation memory, receptive field.

The places along the axis are the weighted layers in the order of the graph; what has no weights counts with the layer
before it. Memory is what is alive while a layer runs, at batch one; the receptive field is that of its windows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from resnetdsl.analysis.costs import costs
from resnetdsl.analysis.memory import memory
from resnetdsl.analysis.receptive_field import network_field, receptive_fields
from resnetdsl.emit.diagram.metrics import CAPITAL, text_width
from resnetdsl.emit.diagram.picture import Curve, Group, Ink, Picture, Point, Rect, Shape, Text, page
from resnetdsl.emit.diagram.theme import Theme, Tint, shipped_theme
from resnetdsl.emit.outline import PARTS
from resnetdsl.emit.words import first_line, human, human_bytes, printable, shortened
from resnetdsl.ir.graph import CheckedGraph, Graph, Node

_WIDTH, _HEIGHT, _GAP, _TITLE = 460.0, 74.0, 26.0, 9.5
_SMALL = 8.5
_STRIP = 14.0


@dataclass(frozen=True, slots=True)
class Profile:
    """A network along its depth: a number for each weighted layer. `parts` has the name of the part that each is in."""

    layers: tuple[str, ...]
    parts: tuple[str, ...]
    params: tuple[int, ...]
    macs: tuple[int, ...]
    memory: tuple[int, ...]
    field: tuple[int, ...]


def profile(graph: Graph, element_bytes: int = 4) -> Profile:
    """The numbers of the plots."""
    found, fields, live = costs(graph), receptive_fields(graph), memory(graph, element_bytes).live
    groups: list[list[Node]] = []
    pending: list[Node] = []
    for node in graph.nodes():
        if found[node.id].weighted:
            groups.append([*pending, node])
            pending = []
        elif groups:
            groups[-1].append(node)
        else:
            pending.append(node)
    if pending:
        groups.append(pending)
    layers = [next((node for node in group if found[node.id].weighted), group[0]) for group in groups]
    return Profile(
        tuple(node.path for node in layers),
        tuple(_part(graph, node) for node in layers),
        tuple(sum(found[node.id].params for node in group) for group in groups),
        tuple(sum(found[node.id].macs for node in group) for group in groups),
        tuple(max(live[node.id] for node in group) for group in groups),
        tuple(max(max(fields[node.id].size) for node in group) for group in groups),
    )


def plot(graph: CheckedGraph, theme: Theme | None = None, element_bytes: int = 4) -> Picture:
    """The four plots, one under the other."""
    theme = theme or shipped_theme("light")
    found = profile(graph, element_bytes)
    side = _side(graph)
    panels: tuple[tuple[str, Sequence[int], Tint, Callable[[int], str], str], ...] = (
        ("parameters", found.params, theme.learned, human, f"{human(sum(found.params))} in all"),
        ("multiply-accumulates", found.macs, theme.weighted, human, f"{human(sum(found.macs))} in all"),
        (
            "activation memory while it runs",
            found.memory,
            theme.joining,
            human_bytes,
            f"{human_bytes(max(found.memory, default=0))} at its peak ({8 * element_bytes}-bit elements, batch of 1)",
        ),
        (
            "receptive field",
            found.field,
            theme.resizing,
            str,
            f"{max(network_field(graph).size)} pixels at the output; dashed: the input's {side}",
        ),
    )
    groups = [_bands(found, theme, len(panels))]
    for number, (title, values, tint, words, more) in enumerate(panels):
        limit = float(side) if title == "receptive field" and side else None
        groups.append(_Panel(title, values, tint, words, more, limit, theme, _top(number)).group())
    groups.append(_axis(found, theme, _top(len(panels) - 1) + _HEIGHT))
    return page(f"{graph.name} along its depth", first_line(graph.doc), tuple(groups), theme.page, margin=8)


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    values: Sequence[int]
    tint: Tint
    words: Callable[[int], str]
    more: str
    limit: float | None
    theme: Theme
    top: float

    def group(self) -> Group:
        shapes: list[Shape] = []
        most = max([*self.values, 1])
        bottom = self.top + _HEIGHT
        for tick in _ticks(most):
            y = bottom - tick / most * _HEIGHT
            shapes.append(Curve((0, y), (((_WIDTH, y),),), Ink(None, self.theme.frame.line, 0.3)))
            text = self.words(tick)
            place = (-5, y + _SMALL * CAPITAL / 2)
            shapes.append(Text(*place, text, _SMALL, self.theme.faint, text_width(text, _SMALL), "end"))
        if self.values:
            shapes += self._area(most, bottom)
        if self.limit is not None and self.limit <= most:
            y = bottom - self.limit / most * _HEIGHT
            shapes.append(Curve((0, y), (((_WIDTH, y),),), Ink(None, self.theme.ink, 0.8, (3.0, 3.0))))
        width = text_width(self.title, _TITLE, bold=True)
        base = self.top - 6
        shapes.append(Text(0, base, self.title, _TITLE, self.theme.ink, width, "start", bold=True))
        more = text_width(self.more, _SMALL)
        shapes.append(Text(width + 7, base, self.more, _SMALL, self.theme.faint, more, "start"))
        return Group(f"plot-{self.title.split()[0]}", "plot", tuple(shapes))

    def _area(self, most: int, bottom: float) -> list[Shape]:
        """A step for each layer, filled down to the axis."""
        step = _WIDTH / len(self.values)
        line: list[Point] = []
        for at, value in enumerate(self.values):
            y = bottom - value / most * _HEIGHT
            line += [(at * step, y), ((at + 1) * step, y)]
        area = tuple((point,) for point in (*line, (_WIDTH, bottom)))
        edge = tuple((point,) for point in line[1:])
        return [
            Curve((0, bottom), area, Ink(self.tint.fill), closed=True),
            Curve(line[0], edge, Ink(None, self.tint.line, 1.0)),
        ]


def _bands(found: Profile, theme: Theme, panels: int) -> Group:
    """A strip with the names of the parts, and behind every other part a band through all plots."""
    step = _WIDTH / max(1, len(found.parts))
    bottom = _top(panels - 1) + _HEIGHT
    shapes: list[Shape] = []
    start = 0
    runs: list[tuple[int, int, str]] = []
    for at in range(1, len(found.parts) + 1):
        if at == len(found.parts) or found.parts[at] != found.parts[start]:
            runs.append((start, at, found.parts[start]))
            start = at
    for number, (first, last, name) in enumerate(runs):
        left, right = first * step, last * step
        if number % 2:
            shapes.append(Rect(left, 0, right - left, bottom, 0, Ink(theme.plain.fill)))
        width = text_width(name, _SMALL)
        if name and width + 4 <= right - left:
            middle = (left + right) / 2
            shapes.append(Text(middle, _STRIP - 4, name, _SMALL, theme.faint, width))
    return Group("parts", "parts", tuple(shapes))


def _axis(found: Profile, theme: Theme, y: float) -> Group:
    """Numbers of layers under the last plot."""
    count = len(found.layers)
    step = _WIDTH / max(1, count)
    shapes: list[Shape] = [Curve((0, y), (((_WIDTH, y),),), Ink(None, theme.ink, 0.8))]
    for tick in [1, *(tick for tick in _ticks(count, 8) if tick > 1)]:
        x = (tick - 0.5) * step
        shapes.append(Curve((x, y), (((x, y + 3),),), Ink(None, theme.ink, 0.8)))
        text = str(tick)
        shapes.append(Text(x, y + 13, text, _SMALL, theme.faint, text_width(text, _SMALL)))
    name = "weighted layers, in order"
    shapes.append(Text(_WIDTH / 2, y + 26, name, _SMALL, theme.faint, text_width(name, _SMALL)))
    return Group("axis", "axis", tuple(shapes))


def _top(number: int) -> float:
    return _STRIP + _GAP + number * (_HEIGHT + _GAP)


def _ticks(most: int, about: int = 3) -> list[int]:
    """Round numbers up to the most, about so many."""
    if most <= 1:
        return [most]
    rough = most / about
    size = 10 ** floor(log10(rough)) if rough >= 1 else 1
    step = next((factor * size for factor in (1, 2, 5, 10) if factor * size >= rough), 10 * size)
    return [int(step * at) for at in range(1, floor(most / step) + 1)] or [ceil(most)]


def _part(graph: Graph, node: Node) -> str:
    """The stage, stem or head that a node is in; else the outermost thing with a name."""
    trail = graph.trail(node.scope)[1:] if graph.scopes else []
    named = [scope for scope in trail if scope.kind in PARTS] or trail[:1]
    return shortened(printable(named[0].name), 24) if named else ""


def _side(graph: Graph) -> int:
    """The longer side of the input's plane, 0 where it has none."""
    for node in graph.nodes():
        if node.op == "input" and node.outputs[0].is_image:
            return max(node.outputs[0].shape[1:])
    return 0
