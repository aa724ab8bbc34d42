"""A view in columns, so that a long network fits a page: where it is cut, a letter in a circle leads on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from resnetdsl.emit.diagram.model import Box, BoxKind, Tone, View, Wire, WireKind
from resnetdsl.emit.diagram.sizes import body

_BETWEEN, _FRAME = 24.0, 36.0


def split(view: View, count: int) -> list[View]:
    """So many views of about one length, or fewer where there is not so much to cut apart. Stages stay whole."""
    items = _items(view)
    cuts = _cuts([length for _, length in items], min(count, len(items)))
    column = {
        box: at for at, (start, end) in enumerate(pairwise(cuts)) for boxes, _ in items[start:end] for box in boxes
    }
    for wire in view.wires:  # a result stands with what it is taken from
        if view.boxes[wire.target].kind is BoxKind.RESULT:
            column[wire.target] = column[wire.source]
    crossing = [wire for wire in view.wires if column[wire.source] != column[wire.target]]
    letters = {source: _letter(at) for at, source in enumerate(dict.fromkeys(wire.source for wire in crossing))}
    return [_part(view, column, letters, at) for at in range(len(cuts) - 1)]


def _items(view: View) -> list[tuple[list[int], float]]:
    """What stands at the top level, in order: the boxes of each thing, and about how long it is."""
    found: dict[tuple[bool, int], list[int]] = {}
    for box in view.boxes:
        if box.kind is not BoxKind.RESULT:
            top = box.cluster
            while top is not None and (parent := view.clusters[top].parent) is not None:
                top = parent
            found.setdefault((top is None, box.id if top is None else top), []).append(box.id)
    frames = {key: 0.0 if key[0] else _FRAME for key in found}
    return [
        (boxes, frames[key] + sum(body(view.boxes[box])[1] + _BETWEEN for box in boxes)) for key, boxes in found.items()
    ]


def _cuts(lengths: Sequence[float], count: int) -> list[int]:
    """Where to cut a row into so many parts that the longest is as short as can be: the places, both ends too."""
    sums = [0.0]
    for length in lengths:
        sums.append(sums[-1] + length)
    best = {0: (0.0, [0])}  # for each place: the longest part so far, and the cuts
    for _ in range(count):
        best = {
            end: min(
                (max(longest, sums[end] - sums[start]), [*cuts, end])
                for start, (longest, cuts) in best.items()
                if start < end
            )
            for end in range(1, len(sums))
            if any(start < end for start in best)
        }
    return best[len(lengths)][1]


def _part(view: View, column: dict[int, int], letters: dict[int, str], at: int) -> View:
    """One column: its boxes, and a letter for each tensor that comes into it or leads on from it."""
    boxes: list[Box] = []
    place: dict[int, int] = {}
    comes = {wire.source for wire in view.wires if column[wire.target] == at != column[wire.source]}
    goes = {wire.source for wire in view.wires if column[wire.source] == at != column[wire.target]}
    kept = sorted({_top for box in view.boxes if column[box.id] == at for _top in _frames(view, box)})
    frame = {old: new for new, old in enumerate(kept)}

    def link(source: int, name: str) -> int:
        key, about = f"{name} {letters[source]}", view.boxes[source].about
        boxes.append(Box(len(boxes), key, BoxKind.LINK, Tone.PLAIN, letters[source], (), 1, None, about))
        return len(boxes) - 1

    inward = {source: link(source, "from") for source in sorted(comes)}
    for box in view.boxes:
        if column[box.id] == at:
            place[box.id] = len(boxes)
            boxes.append(replace(box, id=len(boxes), cluster=None if box.cluster is None else frame[box.cluster]))
    outward = {source: link(source, "to") for source in sorted(goes)}
    wires: list[Wire] = []
    shapes = {wire.source: wire.shape for wire in reversed(view.wires) if wire.shape}
    for wire in view.wires:
        if column[wire.target] == at:
            inside = column[wire.source] == at
            source = place[wire.source] if inside else inward[wire.source]
            wires.append(replace(wire, source=source, target=place[wire.target], shape=wire.shape if inside else ""))
    wires += [
        Wire(place[source], target, WireKind.MAIN, "", shapes.get(source, "")) for source, target in outward.items()
    ]
    clusters = tuple(
        replace(cluster, id=frame[cluster.id], parent=None if cluster.parent is None else frame[cluster.parent])
        for cluster in view.clusters
        if cluster.id in frame
    )
    return replace(view, boxes=tuple(boxes), clusters=clusters, wires=tuple(wires))


def _frames(view: View, box: Box) -> list[int]:
    """The clusters that a box is in."""
    found = []
    at = box.cluster
    while at is not None:
        found.append(at)
        at = view.clusters[at].parent
    return found


def _letter(number: int) -> str:
    """A, B, ... Z, A1, B1, ..."""
    return chr(ord("A") + number % 26) + (str(number // 26) if number >= 26 else "")
