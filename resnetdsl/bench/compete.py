"""Contestants made one after the other, checked against eager, and measured in turns."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from resnetdsl.bench.contestants import BASELINE, Contestant
from resnetdsl.bench.interleave import Plan, Times, measure
from resnetdsl.bench.match import Match, Run, agreement
from resnetdsl.bench.peers import Absent
from resnetdsl.bench.statistics import Spread, ratios, spread


@dataclass(frozen=True, slots=True)
class Row:
    """How one did. `problem` says why it was not measured; `ready` is how many seconds it took to its first result."""

    name: str
    group: str
    ready: float = 0.0
    agreement: float | None = None
    times: Times | None = None
    problem: str = ""
    absent: bool = False
    note: str = ""

    @property
    def spread(self) -> Spread | None:
        return spread(self.times.rounds) if self.times is not None and self.times.rounds else None


@dataclass(frozen=True, slots=True)
class Result:
    """One match: what was measured, and all who took part."""

    network: str
    batch: int
    size: tuple[int, ...]
    precision: str
    device: str
    threads: int
    rows: tuple[Row, ...]

    def row(self, name: str) -> Row | None:
        return next((row for row in self.rows if row.name == name), None)

    def ratio(self, row: Row, to: str = BASELINE) -> Spread | None:
        """How many times as fast as another it is, round by round."""
        other = self.row(to)
        if row.times is None or other is None or other.times is None:
            return None
        return ratios(row.times.rounds, other.times.rounds)

    def fastest(self, *groups: str) -> Row | None:
        measured = [(row.spread.median, row) for row in self.rows if row.spread is not None and row.group in groups]
        return min(measured, key=lambda pair: pair[0])[1] if measured else None


def compete(
    match: Match,
    entered: Sequence[Contestant],
    plan: Plan,
    threads: int,
    phase: Callable[[str], object] = lambda _: None,
    heard: Callable[[int, int, str], object] = lambda *_: None,
) -> Result:
    """Make all, then measure those that could be made. Whatever one of them raises is its own row."""
    rows: dict[str, Row] = {}
    calls: dict[str, Run] = {}
    expected = match.expected()
    for contestant in entered:
        phase(f"making {contestant.name}")
        start = time.perf_counter()
        row = Row(contestant.name, contestant.group)
        try:
            running = contestant.make(match)
            result = running.run()
            ready = time.perf_counter() - start
            row = Row(contestant.name, contestant.group, ready, agreement(expected, result), note=running.note)
            calls[contestant.name] = running.run
        except Absent as reason:
            row = Row(contestant.name, contestant.group, problem=str(reason), absent=True)
        except Exception as error:  # noqa: BLE001 - whatever a peer raises is a row that says so
            row = Row(contestant.name, contestant.group, problem=_first_line(error))
        rows[contestant.name] = row
    phase("measuring")
    gc.collect()
    times = measure(calls, plan, heard=lambda done, most: heard(done, most, "rounds"))
    measured = (replace(row, times=times.get(name)) for name, row in rows.items())
    return Result(
        match.network.name,
        match.batch,
        match.size,
        match.precision.value,
        match.device,
        threads,
        tuple(measured),
    )


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}"[:160] if lines else type(error).__name__
