"""The arguments that name a spec and a network of it, and what they lead to."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from resnetdsl.cli.output import UsageError, add_color
from resnetdsl.cli.revisions import at_revision, is_revision

if TYPE_CHECKING:
    from resnetdsl.elaborate.values import Value
    from resnetdsl.network import Network
    from resnetdsl.spec import Spec, SpecError

_SIZE = re.compile(r"([1-9]\d{0,8})x([1-9]\d{0,8})x([1-9]\d{0,8})", re.ASCII)


def add_spec(parser: argparse.ArgumentParser, *, many: bool = False, pairs: bool = False) -> None:
    """FILE, `--net`, `--set` and `--input`; with `pairs`, FILE may be left out and `--net` be given several times."""
    parser.add_argument(
        "spec",
        metavar="FILE.rnet|NAME|-",
        nargs="*" if many else "?" if pairs else None,
        help="a spec, the name of a shipped network, or - for standard input; FILE@REVISION is a spec as git has it",
    )
    if pairs:
        text = "which network of the file, or of all; given more than once, one for each"
        parser.add_argument("--net", metavar="NAME", action="append", default=[], help=text)
    else:
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
    from resnetdsl.api import find_network, is_path, load
    from resnetdsl.spec import SpecError, parse_text

    try:
        if name == "-":
            return parse_text("<stdin>", read_stdin()), None
        if is_revision(name):
            return load(at_revision(name)), None
        if Path(name).is_dir() and find_network(name) is None:
            raise UsageError(f"{name} is a folder", "name a spec in it", kind="unreadable")
        return load(Path(name)), None if is_path(Path(name)) else name
    except SpecError as problem:
        raise UsageError(problem.message, kind="unreadable", diagnostics=problem.diagnostics) from problem
    except OSError as problem:
        raise unreadable(name, problem) from problem


def read_stdin() -> bytes:
    """What comes in; no more than it takes to see that it is too much."""
    from resnetdsl.syntax.reading import MAX_BYTES

    return b"" if sys.stdin is None else sys.stdin.buffer.read(MAX_BYTES + 1)


def unreadable(name: str, problem: OSError) -> UsageError:
    return UsageError(f"cannot read {name}: {problem.strerror or problem}", kind="unreadable")


def overrides(args: argparse.Namespace, spec: Spec) -> dict[str, Value]:
    """The values of `--set`, which may use all names of the spec. A mistake in them is one of use."""
    from resnetdsl.spec import SpecError

    found: dict[str, Value] = {}
    for text in args.overrides:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"`--set {text}` is not PARAM=VALUE", "such as `--set classes=10`")
        try:
            found[key.strip()] = spec.value(value.strip(), f"--set {key.strip()}")
        except SpecError as problem:
            raise UsageError(problem.message, diagnostics=problem.diagnostics) from problem
    return found


def input_size(args: argparse.Namespace) -> tuple[int, int, int] | None:
    if args.input is None:
        return None
    match = _SIZE.fullmatch(args.input)
    if match is None:
        raise UsageError(f"`--input {args.input}` is no size", "write channels, height and width: 3x224x224")
    channels, height, wide = map(int, match.groups())
    return channels, height, wide


def network(args: argparse.Namespace) -> Network:
    """The checked network that the arguments name; mistakes end the command with exit code 1."""
    from resnetdsl.network import Network
    from resnetdsl.spec import SpecError

    size = input_size(args)
    spec, named = open_spec(args.spec)
    try:
        name = spec.pick(args.net or named)
        given = overrides(args, spec)
        graph = spec.graph(name, overrides=given, input=size)
    except SpecError as problem:
        raise failure(problem) from problem
    return Network(name, graph, spec.origin, given)


def failure(problem: SpecError) -> UsageError:
    """A SpecError as the end of a command: mistakes in the spec, or nothing there of the name asked for."""
    code = 1 if problem.diagnostics else 2
    return UsageError(problem.message, kind="spec", exit_code=code, diagnostics=problem.diagnostics)
