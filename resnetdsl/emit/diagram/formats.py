"""The formats that a picture or a view is written in, by name."""

from __future__ import annotations

from resnetdsl.emit.diagram.beside import draw_columns
from resnetdsl.emit.diagram.dot import to_dot
from resnetdsl.emit.diagram.draw import draw
from resnetdsl.emit.diagram.engine import Engine
from resnetdsl.emit.diagram.mermaid import to_mermaid
from resnetdsl.emit.diagram.model import View
from resnetdsl.emit.diagram.pdf import to_pdf
from resnetdsl.emit.diagram.picture import Picture
from resnetdsl.emit.diagram.png import to_png
from resnetdsl.emit.diagram.sizes import Direction
from resnetdsl.emit.diagram.svg import to_svg
from resnetdsl.emit.diagram.theme import Theme
from resnetdsl.emit.diagram.tikz import to_latex, to_tikz

PICTURES = ("svg", "png", "pdf", "latex", "tikz")
"""Formats of a picture, which is laid out."""

SOURCES = ("dot", "mermaid")
"""Formats that are laid out by whoever shows them."""

SUFFIXES = {
    ".svg": "svg",
    ".png": "png",
    ".pdf": "pdf",
    ".tex": "latex",
    ".tikz": "tikz",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
}


def encode(picture: Picture, form: str, scale: float = 2.0) -> str | bytes:
    """A picture in one of PICTURES; `scale` is a PNG's pixels a point. Raises ValueError for another name."""
    match form:
        case "svg":
            return to_svg(picture)
        case "png":
            return to_png(picture, scale)
        case "pdf":
            return to_pdf(picture)
        case "latex":
            return to_latex(picture)
        case "tikz":
            return to_tikz(picture)
        case _:
            raise ValueError(f"`{form}` is none of the formats of a picture: {', '.join(PICTURES)}")


def encode_view(
    view: View,
    form: str,
    theme: Theme,
    direction: Direction = Direction.DOWN,
    engine: Engine = "wasm",
    *,
    scale: float = 2.0,
    caption: bool = True,
    columns: int | None = None,
) -> str | bytes:
    """A view in one of PICTURES or SOURCES, a picture in so many columns. Raises ValueError, and as `draw` does."""
    if columns is not None and (columns < 1 or form not in PICTURES):
        raise ValueError(f"{columns} columns are for none but a picture ({', '.join(PICTURES)}), and at least one")
    if form == "dot":
        return to_dot(view, theme, direction)
    if form == "mermaid":
        return to_mermaid(view, theme, direction)
    if form in PICTURES and columns is not None:
        return encode(draw_columns(view, columns, theme, direction, engine, caption=caption), form, scale)
    if form in PICTURES:
        return encode(draw(view, theme, direction, engine, caption=caption), form, scale)
    raise ValueError(f"`{form}` is none of the formats of a diagram: {', '.join((*PICTURES, *SOURCES))}")
