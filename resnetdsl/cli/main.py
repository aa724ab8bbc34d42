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

from resnetdsl.cli import (
    bench,
    check,
    compile,
    diff,
    doctor,
    explain,
    export,
    fmt,
    listing,
    lsp,
    new,
    render,
    serve,
    summary,
    swap,
)
from resnetdsl.cli.output import UsageError, complain, error_line, prepare_streams, silence, tell
from resnetdsl.collector import seldom
from resnetdsl.version import VERSION

COMMANDS: Final[tuple[ModuleType, ...]] = (
    check,
    compile,
    swap,
    bench,
    render,
    serve,
    summary,
    export,
    fmt,
    explain,
    diff,
    listing,
    new,
    lsp,
    doctor,
)


class _Parser(argparse.ArgumentParser):
    """Wrong use in the same words and with the same exit code as everything else."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, f"see `{self.prog} --help`")


def parser() -> argparse.ArgumentParser:
    made = _Parser(
        prog="resnetdsl",
        allow_abbrev=False,
        description="A language for residual networks, and its compiler.",
        epilog="Exit codes: 0 fine, 1 mistakes in a spec, 2 wrong use or unreadable file, 3 a bug of resnetdsl.",
    )
    made.add_argument("--version", action="version", version=f"resnetdsl {VERSION}")
    commands = made.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in COMMANDS:
        sub = commands.add_parser(module.NAME, help=module.HELP, description=module.__doc__, allow_abbrev=False)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    prepare_streams()
    color = "auto"
    try:
        args = parser().parse_args(arguments)
        color = getattr(args, "color", color)
        with seldom:
            return int(args.run(args))
    except UsageError as problem:
        complain(problem, color)
        if problem.__cause__ is not None and os.environ.get("RESNETDSL_DEBUG"):
            tell("".join(traceback.format_exception(problem.__cause__)))
        return problem.exit_code
    except KeyboardInterrupt as end:
        tell("interrupted")
        return int(getattr(end, "exit_code", 130))
    except BrokenPipeError:
        silence(sys.stdout)  # the reader has seen enough
        return 0
    except Exception as bug:  # noqa: BLE001 - the last resort: a traceback in front of a user is no answer
        return _our_bug(bug)


_NO_MEMORY: Final = ("failed to map segment", "cannot allocate memory", "bad_alloc")
"""What is said, in lower case, where a library cannot even be loaded for want of memory."""


def _our_bug(bug: Exception) -> int:
    if isinstance(bug, MemoryError) or any(sign in str(bug).lower() for sign in _NO_MEMORY):
        tell(error_line("no-memory", "there is not enough memory for this", "close what else needs memory"))
        if os.environ.get("RESNETDSL_DEBUG"):
            tell("".join(traceback.format_exception(bug)))
        return 2
    where = traceback.extract_tb(bug.__traceback__)[-1]
    what = f"{type(bug).__name__}: {bug} ({Path(where.filename).name}:{where.lineno})"
    tell(error_line("bug", what, "this is a fault of resnetdsl and not of your spec: please report it"))
    if os.environ.get("RESNETDSL_DEBUG"):
        tell("".join(traceback.format_exception(bug)))
    else:
        tell("  = help: RESNETDSL_DEBUG=1 shows the traceback that the report needs")
    return 3
