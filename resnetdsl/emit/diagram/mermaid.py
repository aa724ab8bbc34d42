"""A view as Mermaid, which GitHub and many editors draw by themselves."""

from __future__ import annotations

from resnetdsl.emit.diagram.model import Box, BoxKind, Tone, View, Wire, WireKind
from resnetdsl.emit.diagram.sizes import Direction, titled
from resnetdsl.emit.diagram.theme import Theme, Tint, shipped_theme

_SHAPES = {
    BoxKind.INPUT: ("([", "])"),
    BoxKind.RESULT: ("([", "])"),
    BoxKind.PART: ("[", "]"),
    BoxKind.LAYER: ("(", ")"),
    BoxKind.MERGE: ("((", "))"),
    BoxKind.LINK: ("((", "))"),
}
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,_-/+=×→·…")


def to_mermaid(view: View, theme: Theme | None = None, direction: Direction = Direction.DOWN) -> str:
    """The Mermaid text of a view."""
    theme = theme or shipped_theme("light")
    title = _text(f"{view.title}: {view.doc}" if view.doc else view.title)
    lines = ["---", f'title: "{title}"', "---", f"flowchart {'TD' if direction is Direction.DOWN else 'LR'}"]
    lines += _fill(view, None, "    ")
    shortcuts: list[int] = []
    for number, wire in enumerate(view.wires):
        lines.append(f"    {_wire(wire)}")
        if wire.kind is not WireKind.MAIN:
            shortcuts.append(number)
    for tone in Tone:
        tint: Tint = getattr(theme, tone.value)
        style = f"fill:{tint.fill},stroke:{tint.line},color:{theme.ink}"
        members = [f"n{box.id}" for box in view.boxes if box.tone is tone and box.kind not in _UNCOLOURED]
        if members:
            lines += [f"    classDef {tone.value} {style}", f"    class {','.join(members)} {tone.value}"]
    if shortcuts:
        lines.append(f"    linkStyle {','.join(map(str, shortcuts))} stroke:{theme.identity},color:{theme.identity}")
    return "\n".join(lines) + "\n"


_UNCOLOURED = (BoxKind.INPUT, BoxKind.RESULT)


def _fill(view: View, cluster: int | None, indent: str) -> list[str]:
    lines = [f"{indent}{_box(box)}" for box in view.boxes if box.cluster == cluster]
    for inner in view.clusters:
        if inner.parent == cluster:
            lines.append(f'{indent}subgraph c{inner.id} ["{_text(titled(inner.title, inner.copies))}"]')
            lines += _fill(view, inner.id, f"{indent}    ")
            lines.append(f"{indent}end")
    return lines


def _box(box: Box) -> str:
    left, right = _SHAPES[box.kind]
    label = "<br/>".join(map(_text, (titled(box.title, box.copies), *box.details)))
    return f'n{box.id}{left}"{label}"{right}'


def _wire(wire: Wire) -> str:
    arrow = "-.->" if wire.kind is WireKind.PROJECTION else "-->"
    label = "<br/>".join(_text(text) for text in (wire.label, wire.shape) if text)
    return f'n{wire.source} {arrow}|"{label}"| n{wire.target}' if label else f"n{wire.source} {arrow} n{wire.target}"


def _text(text: str) -> str:
    """A text in Mermaid's quotes: what could mean something becomes its number, which Mermaid turns back."""
    return "".join(char if char in _PLAIN else f"#{ord(char)};" for char in text)
