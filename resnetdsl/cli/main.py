"""The command line: which command, and what becomes of its failures.

Exit codes: 0 fine, 1 mistakes found in a spec, 2 wrong use or something outside that stands in the way, 3 our bug.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Final, NoReturn

from resnetdsl.cli import check, compile, explain, export, fmt, listing, new, render, summary
from resnetdsl.cli.output import UsageError, error_line
from resnetdsl.version import VERSION

COMMANDS: Final[tuple[ModuleType, ...]] = (check, compile, render, summary, export, fmt, explain, listing, new)


class _Parser(argparse.ArgumentParser):
    """Wrong use in the same words and with the same exit code as everything else."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{error_line('usage', message, f'see `{self.prog} --help`')}\n")
        sys.exit(2)


def parser() -> argparse.ArgumentParser:
    made = _Parser(
        prog="resnetdsl",
        description="A language for residual networks, and its compiler.",
        epilog="Exit codes: 0 fine, 1 mistakes in a spec, 2 wrong use or unreadable file, 3 a bug of resnetdsl.",
    )
    made.add_argument("--version", action="version", version=f"resnetdsl {VERSION}")
    commands = made.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in COMMANDS:
        sub = commands.add_parser(module.NAME, help=module.HELP, description=module.__doc__)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    args = parser().parse_args(arguments)
    try:
        code = args.run(args)
        sys.stdout.flush()
        return int(code)
    except UsageError as problem:
        sys.stderr.write(f"{error_line(problem.kind, problem.message, problem.help)}\n")
        return problem.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except BrokenPipeError:
        # The reader has seen enough. Python would complain again when it closes its output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as bug:  # noqa: BLE001 - the last resort: a traceback in front of a user is no answer
        return _our_bug(bug)


def _our_bug(bug: Exception) -> int:
    where = traceback.extract_tb(bug.__traceback__)[-1]
    what = f"{type(bug).__name__}: {bug} ({Path(where.filename).name}:{where.lineno})"
    sys.stderr.write(
        f"{error_line('bug', what, 'this is a fault of resnetdsl and not of your spec: please report it')}\n"
    )
    if os.environ.get("RESNETDSL_DEBUG"):
        traceback.print_exception(bug)
    else:
        sys.stderr.write("  = help: RESNETDSL_DEBUG=1 shows the traceback that the report needs\n")
    return 3
