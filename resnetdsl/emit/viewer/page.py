"""The viewer as one HTML file that needs no network: styles, scripts, the layout engine and the data of a network.

Nothing that comes from a spec is ever markup or script: it is JSON in an inert block, which the page's scripts put
into the document as text. A Content-Security-Policy names the page's own scripts by their hashes and allows no other,
and no connection at all.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from resnetdsl.emit.outline import Level
from resnetdsl.emit.viewer.document import Plain, document
from resnetdsl.emit.words import printable
from resnetdsl.ir.graph import CheckedGraph

_ASSETS = Path(__file__).resolve().parent / "assets"
_SCRIPTS = ("model.js", "shown.js", "layout.js", "draw.js", "camera.js", "panels.js", "app.js")
_NOTICE = (
    "Layout by elkjs 0.12.1 (https://github.com/kieler/elkjs), Copyright (c) Kiel University and others, "
    "under the Eclipse Public License 2.0 (https://www.eclipse.org/legal/epl-2.0)."
)


def to_html(graph: CheckedGraph, level: Level = Level.STAGE, opened: Iterable[str] = ()) -> str:
    """The page of a network, opened to a level and at some paths beyond it. The same bytes for the same arguments.

    Raises UnknownPart for a path that no part has.
    """
    return page(printable(graph.name), document(graph, level, opened))


def page(title: str, data: Plain | None, *, live: bool = False) -> str:
    """The page with data in it; a live one has none, and asks the server that it came from."""
    scripts = [_asset("vendor/elk-api.js"), _script(live)]
    style = _asset("viewer.css")
    policy = content_policy(live)
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en" data-theme="auto">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        '<link rel="icon" href="data:,">',
        f"<title>{html.escape(title)}</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        f"<!-- {_NOTICE} -->",
        _asset("page.html").rstrip(),
        f'<script type="application/json" id="data">{inert(data)}</script>',
        f'<script type="application/octet-stream" id="elk-worker">{_engine()}</script>',
        *(f"<script>{script}</script>" for script in scripts),
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def content_policy(live: bool = False) -> str:
    """What the page may do: its own scripts and style by their hashes, the layout in a worker made of a blob."""
    scripts = " ".join(_digest(text) for text in (_asset("vendor/elk-api.js"), _script(live)))
    rules = [
        "default-src 'none'",
        f"script-src {scripts}",
        f"style-src {_digest(_asset('viewer.css'))}",
        "worker-src blob:",
        "img-src data:",
        "connect-src 'self'" if live else "connect-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(rules)


def inert(data: object) -> str:
    """JSON that can stand in a script element: no tag can begin or end in it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A lone surrogate is no text that UTF-8 can carry.
    safe = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return safe.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


@cache
def _script(live: bool) -> str:
    """The scripts as one, in a scope of their own."""
    names = (*_SCRIPTS, "live.js") if live else _SCRIPTS
    body = "\n".join(_asset(name) for name in names)
    return f'"use strict";\n(() => {{\n{body}}})();\n'


@cache
def _engine() -> str:
    return base64.b64encode((_ASSETS / "vendor" / "elk-worker.min.js.gz").read_bytes()).decode("ascii")


@cache
def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
