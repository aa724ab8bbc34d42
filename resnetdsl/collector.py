"""Python's search for cycles of garbage, made seldom while many objects are made that stay.

A network of a thousand layers is half a million objects. By default they are looked through again and again while they
are made, and nothing is found: a third of a compilation, a quarter of `check`. Seldom, not never: what a compiler
leaves behind in minutes is still found.
"""

from __future__ import annotations

import gc
from contextlib import ContextDecorator
from threading import Lock

_SELDOM = (500_000, 10, 10)
"""New objects before the young ones are looked at; the default is some hundreds."""


class _Seldom(ContextDecorator):
    """Within, garbage is seldom looked for; afterwards as before. Threads may overlap: the last to leave restores."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._before = gc.get_threshold()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._before = gc.get_threshold()
                gc.set_threshold(*_SELDOM)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                gc.set_threshold(*self._before)


seldom = _Seldom()
