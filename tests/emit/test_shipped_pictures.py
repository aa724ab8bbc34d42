"""A network of every shipped spec, drawn: no text on another, every shortcut beside its branch."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnetdsl.api import load, shipped_files
from resnetdsl.emit.diagram import BoxKind, WireKind, draw, view
from resnetdsl.emit.diagram.picture import Curve, Rect, Text, bounds
from resnetdsl.emit.diagram.routes import along
from resnetdsl.emit.diagram.sizes import Direction
from resnetdsl.emit.outline import Level
from resnetdsl.ir.graph import CheckedGraph
from resnetdsl.spec import SpecError
from tests.emit.test_pictures import overlap

_BY = 1.5
"""Points that two texts may share: a line's box is higher than its letters."""


def first(path: Path) -> CheckedGraph:
    """The first network of a spec that needs no arguments."""
    spec = load(path)
    for name in spec.networks:
        try:
            return spec.network(name).checked
        except SpecError:
            continue
    pytest.skip(f"every network of {path.name} needs arguments")


CROWDED = {"mixnet", "res2net", "dla", "dpn", "hrnet"}
"""Parallel branches, and streams that cross, leave no place for the shapes between them."""

STREAMS = {"hrnet"}
"""Several streams leave one box, each a shortcut: there is no branch that all of them could go beside."""


@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.stem)
@pytest.mark.parametrize("level", [Level.NETWORK, Level.STAGE, Level.BLOCK])
def test_shipped_networks_can_be_read(path: Path, level: Level) -> None:
    drawn = view(first(path), level)
    picture = draw(drawn)
    texts = [(shape.text, bounds(shape)) for shape in picture.shapes() if isinstance(shape, Text)]
    for at, (one, (left, top, right, bottom)) in enumerate(texts):
        for other, edges in texts[:at]:
            apart = left > edges[2] - _BY or right < edges[0] + _BY or top > edges[3] - _BY or bottom < edges[1] + _BY
            assert apart, (one, other)
    groups = {group.id: group for group in picture.groups}
    if path.stem not in CROWDED:
        curves = [shape for group in groups.values() for shape in group.shapes if isinstance(shape, Curve)]
        ways = [edges for curve in curves for edges in along(curve.start, curve.pieces)]
        labels = [each for group in groups.values() if group.id[0] == "e" for each in group.shapes]
        for text in (each for each in labels if isinstance(each, Text)):
            assert not any(overlap(bounds(text), edges) for edges in ways), text.text
    if path.stem in STREAMS:
        return
    for number, wire in enumerate(drawn.wires):
        if wire.kind is not WireKind.MAIN and drawn.boxes[wire.target].kind is BoxKind.MERGE:
            curve = next(shape for shape in groups[f"e{number}"].shapes if isinstance(shape, Curve))
            # Graphviz's own curve, which it falls back to, has no straight piece.
            assert any(len(piece) == 1 for piece in curve.pieces), wire


@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.stem)
@pytest.mark.parametrize("direction", Direction)
def test_no_shape_stands_on_the_edge_of_a_frame(path: Path, direction: Direction) -> None:
    picture = draw(view(first(path)), direction=direction)
    frames = [group.shapes[0] for group in picture.groups if group.id[0] == "c"]
    edges = []
    for frame in (shape for shape in frames if isinstance(shape, Rect)):
        left, top, right, bottom = bounds(frame)
        edges += [(left, top, right, top), (left, bottom, right, bottom), (left, top, left, bottom)]
        edges += [(right, top, right, bottom)]
    labels = [each for group in picture.groups if group.id[0] == "e" for each in group.shapes[-1:]]
    for text in (each for each in labels if isinstance(each, Text)):
        assert not any(overlap(bounds(text), edge, _BY) for edge in edges), text.text
