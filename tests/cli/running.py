"""Commands run in this process, with streams of their own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from resnetdsl.cli.main import main

ROOT = Path(__file__).resolve().parents[2]

GOOD = """\
## A net for tests.
## It has two lines of words.
network tiny(classes = 10, block = basic, depths = [1, 1], width = 8, act = "zeros") {
    input 3x16x16
    conv(width, 3x3, pad_mode = act) -> batch_norm -> relu
    for i, n in depths {
        stage layer{i + 1}: n * block(width * 2^i)
    }
    global_avg_pool
    linear(classes)
}

network tiny100 = tiny(classes = 100)
"""
BAD = "network bad {\n    input 3x16x16\n    cnv(8, 3x3)\n}\n"
WARNED = "network warned(spare = 1) {\n    input 8x16x16\n    conv(8, 3x3)\n}\n"


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run(*arguments: object, stdin: str | bytes = b"", tty: bool = False, env: dict[str, str] | None = None) -> Done:
    """One command. `tty` makes its output streams terminals."""
    kind = Terminal if tty else io.TextIOWrapper
    out = kind(io.BytesIO(), encoding="utf-8")
    err = kind(io.BytesIO(), encoding="utf-8")
    given = io.TextIOWrapper(io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin))
    quiet = {"NO_COLOR": "", "TERM": "xterm", "COLUMNS": "100", "RESNETDSL_DEBUG": "", **(env or {})}
    with (
        mock.patch.object(sys, "stdout", out),
        mock.patch.object(sys, "stderr", err),
        mock.patch.object(sys, "stdin", given),
        mock.patch.dict(os.environ, quiet),
    ):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:  # --help and --version
            code = end.code if isinstance(end.code, int) else 1
        out.flush()
        err.flush()
    return Done(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))  # type: ignore[attr-defined]


def shell(command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A command line for bash, in which `resnetdsl` is this checkout's."""
    prelude = f'resnetdsl() {{ "{sys.executable}" -m resnetdsl "$@"; }}\n'
    return subprocess.run(
        ["bash", "-c", prelude + command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
    )
