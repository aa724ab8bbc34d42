"""Explain a diagnostic: what it means, a spec that has it and one that does not."""

from __future__ import annotations

import argparse
import sys

from resnetdsl.cli.output import UsageError, add_color, colored, put, width

NAME = "explain"
HELP = "explain a diagnostic code, or list all codes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", nargs="?", metavar="CODE", help="E0301, or its name: branch-mismatch")
    add_color(parser)


def run(args: argparse.Namespace) -> int:
    from resnetdsl.diagnostics.catalogue import CODES
    from resnetdsl.diagnostics.explain import explain, nearest_code

    if args.code is None:
        put("".join(f"{code.id}  {code.name}\n" for code in CODES.values()))
        return 0
    text = explain(args.code, color=colored(args.color, sys.stdout), width=min(width(), 100))
    if text is None:
        near = nearest_code(args.code)
        raise UsageError(
            f"there is no code `{args.code}`", f"did you mean `{near}`?" if near else "`resnetdsl explain` lists all"
        )
    put(f"{text}\n")
    return 0
