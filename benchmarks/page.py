"""What every benchmark does with what it found: its part of the page, and lines for whoever waits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from benchmarks.compiling.store import Store

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"


class Keyed(Protocol):
    """A piece of work that a store knows."""

    @property
    def key(self) -> str: ...

    @property
    def seconds(self) -> float: ...


U = TypeVar("U", bound=Keyed)


def put(part: str, text: str, page: Path = PAGE) -> None:
    """Put the text between the marks of a part of the page, at the page's end if it has none."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    whole = page.read_text(encoding="utf-8") if page.is_file() else "# Performance\n"
    if begin not in whole:
        whole = f"{whole.rstrip()}\n\n{begin}\n{end}\n"
    before, _, rest = whole.partition(begin)
    page.write_text(f"{before}{begin}\n{text.rstrip()}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def overview(units: Sequence[U], store: Store) -> None:
    """The units and whether they are measured."""
    for unit in units:
        print(f"{unit.key:<50} {'kept' if unit.key in store else f'about {unit.seconds:.0f} s'}")


def carry_out(work: Callable[[], list[U]], store: Store) -> list[U] | None:
    """Do the work: what is left of it for want of time, which is said; None after Ctrl-C."""
    if store.dropped:
        say(f"{store.dropped} results of another commit, version or machine are forgotten")
    try:
        left = work()
    except KeyboardInterrupt:
        say(f"interrupted; {store.path} has what was measured, and the same command goes on from there")
        return None
    if left:
        say(f"{len(left)} units did not fit into the time; the same command goes on: {', '.join(u.key for u in left)}")
    return left
