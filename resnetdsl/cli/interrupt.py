"""Ctrl-C in the middle of long work: its child processes end first, then everything is cleaned up as it unwinds."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final

_GRACE = 1.0
"""Seconds that a child has to end by itself."""

_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP")


class Terminated(KeyboardInterrupt):
    """The end asked for by a signal other than Ctrl-C; unwinds in the same way."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """Work that starts processes: compilers, and workers that start compilers.

    A terminal sends Ctrl-C to all of them; `kill`, a supervisor or a closed connection only to this one. So children
    that were started in here are ended before the exception is raised, and none of them writes to a folder that is
    being removed. A second signal ends the process at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    before = descendants()
    ended: list[KeyboardInterrupt] = []

    def end(number: int, _frame: FrameType | None) -> None:
        for name in numbers:
            signal.signal(name, signal.SIG_DFL)
        stop(descendants() - before)
        ended.append(KeyboardInterrupt() if number == signal.SIGINT else Terminated(number))
        raise ended[0]

    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    # What is ignored stays so: `nohup` means it.
    kept = {number: signal.getsignal(number) for number in numbers}
    numbers = [number for number in numbers if kept[number] is not signal.SIG_IGN]
    for number in numbers:
        signal.signal(number, end)
    try:
        yield
    except Exception as error:
        if ended:  # a library that was being imported went on without what it lacked: that is what failed
            raise ended[0] from error
        raise
    finally:
        for number in numbers:
            signal.signal(number, kept[number] if kept[number] is not None else signal.SIG_DFL)


def descendants() -> set[int]:
    """The processes that this one has started, and those that they have."""
    children: dict[int, list[int]] = {}
    for pid, parent in _processes():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    todo = [os.getpid()]
    while todo:
        for pid in children.get(todo.pop(), []):
            if pid not in found:
                found.add(pid)
                todo.append(pid)
    return found


def stop(processes: set[int]) -> None:
    """End processes: first with a word, then without."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in processes:
            with suppress(OSError):
                os.kill(pid, number)
        end = time.monotonic() + _GRACE
        while any(map(_runs, processes)) and time.monotonic() < end:
            time.sleep(0.02)


def _runs(pid: int) -> bool:
    """Whether a process still does anything. One that has ended and is not waited for does not."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] != "Z"
        )
    except (OSError, IndexError):
        if Path("/proc/self").exists():
            return False
    with suppress(OSError):
        os.kill(pid, 0)
        return True
    return False


def _processes() -> Iterator[tuple[int, int]]:
    """All processes with their parents."""
    if Path("/proc/self/stat").exists():
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError, IndexError, ValueError):
                yield int(path.parent.name), int(_stat(path)[1])
        return
    with suppress(OSError, subprocess.TimeoutExpired, ValueError):
        listed = subprocess.run(
            ["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, timeout=5, check=False
        ).stdout
        for line in listed.splitlines():
            pid, parent = line.split()
            yield int(pid), int(parent)


def _stat(path: Path) -> list[str]:
    """The fields behind the program's name, which may hold blanks and brackets: the state, the parent, and more."""
    return path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
