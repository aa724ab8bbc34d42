"""The table of a network: shapes, parameters, multiply-accumulates, memory, receptive field."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from resnetdsl.cli.output import UsageError, say, width, write, write_file
from resnetdsl.cli.specs import add_spec, network

NAME = "summary"
HELP = "the table of layers with shapes, parameters, MACs, memory and receptive field"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_spec(parser)
    parser.add_argument("--level", choices=("network", "stage", "block", "op"), default="block", help="how far to open")
    parser.add_argument("--format", choices=("text", "json", "markdown", "csv"), default="text")
    parser.add_argument(
        "--plot",
        metavar="FILE",
        help="draw parameters, MACs, memory and receptive field along the depth instead: .svg, .png, .pdf or .tex",
    )
    parser.add_argument("--theme", metavar="NAME|FILE", default="light", help="of the plot: light, dark, paper, ...")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write; standard output by default")


def run(args: argparse.Namespace) -> int:
    if args.plot is not None:
        return _plot(args)
    from resnetdsl.emit.outline import Level
    from resnetdsl.emit.summary import as_csv, as_json, as_markdown, as_text, summarise

    found = summarise(network(args).checked, Level(args.level))
    match args.format:
        case "json":
            text = as_json(found)
        case "markdown":
            text = as_markdown(found)
        case "csv":
            text = as_csv(found)
        case _:
            text = as_text(found, width() if args.output in (None, "-") and sys.stdout.isatty() else None)
    write(args.output, text)
    if args.output not in (None, "-"):
        say(args, f"wrote {args.output}")
    return 0


def _plot(args: argparse.Namespace) -> int:
    from resnetdsl.emit.diagram import DiagramTooLarge, RenderUnavailable, ThemeError, find_theme
    from resnetdsl.emit.diagram.formats import PICTURES, SUFFIXES, encode
    from resnetdsl.emit.summary.plot import plot

    form = SUFFIXES.get(Path(args.plot).suffix.lower(), "")
    if form not in PICTURES:
        names = [suffix for suffix, name in SUFFIXES.items() if name in PICTURES]
        raise UsageError(f"a plot cannot be written as `{args.plot}`", f"end it in {', '.join(names)}")
    if args.output is not None:
        raise UsageError("`--plot` names its file itself", "leave out `--output`")
    try:
        data = encode(plot(network(args).checked, find_theme(args.theme)), form)
    except (RenderUnavailable, DiagramTooLarge, ThemeError) as problem:
        raise UsageError(str(problem), kind="render") from problem
    write_file(Path(args.plot), data if isinstance(data, bytes) else data.encode())
    say(args, f"wrote {args.plot}")
    return 0
