"""Put other weights of the same network into a compiled artifact, without compiling it again."""

from __future__ import annotations

import argparse

from resnetdsl.cli.output import UsageError, say

NAME = "swap"
HELP = "put other weights into a compiled artifact"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("artifact", metavar="FILE.rnetc", help="what `compile` wrote")
    parser.add_argument("weights", metavar="WEIGHTS", help="a checkpoint: .safetensors, .pth or .pt")
    parser.add_argument("-o", "--output", metavar="FILE.rnetc", help="the new artifact; the old one's place by default")
    parser.add_argument("-q", "--quiet", action="store_true", help="say only what went wrong")


def run(args: argparse.Namespace) -> int:
    from resnetdsl.compile.errors import CompileError

    try:
        from resnetdsl.compile.swap import swap_weights

        path, notes = swap_weights(args.artifact, args.weights, args.output)
    except CompileError as problem:
        raise UsageError(problem.message, problem.help, kind=problem.problem.value) from problem
    except ModuleNotFoundError as problem:
        if problem.name not in {"torch", "numpy"}:
            raise
        help = "pip install 'resnetdsl[torch]'"
        raise UsageError("artifacts need PyTorch, which is not installed", help, kind="no-torch") from problem
    say(args, f"wrote {path} with the weights of {args.weights}")
    for note in notes:
        say(args, f"note: {note}")
    return 0
