"""The table of a network: shapes, parameters, multiply-accumulates, memory, receptive field."""

from __future__ import annotations

import argparse
import sys

from resnetdsl.cli.output import say, width, write
from resnetdsl.cli.specs import add_spec, network

NAME = "summary"
HELP = "the table of layers with shapes, parameters, MACs, memory and receptive field"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_spec(parser)
    parser.add_argument("--level", choices=("network", "stage", "block", "op"), default="block", help="how far to open")
    parser.add_argument("--format", choices=("text", "json", "markdown", "csv"), default="text")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write; standard output by default")


def run(args: argparse.Namespace) -> int:
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
