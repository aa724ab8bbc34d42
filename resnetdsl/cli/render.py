"""Draw a network."""

from __future__ import annotations

import argparse
from pathlib import Path

from resnetdsl.cli.output import UsageError, say, write
from resnetdsl.cli.specs import add_spec, network

NAME = "render"
HELP = "draw a network as SVG, DOT, Mermaid or an interactive page"
FORMATS = ("svg", "dot", "mermaid", "html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_spec(parser)
    parser.add_argument("--level", choices=("network", "stage", "block", "op"), default="stage", help="how far to open")
    parser.add_argument("--format", choices=FORMATS, help="by default what the output's name says, else svg")
    parser.add_argument(
        "--engine", choices=("wasm", "dot"), default="wasm", help="the built-in Graphviz, or the system's"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write; standard output by default")


def run(args: argparse.Namespace) -> int:
    from resnetdsl.emit.diagram import DiagramTooLarge, RenderUnavailable, to_dot, to_mermaid, to_svg, view
    from resnetdsl.emit.outline import Level

    form = args.format or _by_name(args.output)
    if form == "html":
        from resnetdsl.emit.viewer import to_html

        return _written(args, to_html(network(args).checked, Level(args.level)))
    drawing = view(network(args).checked, Level(args.level))
    try:
        match form:
            case "dot":
                text = to_dot(drawing)
            case "mermaid":
                text = to_mermaid(drawing)
            case _:
                text = to_svg(drawing, args.engine)
    except (RenderUnavailable, DiagramTooLarge) as problem:
        raise UsageError(str(problem), kind="render") from problem
    return _written(args, text)


def _written(args: argparse.Namespace, text: str) -> int:
    write(args.output, text)
    if args.output not in (None, "-"):
        say(args, f"wrote {args.output}")
    return 0


def _by_name(output: str | None) -> str:
    suffix = Path(output).suffix if output else ".svg"
    known = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid", ".html": "html"}
    if output == "-":
        return "svg"
    if suffix not in known:
        raise UsageError(f"no format goes by the name `{output}`", f"end it in {', '.join(known)}, or say --format")
    return known[suffix]
