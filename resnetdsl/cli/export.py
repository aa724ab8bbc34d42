"""Write a network in another form: PyTorch source that needs torch alone, or the checked graph as YAML."""

from __future__ import annotations

import argparse

from resnetdsl.cli.output import say, write
from resnetdsl.cli.specs import add_spec, network

NAME = "export"
HELP = "write a network as PyTorch source or YAML"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_spec(parser)
    parser.add_argument("--to", choices=("pytorch", "yaml"), required=True, help="the form")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write; standard output by default")


def run(args: argparse.Namespace) -> int:
    found = network(args)
    write(args.output, found.source() if args.to == "pytorch" else found.dump())
    if args.output not in (None, "-"):
        say(args, f"wrote {args.output}")
    return 0
