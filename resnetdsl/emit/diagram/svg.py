"""A picture as SVG: self-contained, without scripts."""

from __future__ import annotations

import html

from resnetdsl.emit.diagram.metrics import FAMILY
from resnetdsl.emit.diagram.picture import Circle, Curve, Group, Ink, Picture, Point, Rect, Shape, Text


def to_svg(picture: Picture) -> str:
    """The SVG text of a picture; a unit is a point."""
    width, height = number(picture.width), number(picture.height)
    family = html.escape(FAMILY, quote=True)
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="{height}pt" viewBox="0 0 {width} {height}" '
        f'font-family="{family}" style="font-kerning:none" role="img">'
    )
    lines = [root, f"<title>{_text(picture.title)}</title>"]
    if picture.doc:
        lines.append(f"<desc>{_text(picture.doc)}</desc>")
    if picture.page is not None:
        lines.append(f'<rect width="{width}" height="{height}" fill="{picture.page}"/>')
    for group in picture.groups:
        lines += _group(group)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _group(group: Group) -> list[str]:
    title = [f"<title>{_text(group.note)}</title>"] if group.note else []
    return [f'<g id="{group.id}" class="{group.classes}">', *title, *map(_shape, group.shapes), "</g>"]


def _shape(shape: Shape) -> str:
    match shape:
        case Rect(x=x, y=y, width=width, height=height, radius=radius):
            place = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
            return f'<rect {place} rx="{number(radius)}"{_ink(shape.ink)}/>'
        case Circle(x=x, y=y, radius=radius):
            return f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"{_ink(shape.ink)}/>'
        case Curve():
            return f'<path d="{_path(shape)}"{_ink(shape.ink)}/>'
        case Text(x=x, y=y, text=text, size=size, colour=colour):
            anchor = f' text-anchor="{shape.anchor}"' if shape.anchor != "start" else ""
            weight = ' font-weight="700"' if shape.bold else ""
            place = f'x="{number(x)}" y="{number(y)}"'
            return f'<text {place} font-size="{number(size)}"{weight}{anchor} fill="{colour}">{_text(text)}</text>'


def _path(curve: Curve) -> str:
    parts = [f"M{_point(curve.start)}"]
    parts += [("L" if len(piece) == 1 else "C") + " ".join(map(_point, piece)) for piece in curve.pieces]
    return "".join(parts) + ("Z" if curve.closed else "")


def _point(point: Point) -> str:
    return f"{number(point[0])},{number(point[1])}"


def _ink(ink: Ink) -> str:
    text = f' fill="{ink.fill or "none"}"'
    if ink.stroke is not None:
        text += f' stroke="{ink.stroke}" stroke-width="{number(ink.width)}"'
    if ink.dash:
        text += f' stroke-dasharray="{" ".join(map(number, ink.dash))}" stroke-linecap="round"'
    return text


def number(value: float) -> str:
    """Two digits are a hundredth of a point: more only make files long."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _text(text: str) -> str:
    return html.escape(text, quote=False)
