"""Find every mistake and lint of specs."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from resnetdsl.cli.output import UsageError, colored, complain, put, say, tell, width, write_file
from resnetdsl.cli.specs import add_spec, failure, input_size, open_spec, overrides
from resnetdsl.version import VERSION

if TYPE_CHECKING:
    from resnetdsl.diagnostics.model import Diagnostic
    from resnetdsl.spec import Report, Spec

NAME = "check"
HELP = "find every mistake and lint of specs"
_PASSES = 10
_SHOWN = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_spec(parser, many=True)
    parser.add_argument("--format", choices=("text", "json", "sarif", "github"), default="text", help="how to report")
    parser.add_argument("--fix", action="store_true", help="apply the fixes that diagnostics offer to the files named")
    parser.add_argument("--allow", metavar="CODE", action="append", default=[], help="leave a lint out: W0904")
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")


def run(args: argparse.Namespace) -> int:
    if args.allow:
        _known_lints(args.allow)
    if not args.spec:
        raise UsageError("nothing to check", "name a spec, a shipped network, or - for standard input")
    if args.fix and "-" in args.spec:
        raise UsageError("`--fix` mends files, and standard input is none", "`resnetdsl fmt -` is a filter")
    found: dict[tuple[object, ...], Diagnostic] = {}
    unreadable = False
    for name in args.spec:
        try:
            diagnostics = _check(name, args)
        except UsageError as problem:
            if problem.kind != "unreadable":
                raise
            unreadable = True  # the others can be checked all the same
            diagnostics = problem.diagnostics
            if not diagnostics:
                complain(problem)
        for diagnostic in diagnostics:
            if diagnostic.code.id not in args.allow:
                found.setdefault(_identity(diagnostic), diagnostic)
    if found or not unreadable or args.format != "text":
        _report(args, tuple(found.values()))
    errors = any(diagnostic.code.id.startswith("E") for diagnostic in found.values())
    return 2 if unreadable else 1 if errors or (args.strict and found) else 0


def _known_lints(codes: list[str]) -> None:
    from resnetdsl.diagnostics.catalogue import CODES

    for code in codes:
        if code not in CODES or not code.startswith("W"):
            raise UsageError(f"`--allow {code}` names no lint", "`resnetdsl explain` lists the codes")


def _identity(diagnostic: Diagnostic) -> tuple[object, ...]:
    """What makes two diagnostics the same to a reader, though their file was read twice."""
    span = diagnostic.primary.span
    return diagnostic.code.id, span.file.name, span.start, span.end, diagnostic.title, diagnostic.primary.text


def _check(name: str, args: argparse.Namespace) -> tuple[Diagnostic, ...]:
    """What there is to say of one spec, after its fixes."""
    spec, named = open_spec(name)
    report = _look(spec, named, args)
    if args.fix and named is None and spec.path is not None:
        report = _fix(spec, report, args)
    return report.diagnostics


def _look(spec: Spec, named: str | None, args: argparse.Namespace) -> Report:
    from resnetdsl.spec import SpecError

    try:
        return spec.check(args.net or named, overrides=overrides(args, spec), input=input_size(args))
    except SpecError as problem:
        raise failure(problem) from problem


def _fix(spec: Spec, report: Report, args: argparse.Namespace) -> Report:
    """Mend a file, pass by pass: a mistake that is gone may show others. The report of what is left.

    Only the file that was named: what it imports belongs to others too.
    """
    from resnetdsl.diagnostics.fix import apply_fixes, choose_fixes
    from resnetdsl.diagnostics.model import Sink
    from resnetdsl.source import SourceFile
    from resnetdsl.spec import parse_spec

    mended = 0
    for _ in range(_PASSES):
        chosen, edits = choose_fixes(report.diagnostics, spec.file)
        if not chosen:
            break
        better = parse_spec(SourceFile(spec.file.name, apply_fixes(spec.file.text, edits)), spec.path, Sink())
        if len(better.sink.facts) > len(spec.sink.facts):
            break  # a guess that was wrong
        spec, report, mended = better, _look(better, None, args), mended + len(chosen)
    if mended and spec.path is not None:
        write_file(spec.path, spec.file.text.encode())
        say(args, f"fixed {mended} in {spec.path}")
    return report


def _report(args: argparse.Namespace, found: tuple[Diagnostic, ...]) -> None:
    """Diagnostics for people on stderr; for programs on stdout, as data."""
    match args.format:
        case "json":
            from resnetdsl.diagnostics.render.json import render_json

            put(render_json(found))
        case "sarif":
            from resnetdsl.diagnostics.render.sarif import render_sarif

            put(render_sarif(found, tool_version=VERSION))
        case "github":
            from resnetdsl.diagnostics.render.github import render_github

            put(render_github(found))
        case _:
            from resnetdsl.diagnostics.render.text import render_text, summary

            color = colored(args.color, sys.stderr)
            if found:
                tell(render_text(found[:_SHOWN], color=color, width=width()))
            if len(found) > _SHOWN:
                tell(f"... and {len(found) - _SHOWN} more, which `--format json` tells too\n")
            if not args.quiet:
                tell(summary(found, color=color))
