"""A view as Mermaid, which GitHub and many editors draw by themselves."""

from __future__ import annotations

from resnetdsl.emit.diagram.model import Box, BoxKind, Tone, View, Wire, WireKind

_CLASSES = {
    Tone.WEIGHTED: "fill:#dbeafe,stroke:#3b82f6",
    Tone.LEARNED: "fill:#ede9fe,stroke:#8b5cf6",
    Tone.RESIZING: "fill:#dcfce7,stroke:#22a35a",
    Tone.JOINING: "fill:#fef3c7,stroke:#d97706",
    Tone.PLAIN: "fill:#f1f5f9,stroke:#94a3b8",
}
_SHAPES = {
    BoxKind.INPUT: ("([", "])"),
    BoxKind.RESULT: ("([", "])"),
    BoxKind.PART: ("[", "]"),
    BoxKind.LAYER: ("(", ")"),
    BoxKind.MERGE: ("((", "))"),
}
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,_-/+=×→·…")


def to_mermaid(view: View) -> str:
    """The Mermaid text of a view."""
    title = _text(f"{view.title}: {view.doc}" if view.doc else view.title)
    lines = ["---", f'title: "{title}"', "---", "flowchart TD"]
    lines += _fill(view, None, "    ")
    shortcuts: list[int] = []
    for number, wire in enumerate(view.wires):
        lines.append(f"    {_wire(wire)}")
        if wire.kind is not WireKind.MAIN:
            shortcuts.append(number)
    for tone, style in _CLASSES.items():
        members = [f"n{box.id}" for box in view.boxes if box.tone is tone and box.kind not in _UNCOLOURED]
        if members:
            lines += [f"    classDef {tone.value} {style},color:#0f172a", f"    class {','.join(members)} {tone.value}"]
    if shortcuts:
        lines.append(f"    linkStyle {','.join(map(str, shortcuts))} stroke:#c2410c,color:#c2410c")
    return "\n".join(lines) + "\n"


_UNCOLOURED = (BoxKind.INPUT, BoxKind.RESULT)


def _fill(view: View, cluster: int | None, indent: str) -> list[str]:
    lines = [f"{indent}{_box(box)}" for box in view.boxes if box.cluster == cluster]
    for inner in view.clusters:
        if inner.parent == cluster:
            lines.append(f'{indent}subgraph c{inner.id} ["{_text(_titled(inner.title, inner.copies))}"]')
            lines += _fill(view, inner.id, f"{indent}    ")
            lines.append(f"{indent}end")
    return lines


def _box(box: Box) -> str:
    left, right = _SHAPES[box.kind]
    label = "<br/>".join(map(_text, (_titled(box.title, box.copies), *box.details)))
    return f'n{box.id}{left}"{label}"{right}'


def _wire(wire: Wire) -> str:
    arrow = "-.->" if wire.kind is WireKind.PROJECTION else "-->"
    label = "<br/>".join(_text(text) for text in (wire.label, wire.shape) if text)
    return f'n{wire.source} {arrow}|"{label}"| n{wire.target}' if label else f"n{wire.source} {arrow} n{wire.target}"


def _titled(title: str, copies: int) -> str:
    return f"{copies} × {title}" if copies > 1 else title


def _text(text: str) -> str:
    """A text in Mermaid's quotes: what could mean something becomes its number, which Mermaid turns back."""
    return "".join(char if char in _PLAIN else f"#{ord(char)};" for char in text)
