"""The command line in a process of its own, with bounds on what it may use and a measure of what it used."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CPU_SECONDS = 20
"""Far more than any answer takes: machines differ, and this one may be busy. A hang takes all of it."""
RSS_MEGABYTES = 300
_ADDRESS_SPACE = 4 * 2**30
_LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str
    seconds: float
    """Processor time, the start of Python and all imports included."""
    megabytes: float
    """The most memory held at one time."""


def ask(*arguments: object, stdin: Path = Path("/dev/null"), cwd: Path | None = None) -> Answer:
    """Run `resnetdsl` with these arguments; it is killed where it goes on for too long."""
    with tempfile.TemporaryDirectory() as folder, stdin.open("rb") as given:
        out, err = Path(folder, "out"), Path(folder, "err")
        bounds = [str(CPU_SECONDS), str(_ADDRESS_SPACE), str(out), str(err)]
        command = [sys.executable, "-m", "resnetdsl", *map(str, arguments)]
        done = subprocess.run(
            [sys.executable, "-I", "-S", _LAUNCH, *bounds, *command],
            stdin=given,
            capture_output=True,
            text=True,
            check=True,
            cwd=cwd or "/",
            env={**os.environ, "PYTHONPATH": str(ROOT), "RESNETDSL_DEBUG": ""},
        )
        code, seconds, megabytes = done.stdout.split()
        return Answer(int(code), out.read_text("utf-8"), err.read_text("utf-8"), float(seconds), float(megabytes))
