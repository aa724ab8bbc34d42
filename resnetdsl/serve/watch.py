"""Whether files have changed. They are asked for their times, several times a second.

Events of the system would come sooner by a fraction of a second, but not from network folders, containers and some
editors' ways of saving; a handful of files costs a few microseconds to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event

INTERVAL = 0.2
"""Seconds between two looks."""
_SETTLE = 0.03

Stamp = tuple[int, int, int] | None


def stamp(path: Path) -> Stamp:
    """What changes when a file is written, replaced or taken away; None where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def watch(paths: Callable[[], Iterable[Path]], changed: Callable[[], None], end: Event) -> None:
    """Call `changed` each time any of the files has changed, until `end` is set; `paths` may be others each time."""
    known = _stamps(paths())
    while not end.wait(INTERVAL):
        now = _stamps(paths())
        if now == known:
            continue
        # An editor may be in the middle of it: the old file gone and the new one not there, or half of it written.
        while not end.wait(_SETTLE) and (settled := _stamps(paths())) != now:
            now = settled
        changed()
        # What `changed` has read is not older than `now`; a file that it found for the first time is new to us.
        known = {path: now.get(path, stamp(path)) for path in paths()}


def _stamps(paths: Iterable[Path]) -> dict[Path, Stamp]:
    return {path: stamp(path) for path in paths}
