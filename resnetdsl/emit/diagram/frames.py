"""The frames of clusters, grown where what belongs to them would cross their edge: lanes of shortcuts, titles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from resnetdsl.emit.diagram.metrics import text_width
from resnetdsl.emit.diagram.model import BoxKind, Cluster, View, WireKind
from resnetdsl.emit.diagram.routes import Edges, Route
from resnetdsl.emit.diagram.sizes import FRAME, Direction, titled

_ROOM = 5.0
_NEST = 7.0
_INSET = 8.0


@dataclass(frozen=True, slots=True)
class Grown:
    """What frames are grown by: how the view is laid out, and which way its shortcuts take."""

    view: View
    bodies: Mapping[int, Edges]
    frames: Mapping[int, Edges]
    routes: Mapping[int, Route]
    direction: Direction

    def edges(self) -> dict[int, Edges]:
        """The frames by the ids of their clusters."""
        found = dict(self.frames)
        for cluster in sorted(self.view.clusters, key=lambda each: -self._depth(each)):
            inside = [found[inner.id] for inner in self.view.clusters if inner.parent == cluster.id]
            wished = _around(found[cluster.id], [_wider(edges, _NEST) for edges in inside])
            wished = _around(wished, self._lanes(cluster))
            for edges in self._with_title(cluster, wished):
                if not any(_overlap(edges, other) for other in self._outside(cluster)):
                    found[cluster.id] = edges
                    break
        return found

    def _lanes(self, cluster: Cluster) -> Iterable[Edges]:
        """The outer bends of the shortcuts that end in a cluster: across the flow only."""
        left, top, right, bottom = self.frames[cluster.id]
        for number, route in self.routes.items():
            if not self._holds(cluster, self.view.boxes[self.view.wires[number].target].cluster):
                continue
            across = [point[self.direction is Direction.RIGHT] for piece in route.pieces for point in piece]
            low, high = min(across) - _ROOM, max(across) + _ROOM
            yield (low, top, high, bottom) if self.direction is Direction.DOWN else (left, low, right, high)

    def title(self, cluster: Cluster, edges: Edges) -> float:
        """Where the title of a frame begins: at the left, or beside a wire that comes in from above there."""
        start = edges[0] + _INSET
        for line in self._entering(cluster):
            if start - 4 < line < start + self._title_width(cluster):
                start = line + 5
        return start

    def _with_title(self, cluster: Cluster, edges: Edges) -> Iterable[Edges]:
        """Wide enough for the title to stand left of the wires from above, else right of them; else as it is."""
        left, top, right, bottom = edges
        width = self._title_width(cluster)
        crossing = [line for line in self._entering(cluster) if left < line < left + width + _INSET]
        if crossing:
            yield min(crossing) - width - _INSET - 4, top, right, bottom
            yield left, top, max(right, max(crossing) + width + _INSET), bottom
        yield edges

    def _entering(self, cluster: Cluster) -> list[float]:
        """The places of wires that come into a frame through its upper edge."""
        if self.direction is Direction.RIGHT:
            return []
        found = []
        for wire in self.view.wires:
            source, target = self.view.boxes[wire.source], self.view.boxes[wire.target]
            from_above = wire.kind is WireKind.MAIN or target.kind is not BoxKind.MERGE
            if from_above and self._holds(cluster, target.cluster) and not self._holds(cluster, source.cluster):
                body = self.bodies[target.id]
                found.append((body[0] + body[2]) / 2)
        return sorted(found)

    def _title_width(self, cluster: Cluster) -> float:
        return text_width(titled(cluster.title, cluster.copies), FRAME, bold=True)

    def _outside(self, cluster: Cluster) -> Iterable[Edges]:
        """What a frame must not run into: boxes that are not in it, frames beside it."""
        for box in self.view.boxes:
            if not self._holds(cluster, box.cluster):
                yield self.bodies[box.id]
        for other in self.view.clusters:
            if other.parent == cluster.parent and other.id != cluster.id:
                yield self.frames[other.id]

    def _holds(self, cluster: Cluster, inner: int | None) -> bool:
        while inner is not None:
            if inner == cluster.id:
                return True
            inner = self.view.clusters[inner].parent
        return False

    def _depth(self, cluster: Cluster) -> int:
        depth, parent = 0, cluster.parent
        while parent is not None:
            depth, parent = depth + 1, self.view.clusters[parent].parent
        return depth


def _around(edges: Edges, others: Iterable[Edges]) -> Edges:
    left, top, right, bottom = edges
    for other in others:
        left, top, right, bottom = min(left, other[0]), min(top, other[1]), max(right, other[2]), max(bottom, other[3])
    return left, top, right, bottom


def _wider(edges: Edges, by: float) -> Edges:
    return edges[0] - by, edges[1], edges[2] + by, edges[3]


def _overlap(one: Edges, other: Edges) -> bool:
    return one[0] < other[2] and one[2] > other[0] and one[1] < other[3] and one[3] > other[1]
