"""Networks in a notebook: how they show themselves, and the cell magic `%%rnet`.

%load_ext resnetdsl

%%rnet
network tiny {
    input 3x32x32
    conv(16, 3x3) -> batch_norm -> relu -> global_avg_pool -> linear(10)
}

binds `tiny` to a `resnetdsl.Network` and shows it. A mistake is shown in place, with its caret and help.
"""

from __future__ import annotations

import html
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resnetdsl.diagnostics.model import Diagnostic
from resnetdsl.ir.graph import CheckedGraph

if TYPE_CHECKING:
    from resnetdsl.network import Network

_HEIGHT = 560


def frame(graph: CheckedGraph) -> str:
    """The viewer in a frame of its own, from which no script reaches the notebook or the network."""
    from resnetdsl.emit.viewer import to_html

    page = html.escape(to_html(graph))
    style = f"width:100%;height:{_HEIGHT}px;border:1px solid #8884;border-radius:8px"
    title = html.escape(f"Diagram of {graph.name}")
    return f'<iframe sandbox="allow-scripts" title="{title}" style="{style}" srcdoc="{page}"></iframe>'


def picture(network: Network) -> str | None:
    """The static diagram, or None where it cannot be drawn: a notebook would show a traceback."""
    from resnetdsl.emit.diagram import DiagramTooLarge, RenderUnavailable

    for level in ("stage", "network"):
        try:
            return str(network.render(level))
        except DiagramTooLarge:
            continue
        except RenderUnavailable:
            return None
    return None


@dataclass(frozen=True)
class Problems:
    """Diagnostics that show themselves, in colour where there is any."""

    diagnostics: tuple[Diagnostic, ...]

    def __repr__(self) -> str:
        from resnetdsl.diagnostics.render.text import render_text

        return render_text(self.diagnostics).rstrip("\n")

    def _repr_html_(self) -> str:
        from resnetdsl.diagnostics.render.html import render_html

        return render_html(self.diagnostics)


def rnet(shell: Any, line: str, cell: str) -> None:
    """`%%rnet [NAME ...] [--hide]`: bind the networks of the cell, or those named, and show the last of them.

    Raises SpecError, which shows itself in place, where the cell has mistakes or no network of a name; then nothing
    is bound. Networks that need arguments are not bound.
    """
    from IPython import display

    from resnetdsl.diagnostics.model import Sink
    from resnetdsl.source import SourceFile
    from resnetdsl.spec import SpecError, parse_spec

    show: Any = display.display  # untyped there
    try:
        words = shlex.split(line)
    except ValueError as problem:
        raise SpecError(f"%%rnet {line}: {problem}") from problem
    hide = "--hide" in words
    unknown = [word for word in words if word.startswith("-") and word != "--hide"]
    if unknown:
        raise SpecError(f"%%rnet knows no option {unknown[0]}: names of networks, and --hide")
    # The magic's own line is the first of the cell, so that places are those that the notebook numbers.
    spec = parse_spec(SourceFile(f"In[{shell.execution_count}]", f"\n{cell}"), None, Sink())
    names = [word for word in words if word != "--hide"] or list(spec.networks)
    if not names:
        report = spec.check()
        raise SpecError("the cell has no network that can be built without arguments", report.errors)
    reports = [spec.check(name) for name in names]
    errors = _distinct(each for report in reports for each in report.errors)
    if errors:
        raise SpecError("the cell has mistakes", errors)
    warnings = _distinct(each for report in reports for each in report.warnings)
    found = {name: spec.network(name) for name in names}
    if warnings:
        show(Problems(warnings))
    shell.user_ns.update(found)
    if not hide:
        show(found[names[-1]])


def _distinct(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each once: networks of one cell share its definitions and so their mistakes."""
    spans = {(each.code.id, each.primary.span.start, each.primary.span.end): each for each in diagnostics}
    return tuple(spans.values())


def load(shell: Any) -> None:
    """Make `%%rnet` known to an IPython shell."""
    shell.register_magic_function(lambda line, cell: rnet(shell, line, cell), "cell", "rnet")


def unload(shell: Any) -> None:
    """Take it away again."""
    shell.magics_manager.magics["cell"].pop("rnet", None)
