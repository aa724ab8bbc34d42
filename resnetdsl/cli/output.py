"""What commands share in talking to people: streams, colours, files."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TextIO


class UsageError(Exception):
    """Why a command cannot do what it was asked to, for a reason that is not in the spec."""

    def __init__(self, message: str, help: str = "", kind: str = "usage", exit_code: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.kind = kind
        self.exit_code = exit_code


def error_line(kind: str, message: str, help: str = "") -> str:
    text = f"error[{kind}]: {message}"
    return f"{text}\n  = help: {help}" if help else text


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


def say(args: argparse.Namespace, text: str) -> None:
    """A remark for people, on stderr; `-q` leaves it out."""
    if not getattr(args, "quiet", False):
        sys.stderr.write(f"{text}\n")


def write(target: str | None, data: str | bytes) -> None:
    """To standard output (None or `-`), or to a file, whole or not at all."""
    if target in (None, "-"):
        if isinstance(data, bytes):
            sys.stdout.buffer.write(data)
        else:
            sys.stdout.write(data if data.endswith("\n") else f"{data}\n")
        return
    write_file(Path(str(target)), data.encode() if isinstance(data, str) else data)


def write_file(path: Path, data: bytes) -> None:
    """A temporary file beside it, then a rename: a reader never sees half a file."""
    name: str | None = None
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError as problem:
        if name is not None:
            with suppress(OSError):
                Path(name).unlink()
        reason = problem.strerror or str(problem)
        raise UsageError(f"cannot write {path}: {reason}", kind="cannot-write") from problem


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
