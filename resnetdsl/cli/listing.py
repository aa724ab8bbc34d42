"""List networks: those shipped, or those of a spec, with what their authors say of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from resnetdsl.cli.output import UsageError, add_color, complain, put, say, width
from resnetdsl.cli.specs import open_spec
from resnetdsl.diagnostics.plain import escape

if TYPE_CHECKING:
    from resnetdsl.spec import Spec

NAME = "list"
HELP = "list networks with their parameters and multiply-accumulates, or the shipped targets"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", nargs="*", metavar="FILE.rnet", help="specs; without one, all that are shipped")
    parser.add_argument("--match", metavar="TEXT", default="", help="only networks with this in their name")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--targets", action="store_true", help="the targets that `compile --target` knows, instead")
    parser.add_argument(
        "--fast", action="store_true", help="names and words only; without it, what no earlier run has counted is built"
    )
    add_color(parser)


def run(args: argparse.Namespace) -> int:
    if args.targets:
        return _targets(args)
    from resnetdsl.api import shipped_files

    specs: list[Spec] = []
    status = 0
    for name in args.spec or [str(path) for path in shipped_files()]:
        try:
            specs.append(_open(name))
        except UsageError as problem:  # the others can be listed all the same
            complain(problem, args.color)
            status = max(status, problem.exit_code)
    rows = (row for spec in specs for row in _rows(spec, args))
    if args.format == "json":
        import json

        put(f"{json.dumps(list(rows), indent=2)}\n")
        return status
    names = [name for spec in specs for name in spec.networks if args.match in name]
    columns, longest = width(), max(map(len, names), default=0)
    for row in rows:  # each as soon as it is counted
        counts = "" if args.fast else f"{_millions(row['params'], 'M', 1e6):>9} {_millions(row['macs'], 'G', 1e9):>9}"
        line = f"{row['name']:<{longest}} {counts}  {escape(str(row['doc']))}".rstrip()
        put(f"{line if len(line) <= columns else line[: columns - 3] + '...'}\n")
    say(args, f"{len(names)} network{'' if len(names) == 1 else 's'}")
    return status


def _targets(args: argparse.Namespace) -> int:
    from resnetdsl.compile.targets import find_target, shipped_targets

    if args.spec:
        raise UsageError("`--targets` lists what is shipped, and takes no spec")
    found = [find_target(name) for name in shipped_targets() if args.match in name]
    if args.format == "json":
        import json

        rows = [{"name": each.name, "description": each.description, **each.options()} for each in found]
        put(f"{json.dumps(rows, indent=2)}\n")
        return 0
    longest = max((len(each.name) for each in found), default=0)
    for each in found:
        put(f"{each.name:<{longest}}  {escape(each.description)}\n")
        settings = ", ".join(f"{name} {value}" for name, value in each.options().items())
        put(f"{'':<{longest}}  {settings}\n")
    say(args, f"{len(found)} target{'' if len(found) == 1 else 's'}")
    return 0


def _millions(value: object, unit: str, scale: float) -> str:
    return f"{value / scale:.2f}{unit}" if isinstance(value, int) else "-"


def _open(name: str) -> Spec:
    from resnetdsl.diagnostics.words import word_all

    spec, _ = open_spec(name)
    if spec.sink.has_errors:
        message = f"{spec.file.name} has mistakes"
        raise UsageError(message, kind="spec", exit_code=1, diagnostics=word_all(spec.sink.facts))
    return spec


def _rows(spec: Spec, args: argparse.Namespace) -> Iterator[dict[str, object]]:
    from resnetdsl.counts import counts

    def row(name: str) -> dict[str, object]:
        return {"name": name, "file": spec.file.name, "doc": spec.doc(name).split("\n")[0]}

    if args.fast:
        yield from (row(name) for name in spec.networks if args.match in name)
        return
    for name, count in counts(spec, args.match):
        yield row(name) | {"params": count.params, "macs": count.macs}
