"""Diagnostics as HTML that stands alone in a notebook: the drawing of the terminal, with colours for light and dark."""

from __future__ import annotations

import html
from collections.abc import Sequence

from resnetdsl.diagnostics.model import Diagnostic
from resnetdsl.diagnostics.render.paint import Row, Style
from resnetdsl.diagnostics.render.text import rows

# Colours that can be read on white and on black.
_STYLES = {
    Style.STRONG: "font-weight:600",
    Style.ERROR: "font-weight:600;color:#e5484d",
    Style.WARNING: "font-weight:600;color:#b7791f",
    Style.SECONDARY: "color:#3b82f6",
    Style.GUTTER: "color:#3b82f6",
    Style.HELP: "font-weight:600;color:#0e9aa7",
}
_PRE = "line-height:1.35;overflow-x:auto;white-space:pre;margin:0.4em 0"


def render_html(diagnostics: Sequence[Diagnostic], width: int = 100) -> str:
    """All diagnostics, in the order given. Text of a spec is escaped; there is no script and no class in it."""
    drawn = ("\n".join(_row(row) for row in rows(each, width)) for each in diagnostics)
    return "".join(f'<pre style="{_PRE}">{text}</pre>\n' for text in drawn)


def _row(row: Row) -> str:
    return "".join(
        html.escape(text) if style is Style.PLAIN else f'<span style="{_STYLES[style]}">{html.escape(text)}</span>'
        for text, style in row.pieces
    )
