"""Compare two networks, or all networks of two specs: layers that came, went or changed, and what it costs.

A layer is the same if its name and its op are; else if it reads the same layers and has equal attributes, and then it
was renamed. What has only another size because of a change before it is counted and not listed.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from resnetdsl.cli.output import UsageError, add_color, say, write
from resnetdsl.cli.specs import failure, open_spec, overrides

if TYPE_CHECKING:
    from resnetdsl.analysis.difference import Difference
    from resnetdsl.ir.graph import CheckedGraph
    from resnetdsl.spec import Spec

NAME = "diff"
HELP = "compare two networks or specs: layers added, removed, changed; parameters and MACs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for name in ("before", "after"):
        parser.add_argument(name, metavar=name.upper(), help="a spec, the name of a shipped network, or -")
    parser.add_argument(
        "--net", metavar="NAME", action="append", default=[], help="which network of both; given twice, one for each"
    )
    for name in ("before", "after"):
        parser.add_argument(
            f"--set-{name}",
            metavar="PARAM=VALUE",
            action="append",
            default=[],
            help=f"another value for a parameter of {name.upper()}",
        )
    parser.add_argument(
        "--level",
        choices=("block", "op"),
        default="block",
        help="whole blocks and equal changes in one line, or each op",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 if they differ")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write; standard output by default")
    add_color(parser)


def run(args: argparse.Namespace) -> int:
    from resnetdsl.analysis.difference import difference

    if len(args.net) > 2:
        raise UsageError("`--net` is given more than twice", "once for both, or once for each")
    if args.before == args.after == "-":
        raise UsageError("standard input can be read once only", "name a file for the other")
    before, after = _Side(args, 0), _Side(args, 1)
    one_sided: list[str] = []
    if before.name is None and after.name is None:
        names = [name for name in before.spec.networks if name in after.spec.networks]
        one_sided += [f"- network {name}" for name in before.spec.networks if name not in names]
        one_sided += [f"+ network {name}" for name in after.spec.networks if name not in names]
        pairs = [(name, name) for name in names]
    else:
        known = before.name or after.name or ""
        pairs = [(before.name or known, after.name or known)]
    found = [difference(before.graph(one), after.graph(other)) for one, other in pairs]
    write(args.output, (_json if args.format == "json" else _text)(found, one_sided, args.level))
    if args.output not in (None, "-"):
        say(args, f"wrote {args.output}")
    return int(args.exit_code and (bool(one_sided) or not all(one.same for one in found)))


def _text(found: list[Difference], one_sided: list[str], level: str) -> str:
    from resnetdsl.emit.difference import as_text
    from resnetdsl.emit.outline import Level

    if len(found) == 1 and not one_sided:
        return as_text(found[0], Level(level))
    parts = ["".join(f"{line}\n" for line in one_sided)] if one_sided else []
    parts += [as_text(one, Level(level)) for one in found if not one.same]
    if same := sum(one.same for one in found):
        parts.append(f"{same} of {len(found)} networks are the same\n")
    return "\n".join(parts)


def _json(found: list[Difference], one_sided: list[str], _level: str) -> str:
    import json

    from resnetdsl.emit.difference import SCHEMA, as_data

    differences = [as_data(one) for one in found]
    return json.dumps({"schema": SCHEMA, "networks": one_sided, "differences": differences}, indent=2)


class _Side:
    """One of the two specs, and the network of it that was asked for: None for all."""

    def __init__(self, args: argparse.Namespace, at: int) -> None:
        from resnetdsl.spec import SpecError

        self.spec: Spec
        self.spec, named = open_spec((args.before, args.after)[at])
        args.overrides = (args.set_before, args.set_after)[at]
        self.given = overrides(args, self.spec)
        self.name: str | None = args.net[min(at, len(args.net) - 1)] if args.net else named
        try:
            if self.name is None and (len(self.spec.networks) < 2 or self.given):
                self.name = self.spec.pick(None)
        except SpecError as problem:
            raise failure(problem) from problem

    def graph(self, name: str) -> CheckedGraph:
        from resnetdsl.spec import SpecError

        try:
            return self.spec.graph(self.spec.pick(name), overrides=self.given)
        except SpecError as problem:
            raise failure(problem) from problem
