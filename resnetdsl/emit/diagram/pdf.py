"""A picture as PDF: vectors, and its texts as text in the embedded font that they were measured by."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from resnetdsl.emit.diagram.engine import INSTALL, RenderUnavailable
from resnetdsl.emit.diagram.metrics import BOLD, REGULAR, drawable
from resnetdsl.emit.diagram.picture import Circle, Curve, Ink, Picture, Point, Rect, Shape, Text

if TYPE_CHECKING:
    from fpdf import FPDF
    from fpdf.drawing import PaintedPath

_WHEN = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""The date in every file: the same picture is the same bytes on any day."""

_LARGEST = 14_400
"""Points that a side of a page may have (PDF 32000-1, annex C)."""

_ROUND = 0.5523
_LACKING = "\u25a0"


def to_pdf(picture: Picture) -> bytes:
    """A PDF of one page as large as the picture, which is made smaller beyond 200 inches. Raises RenderUnavailable."""
    try:
        from fpdf import FPDF
    except ImportError as error:
        raise RenderUnavailable(f"PDF needs fpdf2: {INSTALL}") from error
    scale = min(1.0, _LARGEST / max(picture.width, picture.height))
    pdf = FPDF(unit="pt", format=(picture.width * scale, picture.height * scale))
    pdf.set_creation_date(_WHEN)
    pdf.set_title(picture.title)
    pdf.set_producer("resnetdsl")
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.add_font("sans", "", REGULAR)
    pdf.add_font("sans", "B", BOLD)
    pdf.add_page()
    if picture.page is not None:
        _draw(pdf, Rect(0, 0, picture.width, picture.height, 0, Ink(picture.page)), scale)
    for shape in picture.shapes():
        _draw(pdf, shape, scale)
    return bytes(pdf.output())


def _draw(pdf: FPDF, shape: Shape, scale: float) -> None:
    if isinstance(shape, Text):
        _write(pdf, shape, scale)
        return
    ink = shape.ink
    with pdf.new_path(0, 0) as path:
        _trace(path, shape, scale)
        path.style.fill_color = ink.fill
        path.style.stroke_color = ink.stroke
        path.style.stroke_width = ink.width * scale
        if ink.dash:
            path.style.stroke_dash_pattern = [length * scale for length in ink.dash]
            path.style.stroke_cap_style = "round"


def _write(pdf: FPDF, text: Text, scale: float) -> None:
    shown = text.text
    if not drawable(shown):
        shown = "".join(char if drawable(char) else _LACKING for char in shown)
    pdf.set_font("sans", "B" if text.bold else "", text.size * scale)
    pdf.set_text_color(*(int(text.colour[at : at + 2], 16) for at in (1, 3, 5)))
    width = text.width if shown == text.text else pdf.get_string_width(shown) / scale
    left = text.x - {"start": 0.0, "middle": width / 2, "end": width}[text.anchor]
    pdf.text(left * scale, text.y * scale, shown)


def _trace(path: PaintedPath, shape: Rect | Circle | Curve, scale: float) -> None:
    curve = outline(shape)
    path.move_to(*_scaled(curve.start, scale))
    for piece in curve.pieces:
        if len(piece) == 1:
            path.line_to(*_scaled(piece[0], scale))
        else:
            path.curve_to(*(part for point in piece for part in _scaled(point, scale)))
    path.style.auto_close = curve.closed
    if curve.closed:
        path.close()


def outline(shape: Rect | Circle | Curve) -> Curve:
    """A shape as a curve."""
    match shape:
        case Curve():
            return shape
        case Circle(x=x, y=y, radius=radius):
            return outline(Rect(x - radius, y - radius, 2 * radius, 2 * radius, radius, shape.ink))
        case Rect(x=x, y=y, width=width, height=height):
            radius = min(shape.radius, width / 2, height / 2)
            right, bottom, inner = x + width, y + height, radius * (1 - _ROUND)
            pieces: tuple[tuple[Point, ...], ...] = (
                ((right - radius, y),),
                ((right - inner, y), (right, y + inner), (right, y + radius)),
                ((right, bottom - radius),),
                ((right, bottom - inner), (right - inner, bottom), (right - radius, bottom)),
                ((x + radius, bottom),),
                ((x + inner, bottom), (x, bottom - inner), (x, bottom - radius)),
                ((x, y + radius),),
                ((x, y + inner), (x + inner, y), (x + radius, y)),
            )
            return Curve((x + radius, y), pieces, shape.ink, closed=True)


def _scaled(point: Point, scale: float) -> Point:
    return point[0] * scale, point[1] * scale
