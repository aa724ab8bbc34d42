"""A view as DOT. Every text in it comes from a spec, so every text is escaped."""

from __future__ import annotations

import graphviz

from resnetdsl.emit.diagram.model import Box, BoxKind, Cluster, Tone, View, Wire, WireKind

FONT = "Arial"  # the only sans-serif whose widths Graphviz knows without fonts at hand
_FILLS = {
    Tone.WEIGHTED: ("#dbeafe", "#3b82f6"),
    Tone.LEARNED: ("#ede9fe", "#8b5cf6"),
    Tone.RESIZING: ("#dcfce7", "#22a35a"),
    Tone.JOINING: ("#fef3c7", "#d97706"),
    Tone.PLAIN: ("#f1f5f9", "#94a3b8"),
}
_FRAMES = {"stage": "#f8fafc", "stem": "#f8fafc", "head": "#f8fafc"}
_SHORTCUT = "#c2410c"
_MANY = 300
_INK, _FAINT, _LINE = "#0f172a", "#64748b", "#475569"


def to_dot(view: View) -> str:
    """The DOT text of a view, the same byte for byte for the same view."""
    # Dense blocks have a wire between any two layers: there a layout good enough must do for the best one.
    hasty = {"nslimit": "1", "mclimit": "0.3"} if len(view.wires) > _MANY else {}
    dot = graphviz.Digraph(
        "network",
        graph_attr={
            "rankdir": "TB",
            "fontname": FONT,
            "fontsize": "13",
            "fontcolor": _INK,
            "nodesep": "0.35",
            "ranksep": "0.32",
            "labelloc": "b",
            "label": _label([view.title, view.doc]),
            **hasty,
        },
        node_attr={
            "shape": "box",
            "style": "rounded,filled",
            "fontname": FONT,
            "fontsize": "12",
            "fontcolor": _INK,
            "margin": "0.18,0.07",
            "height": "0.3",
        },
        edge_attr={"fontname": FONT, "fontsize": "10", "fontcolor": _FAINT, "color": _LINE, "arrowsize": "0.6"},
    )
    _fill(dot, view, None)
    for wire in view.wires:
        # A result stands aside: the way on to the next layer is the one to keep straight.
        aside = view.boxes[wire.target].kind is BoxKind.RESULT
        dot.edge(_name(wire.source), _name(wire.target), **_wire(wire, weight="1" if aside else "8"))
    return str(dot.source)


def _fill(dot: graphviz.Digraph, view: View, cluster: int | None) -> None:
    """The boxes of a cluster and the clusters in it, by the order of their first boxes."""
    for box in view.boxes:
        if box.cluster == cluster:
            dot.node(_name(box.id), **_box(box))
    for inner in view.clusters:
        if inner.parent == cluster:
            with dot.subgraph(name=f"cluster{inner.id}", graph_attr=_frame(inner)) as frame:
                _fill(frame, view, inner.id)


def _box(box: Box) -> dict[str, str]:
    fill, line = _FILLS[box.tone]
    attrs = {"label": _label([_titled(box.title, box.copies), *box.details]), "fillcolor": fill, "color": line}
    attrs["class"] = f"{box.kind.value} {box.tone.value}"
    match box.kind:
        case BoxKind.INPUT | BoxKind.RESULT:
            attrs |= {"style": "filled", "shape": "box", "fillcolor": "#ffffff", "color": _LINE}
        case BoxKind.MERGE:
            attrs |= {"shape": "circle", "style": "filled", "fixedsize": "true", "width": "0.26", "height": "0.26"}
        case BoxKind.PART if box.copies > 1:
            attrs |= {"peripheries": "2"}
        case BoxKind.PART | BoxKind.LAYER:
            pass
    return attrs


def _frame(cluster: Cluster) -> dict[str, str]:
    outer = cluster.style in _FRAMES
    return {
        "label": _label([_titled(cluster.title, cluster.copies)]),
        "labelloc": "t",
        "labeljust": "l",
        "fontsize": "12",
        "fontcolor": _INK if outer or cluster.copies > 1 else _FAINT,
        "style": "rounded,filled" if outer else "rounded,dashed" if cluster.copies == 1 else "rounded",
        "fillcolor": _FRAMES.get(cluster.style, "#ffffff"),
        "color": "#cbd5e1" if cluster.copies == 1 else _LINE,
        "class": cluster.style,
        "margin": "10",
    }


def _wire(wire: Wire, weight: str) -> dict[str, str]:
    texts = [text for text in (wire.label, wire.shape) if text]
    attrs = {"label": _label([f" {text} " for text in texts])} if texts else {}
    if wire.kind is WireKind.MAIN:
        return {**attrs, "weight": weight, "class": wire.kind.value}
    style = "solid" if wire.kind is WireKind.IDENTITY else "dotted"
    shortcut = {"color": _SHORTCUT, "fontcolor": _SHORTCUT, "penwidth": "1.4", "style": style, "class": wire.kind.value}
    return {**attrs, **shortcut}


def _titled(title: str, copies: int) -> str:
    return f"{copies} × {title}" if copies > 1 else title


def _name(id: int) -> str:
    return f"n{id}"


def _label(lines: list[str]) -> str:
    r"""Lines as one label. Backslashes are escaped, so none of `\N`, `\G`, `\l` is read; nothing is taken for HTML."""
    # Its type says that a label such as `<b>` is no HTML: a plain str would lose that.
    label: str = graphviz.nohtml("\\n".join(_entities(graphviz.escape(text)) for text in lines if text))
    return label


def _entities(text: str) -> str:
    """`&lt;` in a name is these four characters: DOT would turn it into one."""
    return text.replace("&", "&amp;")
