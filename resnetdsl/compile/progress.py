"""How far a phase is, from wherever the work is done to whoever shows it. No torch here.

Phases go by the `progress` argument of the compiler. Counts come from deep inside an engine, which knows nothing of
displays: it says `count(3, 11, "kernels")`, and the command line listens with `counting`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Counter = Callable[[int, int | None, str], None]

_listener: ContextVar[Counter | None] = ContextVar("listener", default=None)


def count(done: int, total: int | None, what: str) -> None:
    """Say that `done` of `total` regions, kernels or engines (`what`, a plural) are finished; None if nobody knows of
    how many."""
    listener = _listener.get()
    if listener is not None:
        listener(done, total, what)


@contextmanager
def counting(listener: Counter) -> Iterator[None]:
    """Have `listener` hear the counts of what is compiled in here. Threads hear it if they run in a copied context."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
