"""The command line in a process of its own, with bounds on what it may use and a measure of what it used."""

from __future__ import annotations

import os
import resource
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CPU_SECONDS = 20
"""Far more than any answer takes: machines differ, and this one may be busy. A hang takes all of it."""
RSS_MEGABYTES = 300
_ADDRESS_SPACE = 4 * 2**30


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
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            _become(arguments, stdin, out.fileno(), err.fileno(), cwd)
        _, status, used = os.wait4(pid, 0)
        out.seek(0)
        err.seek(0)
        return Answer(
            os.waitstatus_to_exitcode(status),
            out.read().decode("utf-8"),
            err.read().decode("utf-8"),
            used.ru_utime + used.ru_stime,
            used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10),
        )


def _become(arguments: tuple[object, ...], stdin: Path, out: int, err: int, cwd: Path | None) -> None:
    """The child's part, which does not return."""
    try:
        os.dup2(os.open(stdin, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(cwd or "/")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "RESNETDSL_DEBUG": ""}
        os.execve(sys.executable, [sys.executable, "-m", "resnetdsl", *map(str, arguments)], environment)
    finally:
        os.kill(os.getpid(), signal.SIGKILL)
