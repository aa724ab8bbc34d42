"""A view as DOT. Every text in it comes from a spec, so every text is escaped."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import graphviz

from resnetdsl.emit.diagram.metrics import text_width
from resnetdsl.emit.diagram.model import Box, BoxKind, Cluster, View, Wire, WireKind
from resnetdsl.emit.diagram.sizes import FRAME, TITLE, WIRE, Direction, body, lines, room, titled
from resnetdsl.emit.diagram.theme import Theme, shipped_theme

FONT = "Arial"  # the only sans-serif whose widths Graphviz knows without fonts at hand
OUTER = ("stage", "stem", "head")
_MANY = 300
_GAP = 10.0
_INCH = 72

_Thing = TypeVar("_Thing")
_Attrs = Callable[[_Thing], dict[str, str]]


def to_dot(view: View, theme: Theme | None = None, direction: Direction = Direction.DOWN) -> str:
    """The DOT text of a view, the same byte for byte for the same view. Boxes have the size of their measured text."""
    theme = theme or shipped_theme("light")
    dot = _graph(view, direction, {"label": _label([view.title, view.doc]), "labelloc": "b", "bgcolor": theme.page})
    dot.node_attr |= {"fontcolor": theme.ink, "style": "rounded,filled"}
    dot.edge_attr |= {"fontcolor": theme.faint, "color": theme.wire}

    def node(box: Box) -> dict[str, str]:
        tint = theme.input if box.kind in (BoxKind.INPUT, BoxKind.RESULT) else getattr(theme, box.tone.value)
        text = ["+"] if box.kind is BoxKind.MERGE else [line.text for line in lines(box)]
        attrs = {"label": _label(text), "fillcolor": tint.fill, "color": tint.line, **_size(*body(box))}
        attrs["class"] = f"{box.kind.value} {box.tone.value}"
        match box.kind:
            case BoxKind.MERGE:
                more = {"xlabel": _label(list(box.details))} if box.details else {}
                attrs |= {"shape": "circle", "style": "filled", **more}
            case BoxKind.PART if box.copies > 1:
                attrs |= {"peripheries": "2"}
            case BoxKind.INPUT | BoxKind.RESULT | BoxKind.LINK | BoxKind.PART | BoxKind.LAYER:
                pass
        return attrs

    def frame(cluster: Cluster) -> dict[str, str]:
        tint = theme.frame if cluster.style in OUTER else theme.block
        style = "rounded,filled" if cluster.style in OUTER or cluster.copies > 1 else "rounded,filled,dashed"
        return {"style": style, "fillcolor": tint.fill, "color": tint.line, "fontcolor": theme.ink}

    for_wire = {
        WireKind.MAIN: {},
        WireKind.IDENTITY: {"color": theme.identity, "fontcolor": theme.identity, "penwidth": "1.4"},
        WireKind.PROJECTION: {
            "color": theme.projection,
            "fontcolor": theme.projection,
            "penwidth": "1.4",
            "style": "dotted",
        },
    }

    def edge(wire: Wire) -> dict[str, str]:
        texts = [text for text in (wire.label, wire.shape) if text]
        label = {"label": _label([f" {text} " for text in texts])} if texts else {}
        return {**label, **for_wire[wire.kind], "class": wire.kind.value}

    return _fill(dot, view, node, frame, edge)


def skeleton(view: View, direction: Direction) -> str:
    """DOT with no more than a layout needs: sizes instead of texts, and room for the names of shortcuts."""
    right = direction is Direction.RIGHT
    along = max([_GAP, *(text_width(wire.shape, WIRE) for wire in view.wires)]) + 14 if right else _GAP + 10
    # Ranked as a whole: clusters ranked one by one may end up side by side.
    dot = _graph(
        view,
        direction,
        {
            "ranksep": _inches(along / 2 if right else along),
            "nodesep": "0.25",
            "newrank": "true",
        },
    )
    forks = {wire.source for wire in view.wires if wire.kind is not WireKind.MAIN}
    chains = _chains(view)

    def node(box: Box) -> dict[str, str]:
        # Wires out of a box in the order given here: the branch, and the shortcut at its right (or below it).
        order = {"ordering": "out"} if box.id in forks else {}
        return {"label": "", "group": f"g{chains[box.id]}", **_size(*room(box, direction)), **order}

    def edge(wire: Wire) -> dict[str, str]:
        # A shape beside a wire that leaves a frame needs room behind its edge. To the right it needs that between the
        # edges of two frames, and ranks are half a gap there, so that it can be half a gap more.
        source, target = view.boxes[wire.source], view.boxes[wire.target]
        leaves = wire.shape and source.cluster is not None and target.cluster is None
        if right:
            return {"minlen": "3" if wire.shape and source.cluster != target.cluster else "2"}
        return {"minlen": "2"} if leaves else {}

    # The names of wires need no room of their own: they stand where their wires leave some.
    return _fill(dot, view, node, lambda cluster: {}, edge, swapped=direction is Direction.RIGHT)


def _chains(view: View) -> dict[int, int]:
    """For each box the first of the chain of main wires that it is in, the longest first: those are to be straight."""
    following: dict[int, list[int]] = {}
    for wire in view.wires:
        if wire.kind is WireKind.MAIN and view.boxes[wire.target].kind is not BoxKind.RESULT:
            following.setdefault(wire.source, []).append(wire.target)
    length: dict[int, int] = {}
    for box in reversed(view.boxes):
        length[box.id] = 1 + max((length.get(target, 0) for target in following.get(box.id, ())), default=0)
    found: dict[int, int] = {}
    for box in view.boxes:
        at: int | None = box.id
        while at is not None and at not in found:
            found[at] = box.id
            free = [target for target in following.get(at, ()) if target not in found]
            at = max(free, key=lambda target: length[target], default=None)
    return found


def _graph(view: View, direction: Direction, more: dict[str, str]) -> graphviz.Digraph:
    # Dense blocks have a wire between any two layers: there a layout good enough must do for the best one.
    hasty = {"nslimit": "1", "mclimit": "0.3"} if len(view.wires) > _MANY else {}
    font = {"fontname": FONT}
    return graphviz.Digraph(
        "network",
        graph_attr={"rankdir": direction.value, **font, "nodesep": "0.35", "ranksep": "0.32", **more, **hasty},
        node_attr={"shape": "box", **font, "fontsize": f"{TITLE:g}", "fixedsize": "true"},
        edge_attr={**font, "fontsize": f"{WIRE:g}", "arrowsize": "0.6"},
    )


def _fill(
    dot: graphviz.Digraph,
    view: View,
    node: _Attrs[Box],
    frame: _Attrs[Cluster],
    edge: _Attrs[Wire],
    swapped: bool = False,
) -> str:
    """All boxes in their clusters, by the order of their first boxes, and the wires; `swapped`, shortcuts first."""

    def inside(around: graphviz.Digraph, cluster: int | None) -> None:
        for box in view.boxes:
            if box.cluster == cluster:
                around.node(_name(box.id), **node(box))
        for inner in view.clusters:
            if inner.parent == cluster:
                label = _label([titled(inner.title, inner.copies)])
                attrs = {"label": label, "labelloc": "t", "labeljust": "l", "fontsize": f"{FRAME:g}", "margin": "11"}
                attrs |= {**frame(inner), "class": inner.style}
                with around.subgraph(name=f"cluster{inner.id}", graph_attr=attrs) as part:
                    inside(part, inner.id)

    inside(dot, None)
    order = sorted(enumerate(view.wires), key=lambda each: swapped and each[1].kind is WireKind.MAIN)
    chains = _chains(view)
    last: dict[int, int] = {}  # of each chain the box that the next wire may lead on from
    for box in view.boxes:
        last.setdefault(chains[box.id], box.id)
    for number, wire in order:
        # What leads on to the next layer is the one to keep straight; a result or a bypass stands aside.
        chain = chains[wire.source]
        onward = wire.kind is WireKind.MAIN and chains[wire.target] == chain and last[chain] == wire.source
        if onward:
            last[chain] = wire.target
        weight = {"weight": "8" if onward else "1"} if wire.kind is WireKind.MAIN else {}
        dot.edge(_name(wire.source), _name(wire.target), **edge(wire), **weight, id=f"w{number}")
    return str(dot.source)


def _size(width: float, height: float) -> dict[str, str]:
    return {"width": _inches(width), "height": _inches(height)}


def _inches(points: float) -> str:
    return f"{points / _INCH:.3f}"


def _name(id: int) -> str:
    return f"n{id}"


def _label(shown: list[str]) -> str:
    r"""Lines as one label. Backslashes are escaped, so none of `\N`, `\G`, `\l` is read; nothing is taken for HTML."""
    # Its type says that a label such as `<b>` is no HTML: a plain str would lose that.
    label: str = graphviz.nohtml("\\n".join(_entities(graphviz.escape(text)) for text in shown if text))
    return label


def _entities(text: str) -> str:
    """`&lt;` in a name is these four characters: DOT would turn it into one."""
    return text.replace("&", "&amp;")
