"""What networks cost, remembered between runs: building five hundred of them takes the better part of a minute.

What is remembered holds for the texts of the spec, of what it imports and of the library, and for the program that
counted; a change in any of these counts anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from resnetdsl.analysis.costs import totals
from resnetdsl.paths import cache_dir, library_dir
from resnetdsl.spec import Spec
from resnetdsl.syntax.tables import write_whole
from resnetdsl.version import VERSION

_COUNTED_BY = ("analysis", "checks", "elaborate", "ir", "ops", "syntax")
"""The packages that a count comes from."""


@dataclass(frozen=True, slots=True)
class Count:
    """Trainable parameters and multiply-accumulates; None where the network has mistakes."""

    params: int | None
    macs: int | None


def counts(spec: Spec, match: str = "") -> Iterator[tuple[str, Count]]:
    """Each network of a spec that needs no arguments and has `match` in its name, with its count, as it is known."""
    path = cache_dir() / f"counts-{_key(spec)}.json"
    known = _read(path)
    before = len(known)
    try:
        for name in spec.networks:
            if match not in name:
                continue
            if name not in known:
                graph = spec.check(name).graphs[name]
                sums = totals(graph) if graph is not None else None
                known[name] = Count(sums.params, sums.macs) if sums is not None else Count(None, None)
            yield name, known[name]
    finally:  # whoever listens may have heard enough
        if len(known) > before:
            rows = {name: [count.params, count.macs] for name, count in known.items()}
            write_whole(path, json.dumps(rows, separators=(",", ":")).encode())


def _key(spec: Spec) -> str:
    found = hashlib.sha256(_program())
    for name, text in spec.origin.files:
        found.update(f"{name}\0{len(text)}\0{text}".encode())
    return found.hexdigest()[:16]


@cache
def _program() -> bytes:
    """A digest of the library and of the code that counts."""
    package = Path(__file__).parent
    files = [*library_dir().glob("*.rnet"), *(path for name in _COUNTED_BY for path in (package / name).rglob("*.py"))]
    found = hashlib.sha256(VERSION.encode())
    for path in sorted(files):
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.digest()


def _read(path: Path) -> dict[str, Count]:
    """What is remembered. A file that is not what it should be is as good as none."""
    try:
        rows = json.loads(path.read_bytes())
        return {str(name): Count(_number(row[0]), _number(row[1])) for name, row in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return {}


def _number(value: object) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise ValueError(value)
    return value
