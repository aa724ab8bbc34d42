"""A picture as PNG, by resvg; with the font that its texts were measured by."""

from __future__ import annotations

import struct
import zlib

from resnetdsl.emit.diagram.engine import INSTALL, RenderUnavailable
from resnetdsl.emit.diagram.layout import DiagramTooLarge
from resnetdsl.emit.diagram.metrics import BOLD, REGULAR, drawable
from resnetdsl.emit.diagram.picture import Picture, Text
from resnetdsl.emit.diagram.svg import to_svg

POINTS_PER_INCH = 72
MOST_PIXELS = 150_000_000
_HEADER = 33
"""Bytes of a PNG before what may follow its first chunk."""


def to_png(picture: Picture, scale: float = 2.0) -> bytes:
    """A PNG with so many pixels a point (300 / 72 for 300 dpi). Raises RenderUnavailable and DiagramTooLarge."""
    try:
        import resvg_py
    except ImportError as error:
        raise RenderUnavailable(f"PNG needs resvg: {INSTALL}") from error
    if picture.width * picture.height * scale**2 > MOST_PIXELS:
        most = (MOST_PIXELS / (picture.width * picture.height)) ** 0.5
        raise DiagramTooLarge(
            f"that is more than {MOST_PIXELS // 10**6} million pixels: at most {most:.2g} a point fit"
        )
    # What our font lacks, another has to draw: only then is the result another on another machine.
    foreign = any(isinstance(shape, Text) and not drawable(shape.text) for shape in picture.shapes())
    data = resvg_py.svg_to_bytes(
        svg_string=to_svg(picture),
        dpi=POINTS_PER_INCH,
        zoom=scale,
        skip_system_fonts=not foreign,
        font_files=[str(REGULAR), str(BOLD)],
        font_family="Liberation Sans",
        sans_serif_family="Liberation Sans",
    )
    return _with_density(bytes(data), scale)


def _with_density(data: bytes, scale: float) -> bytes:
    """A PNG that tells its pixels per metre (chunk pHYs), so that it comes out at its size in a document."""
    per_metre = round(scale * POINTS_PER_INCH / 0.0254)
    chunk = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    whole = struct.pack(">I", 9) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[:_HEADER] + whole + data[_HEADER:]
