"""Write a network in another form: PyTorch source that needs torch alone, or the checked graph as YAML."""

from __future__ import annotations

import argparse

from resnetdsl.cli.output import UsageError, say, write
from resnetdsl.cli.specs import add_spec, network

NAME = "export"
HELP = "write a network as PyTorch source or YAML"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_spec(parser)
    parser.add_argument("--to", choices=("pytorch", "yaml"), required=True, help="the form")
    parser.add_argument(
        "--checkpoint-blocks",
        action="store_true",
        help="source that trains in less memory: of each block the inputs alone are kept, the rest is computed again",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write; standard output by default")


def run(args: argparse.Namespace) -> int:
    from resnetdsl.emit.pytorch.document import NothingToCheckpointError

    if args.checkpoint_blocks and args.to != "pytorch":
        raise UsageError(f"`--checkpoint-blocks` is for `--to pytorch`, not `--to {args.to}`")
    found = network(args)
    try:
        text = found.source(checkpoint_blocks=args.checkpoint_blocks) if args.to == "pytorch" else found.dump()
    except NothingToCheckpointError as problem:
        help = "a `block` of the spec is what is computed again; leave `--checkpoint-blocks` out"
        raise UsageError(f"{problem}: nothing to checkpoint", help) from problem
    write(args.output, text)
    if args.output not in (None, "-"):
        say(args, f"wrote {args.output}")
    return 0
