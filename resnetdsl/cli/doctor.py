"""Examine the machine: what compiling needs or is better for, what the lack of it costs, and the line that mends it.

Exit code 0 if networks can be compiled here, 1 if not.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from resnetdsl.cli.output import add_color, colored, put, width
from resnetdsl.diagnostics.plain import escape
from resnetdsl.version import VERSION

if TYPE_CHECKING:
    from resnetdsl.doctor import Finding

NAME = "doctor"
HELP = "what is here for compiling, what the lack of it costs, and how to mend it"
SCHEMA = 1
"""The version of the JSON. Keys may be added under one version, never renamed or given another meaning."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="the findings for programs")
    add_color(parser)


def run(args: argparse.Namespace) -> int:
    from resnetdsl.doctor import examine, healthy

    findings = examine()
    if args.json:
        import json

        rows = [
            {
                "name": each.name,
                "grade": each.grade.value,
                "found": each.found,
                "cost": each.cost,
                "mend": each.mend,
                "data": dict(each.data),
            }
            for each in findings
        ]
        document = {"schema": SCHEMA, "resnetdsl": VERSION, "healthy": healthy(findings), "findings": rows}
        put(f"{json.dumps(document, indent=2)}\n")
    else:
        import sys

        shown = [each for each in findings if each.cost] if args.quiet else findings
        put(_text(shown, color=colored(args.color, sys.stdout)))
        put("" if args.quiet else f"\n{_verdict(findings)}\n")
    return 0 if healthy(findings) else 1


def _text(findings: Sequence[Finding], *, color: bool) -> str:
    from resnetdsl.diagnostics.render.paint import Row, Style
    from resnetdsl.doctor import Grade

    styles = {Grade.OK: Style.HELP, Grade.LACKING: Style.WARNING, Grade.BROKEN: Style.ERROR}
    longest = max((len(each.name) for each in findings), default=0)
    indent = " " * (len("lacking") + 2 + longest + 2)
    lines: list[str] = []
    for each in findings:
        row = Row().add(f"{each.grade.value:<7}", styles[each.grade]).add(f"  {each.name:<{longest}}  ", Style.STRONG)
        first, *rest = _wrap(each.found, width() - len(indent)) or [""]
        lines.append(row.add(first).write(color=color))
        lines += [f"{indent}{line}" for line in rest]
        lines += [f"{indent}{line}" for line in _wrap(each.cost and f"cost: {each.cost}", width() - len(indent))]
        # A line to copy is never broken.
        lines += [f"{indent}mend: {escape(each.mend)}"] if each.mend else []
    return "\n".join([*lines, ""]) if lines else ""


def _wrap(text: str, columns: int) -> list[str]:
    return textwrap.wrap(escape(text), max(columns, 30), break_long_words=False, break_on_hyphens=False)


def _verdict(findings: Sequence[Finding]) -> str:
    from resnetdsl.doctor import Grade

    broken = [each.name for each in findings if each.grade is Grade.BROKEN]
    lacking = [each.name for each in findings if each.grade is Grade.LACKING]
    if broken:
        return f"nothing can be compiled here before this is mended: {', '.join(broken)}"
    return "networks can be compiled here" + (f"; lacking: {', '.join(lacking)}" if lacking else "")
