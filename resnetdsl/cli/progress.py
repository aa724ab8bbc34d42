"""What long work is doing: in one place on a terminal, a line for each step in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from resnetdsl.cli.output import tell, width
from resnetdsl.diagnostics.plain import escape

_REFRESH = 0.2
_LOG_EVERY = 5.0
"""Seconds between two lines of one phase in a log: what is done sooner needs none."""

Clock = Callable[[], float]


class Progress:
    """Phases of one piece of work, each with its time, and how much of the present one is done.

    A terminal shows one line that changes in place, and keeps a line for each finished phase. A log gets a line when a
    phase starts, and of a long one every few seconds, with the seconds since the start. Used as a context: on leaving,
    by Ctrl-C too, the terminal is left as it should be.
    """

    def __init__(self, stream: TextIO, *, live: bool, quiet: bool = False, clock: Clock = time.monotonic) -> None:
        self._stream = stream
        self._live = live and not quiet
        self._quiet = quiet
        self._clock = clock
        self._start = self._since = self._logged = clock()
        self._phase = ""
        self._count = ""
        self._shown = False
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @staticmethod
    def on_stderr(*, quiet: bool) -> Progress:
        return Progress(sys.stderr, live=sys.stderr.isatty(), quiet=quiet)

    def phase(self, name: str) -> None:
        """The phase before is done, and this one starts."""
        with self._lock:
            self._finish()
            self._phase, self._count, self._since = escape(name), "", self._clock()
            if self._live:
                self._draw()
            elif not self._quiet:
                self._log(self._phase)

    def count(self, done: int, total: int | None, what: str) -> None:
        """So much of the present phase is done, of so much where that is known."""
        with self._lock:
            self._count = f"{done} {escape(what)}" if total is None else f"{done} of {total} {escape(what)}"
            now = self._clock()
            if self._live:
                self._draw()
            elif not self._quiet and now - self._logged >= _LOG_EVERY:
                self._log(f"{self._phase}: {self._count}")

    def __enter__(self) -> Self:
        if self._live:
            self._thread = threading.Thread(target=self._tick, name="progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: TracebackType | BaseException | None) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            if kind is None:
                self._finish()
            else:
                self._wipe()

    def _tick(self) -> None:
        while not self._stop.wait(_REFRESH):
            with self._lock:
                if self._phase and self._live:
                    self._draw()

    def _finish(self) -> None:
        """Leave the line of the phase that ends, with its time."""
        if not (self._phase and self._live):
            return
        self._wipe()
        self._write(f"{self._line('  ')}\n")
        self._phase = ""

    def _draw(self) -> None:
        self._wipe()
        self._write(self._line("> ")[: width() - 1])
        self._shown = True

    def _line(self, mark: str) -> str:
        seconds = self._clock() - self._since
        return f"{mark}{self._phase:<22} {seconds:6.1f} s  {self._count}".rstrip()

    def _wipe(self) -> None:
        if self._shown:
            self._write("\r\x1b[2K")
            self._shown = False

    def _log(self, text: str) -> None:
        self._logged = self._clock()
        tell(f"[{self._logged - self._start:6.1f} s] {text}")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._live = False  # nobody sees it
