"""How wide a text is: by the widths of Liberation Sans, which are those of Arial and Helvetica.

So what is measured here is what is drawn, on a page that shows any of the three and in the formats that embed the font.
"""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from pathlib import Path

FAMILY = '"Liberation Sans", Arial, Helvetica, sans-serif'
FONTS = Path(__file__).parent / "fonts"
REGULAR, BOLD = FONTS / "LiberationSans-Regular.ttf", FONTS / "LiberationSans-Bold.ttf"
_UNITS = 2048
ASCENT, DESCENT, CAPITAL = 0.905, 0.212, 0.688
"""Of the font's size: how far letters reach over and under the line, and how high a capital is."""


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Points that a text takes on a line, without kerning."""
    known = _widths("bold" if bold else "regular")
    return sum(known[char] if char in known else _unknown(char) for char in text) * size / _UNITS


def drawable(text: str) -> bool:
    """Whether the font has every character of a text."""
    known = _widths("regular")
    return all(char in known for char in text)


def _unknown(char: str) -> int:
    """Room for a character that another font will draw."""
    if unicodedata.combining(char):
        return 0
    return int(1.3 * _UNITS)


@cache
def _widths(style: str) -> dict[str, int]:
    # The table is made from the font's own; a test holds it against that.
    table = json.loads((FONTS / "widths.json").read_text(encoding="utf-8"))
    return {char: int(width) for width, chars in table[style].items() for char in chars}
