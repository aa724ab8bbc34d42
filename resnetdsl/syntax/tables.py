"""The parse tables as plain data, kept between runs.

Building them from the grammar takes Lark a quarter of a second, and importing Lark takes a fifteenth; a command
that checks one file has no such time. So the tables are computed once for a grammar and a Python, written to the cache
directory as JSON (never as a pickle: what is read back is data, whoever wrote it), and read from there.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from importlib.util import source_hash
from pathlib import Path
from typing import Any

from resnetdsl.paths import cache_dir

FORMAT = 1

END = "$END"
NEWLINE = "_NEWLINE"


class Kind(IntEnum):
    """What is done with the parts of a rule."""

    UNIT = 0  # `?rule` with one symbol: nothing happens
    PASS = 1  # the value of part `picks[0]`; ( ) around it widen its place
    GATHER = 2  # a helper of (part)*: a Python list
    BUILD = 3  # the builder's method `name` is called


@dataclass(frozen=True, slots=True)
class Rule:
    """`picks` are (index of the part, whether it is a helper's list, how many absent [parts] come before it)."""

    origin: str
    length: int
    kind: Kind
    name: str
    picks: tuple[tuple[int, bool, int], ...]
    absent_after: int


@dataclass(frozen=True, slots=True)
class Tables:
    """`states[s][symbol]` is the next state, or `~rule` where a rule is complete.

    Terminals are (name, regular expression or text, whether it is text).
    """

    states: list[dict[str, int]]
    rules: list[Rule]
    starts: dict[str, int]
    ends: dict[str, int]
    terminals: list[tuple[str, str, bool]]

    def symbols(self) -> list[str]:
        """The symbol that leads into each state."""
        leading = [""] * len(self.states)
        for state in self.states:
            for symbol, target in state.items():
                if target >= 0:
                    leading[target] = symbol
        return leading


def load(grammar: str, build: Callable[[str], Tables]) -> Tables:
    """The tables of a grammar, from the cache where that is possible. Any fault of the cache means building anew."""
    key = source_hash(f"{FORMAT}\n{sys.version}\n{grammar}".encode()).hex()
    path = cache_dir() / f"tables-{key}.json"
    try:
        return _decode(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        tables = build(grammar)
        write_whole(path, json.dumps(_encode(tables), separators=(",", ":")).encode())
        return tables


def write_whole(path: Path, data: bytes) -> None:
    """Write a cache file whole or not at all; a cache that cannot be written is no fault."""
    import tempfile  # slow to import, and only needed once

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)


def _encode(tables: Tables) -> dict[str, object]:
    return {
        "states": tables.states,
        "rules": [[r.origin, r.length, int(r.kind), r.name, r.picks, r.absent_after] for r in tables.rules],
        "starts": tables.starts,
        "ends": tables.ends,
        "terminals": tables.terminals,
    }


def _decode(data: Any) -> Tables:
    rules = [
        Rule(origin, length, Kind(kind), name, tuple((i, bool(many), n) for i, many, n in picks), after)
        for origin, length, kind, name, picks, after in data["rules"]
    ]
    terminals = [(name, text, literal) for name, text, literal in data["terminals"]]
    starts, ends = data["starts"], data["ends"]
    states = data["states"]
    if not (isinstance(states, list) and all(isinstance(state, dict) for state in states)):
        raise TypeError("not parse tables")
    return Tables(states, rules, {**starts}, {**ends}, terminals)
