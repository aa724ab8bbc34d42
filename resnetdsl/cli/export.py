"""Write a network in another form: source, YAML, or with its weights an ONNX model or an exported program."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from resnetdsl.cli.output import UsageError, say, write
from resnetdsl.cli.specs import add_spec, network

if TYPE_CHECKING:
    from resnetdsl.network import Network

NAME = "export"
HELP = "write a network as PyTorch source, ONNX, an exported program or YAML"

_TEXT = ("pytorch", "yaml")
_EXTRA = {"torch": "torch", "numpy": "torch", "onnx": "engines"}
"""Packages that forms with weights need, and the extra that brings them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_spec(parser)
    parser.add_argument("--to", choices=("pytorch", "onnx", "exported-program", "yaml"), required=True, help="the form")
    parser.add_argument(
        "--checkpoint-blocks",
        action="store_true",
        help="pytorch: source that trains in less memory: of each block the inputs alone are kept",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="where to write; NETWORK.onnx or .pt2 by default, and text to the screen"
    )
    more = parser.add_argument_group("for onnx and exported-program")
    more.add_argument("--batch", metavar="N|LO..HI", help="the batch sizes that the model takes; any by default")
    more.add_argument("--folded", action="store_true", help="onnx: the form for inference, norms in the convolutions")
    more.add_argument(
        "--weights", metavar="FILE", help="a checkpoint: .safetensors, .pth or .pt; random weights by default"
    )
    more.add_argument("--seed", type=int, default=0, help="for random weights")


def run(args: argparse.Namespace) -> int:
    if args.checkpoint_blocks and args.to != "pytorch":
        raise UsageError(f"`--checkpoint-blocks` is for `--to pytorch`, not `--to {args.to}`")
    found = network(args)
    if args.to not in _TEXT:
        return _with_weights(args, found)
    for option, given in (("--batch", args.batch), ("--folded", args.folded), ("--weights", args.weights)):
        if given:
            raise UsageError(f"`{option}` means nothing for `--to {args.to}`", "leave it out, or take `--to onnx`")
    write(args.output, _source(args, found) if args.to == "pytorch" else found.dump())
    if args.output not in (None, "-"):
        say(args, f"wrote {args.output}")
    return 0


def _source(args: argparse.Namespace, found: Network) -> str:
    from resnetdsl.emit.pytorch.document import NothingToCheckpointError

    try:
        return found.source(checkpoint_blocks=args.checkpoint_blocks)
    except NothingToCheckpointError as problem:
        help = "a `block` of the spec is what is computed again; leave `--checkpoint-blocks` out"
        raise UsageError(f"{problem}: nothing to checkpoint", help) from problem


def _with_weights(args: argparse.Namespace, found: Network) -> int:
    from resnetdsl.compile.errors import CompileError

    if args.output == "-":
        raise UsageError(f"`--to {args.to}` writes no text", "name a file with `-o`")
    output = args.output or found.name + (".onnx" if args.to == "onnx" else ".pt2")
    try:
        found.export(output, args.to, batch=args.batch, folded=args.folded, weights=args.weights, seed=args.seed)
    except CompileError as problem:
        raise UsageError(problem.message, problem.help, kind=problem.problem.value) from problem
    except ModuleNotFoundError as problem:
        if problem.name not in _EXTRA:
            raise
        message = f"`--to {args.to}` needs {problem.name}, which is not installed"
        raise UsageError(message, f"pip install 'resnetdsl[{_EXTRA[problem.name]}]'", kind="no-library") from problem
    say(args, f"wrote {output}" + ("" if args.weights else " with random weights"))
    return 0
