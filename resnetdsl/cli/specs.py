"""The arguments that name a spec and a network of it, and what they lead to."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from resnetdsl.cli.output import UsageError, add_color, colored, width

if TYPE_CHECKING:
    from resnetdsl.api import Network
    from resnetdsl.elaborate.values import Value
    from resnetdsl.spec import Spec, SpecError

_SIZE = re.compile(r"(\d{1,9})x(\d{1,9})x(\d{1,9})", re.ASCII)


def add_spec(parser: argparse.ArgumentParser, *, many: bool = False) -> None:
    """FILE, `--net`, `--set` and `--input`."""
    parser.add_argument(
        "spec",
        metavar="FILE.rnet|NAME|-",
        nargs="*" if many else None,
        help="a spec, the name of a shipped network, or - for standard input",
    )
    parser.add_argument("--net", metavar="NAME", help="which network of the file")
    parser.add_argument(
        "--set",
        metavar="PARAM=VALUE",
        action="append",
        default=[],
        dest="overrides",
        help="another value for a parameter of the network: classes=10, block=basic, depths=[3, 4, 6, 3]",
    )
    parser.add_argument("--input", metavar="CxHxW", help="another size of the input: 3x256x256")
    add_color(parser)


def open_spec(name: str) -> tuple[Spec, str | None]:
    """A spec, and the network that its name asked for, if it was a network's name."""
    from resnetdsl.api import find_network, load
    from resnetdsl.spec import SpecError, parse_text

    try:
        if name == "-":
            return parse_text("<stdin>", sys.stdin.buffer.read()), None
        is_name = Path(name).suffix != ".rnet" and not Path(name).is_file() and find_network(name) is not None
        return load(Path(name)), name if is_name else None
    except SpecError as problem:
        raise failure(problem) from problem


def overrides(args: argparse.Namespace, spec: Spec) -> dict[str, Value]:
    from resnetdsl.spec import SpecError

    found: dict[str, Value] = {}
    for text in args.overrides:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"`--set {text}` is not PARAM=VALUE")
        try:
            found[key.strip()] = spec.value(value.strip(), f"--set {key.strip()}")
        except SpecError as problem:
            raise failure(problem) from problem
    return found


def input_size(args: argparse.Namespace) -> tuple[int, int, int] | None:
    if args.input is None:
        return None
    match = _SIZE.fullmatch(args.input)
    if match is None or "0" in match.groups():
        raise UsageError(f"`--input {args.input}` is no size", "write channels, height and width: 3x224x224")
    channels, height, wide = map(int, match.groups())
    return channels, height, wide


def network(args: argparse.Namespace) -> Network:
    """The checked network that the arguments name; mistakes end the command with exit code 1."""
    from resnetdsl.api import Network
    from resnetdsl.spec import SpecError

    spec, named = open_spec(args.spec)
    try:
        name = spec.pick(args.net or named)
        given = overrides(args, spec)
        graph = spec.graph(name, overrides=given, input=input_size(args))
    except SpecError as problem:
        raise failure(problem, args.color) from problem
    return Network(name, graph, spec, given)


def failure(problem: SpecError, color: str = "auto") -> UsageError:
    """A SpecError as the end of a command: with the diagnostics drawn, if there are any."""
    from resnetdsl.diagnostics.render.text import render_text

    if not problem.diagnostics:
        return UsageError(problem.message, kind="spec")
    drawn = render_text(problem.diagnostics, color=colored(color, sys.stderr), width=width())
    sys.stderr.write(f"{drawn}\n")
    return UsageError(problem.message, kind="spec", exit_code=1)
