"""What commands share in talking to people and programs: streams, colours, files."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from resnetdsl.diagnostics.plain import escape

if TYPE_CHECKING:
    from resnetdsl.diagnostics.model import Diagnostic


class UsageError(Exception):
    """Why a command cannot do what it was asked to. `diagnostics` are what there is to show of a spec."""

    def __init__(
        self,
        message: str,
        help: str = "",
        kind: str = "usage",
        exit_code: int = 2,
        diagnostics: tuple[Diagnostic, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.kind = kind
        self.exit_code = exit_code
        self.diagnostics = diagnostics


def error_line(kind: str, message: str, help: str = "") -> str:
    """An error that has no place in a spec. Names of files and words of users come by here, so nothing steers."""
    text = f"error[{kind}]: {_harmless(message)}"
    return f"{text}\n  = help: {_harmless(help)}" if help else text


def _harmless(text: str) -> str:
    return "\n".join(map(escape, text.split("\n")))


def complain(problem: UsageError, color: str = "auto") -> None:
    """Show why a command failed."""
    if problem.diagnostics:
        from resnetdsl.diagnostics.render.text import render_text

        tell(render_text(problem.diagnostics, color=colored(color, sys.stderr), width=width()))
    tell(error_line(problem.kind, problem.message, problem.help))


# --- streams ---


def add_color(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="when to use colour")
    parser.add_argument("-q", "--quiet", action="store_true", help="say only what went wrong")


def colored(choice: str, stream: TextIO) -> bool:
    """Whether to colour a stream. NO_COLOR (no-color.org) counts where the choice is left open."""
    if choice == "auto":
        return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return choice == "always"


def width() -> int:
    """The columns of the terminal, within reason."""
    return max(40, min(shutil.get_terminal_size((100, 24)).columns, 160))


def prepare_streams() -> None:
    """A pipe or file gets UTF-8, as our files are; no stream fails for a character that it cannot show."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open to the end
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def silence(stream: TextIO) -> None:
    """Nobody reads this stream any more: what else is written to it, by Python at its end too, goes nowhere."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def tell(text: str) -> None:
    """A line on stderr. Where that is closed or full there is nobody to complain to."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)


def say(args: argparse.Namespace, text: str) -> None:
    """A remark for people, on stderr; `-q` leaves it out."""
    if not getattr(args, "quiet", False):
        tell(_harmless(text))


def put(text: str) -> None:
    """Data on stdout. A reader that has seen enough is for `main`; a full disk is the user's to know."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        silence(sys.stdout)
        reason = problem.strerror or str(problem)
        raise UsageError(f"cannot write to standard output: {reason}", kind="cannot-write") from problem


# --- files ---


def write(target: str | None, data: str) -> None:
    """To standard output (None or `-`), or to a file, whole or not at all. Text ends with a line break."""
    text = data if data.endswith("\n") else f"{data}\n"
    if target in (None, "-"):
        put(text)
    else:
        write_file(Path(str(target)), text.encode("utf-8", "backslashreplace"))


def write_bytes(target: str | None, data: bytes, what: str) -> None:
    """The same for what is no text, which a terminal cannot show; `what` names it."""
    if target not in (None, "-"):
        write_file(Path(str(target)), data)
        return
    if sys.stdout.isatty():
        raise UsageError(f"{what} is no text for a terminal", "name a file with `-o`")
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        silence(sys.stdout)
        reason = problem.strerror or str(problem)
        raise UsageError(f"cannot write to standard output: {reason}", kind="cannot-write") from problem


def write_file(path: Path, data: bytes) -> None:
    """A temporary file beside it, then a rename: a reader never sees half a file. Devices and pipes are written to."""
    import tempfile  # slow to import

    name: str | None = None
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(data)
            return
        path = path.resolve()  # a link stays a link
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:32]}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(name).chmod(mode)
        Path(name).replace(path)
        name = None
    except BrokenPipeError:
        raise
    except (OSError, RuntimeError) as problem:  # RuntimeError: links that lead round and round
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise UsageError(f"cannot write {path}: {reason}", kind="cannot-write") from problem
    finally:
        if name is not None:
            with suppress(OSError):
                Path(name).unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
