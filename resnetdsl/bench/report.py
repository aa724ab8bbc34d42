"""A result as a table for people and as data for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from resnetdsl.bench.compete import Result, Row
from resnetdsl.bench.contestants import BASELINE

HEADER = ("", "time", "quartiles", "images/s", "times as fast", "ready in", "off eager by")


def as_data(result: Result) -> dict[str, object]:
    """All of it, the times of each round too."""
    rows = []
    for row in result.rows:
        spread, ratio = row.spread, result.ratio(row)
        rows.append(
            {
                "name": row.name,
                "group": row.group,
                "seconds": asdict(spread) if spread else None,
                "rounds": list(row.times.rounds) if row.times else [],
                "warmup": {"calls": row.times.warmup, "settled": row.times.settled} if row.times else None,
                "images_per_second": result.batch / spread.median if spread else None,
                "speedup": asdict(ratio) if ratio else None,
                "ready_seconds": row.ready if spread else None,
                "agreement": row.agreement,
                "problem": row.problem,
                "note": row.note,
            }
        )
    return {
        "network": result.network,
        "batch": result.batch,
        "input": list(result.size),
        "dtype": result.precision,
        "device": result.device,
        "threads": result.threads,
        "rows": rows,
    }


def as_text(result: Result) -> str:
    """The table, and below it the verdict and those who did not take part."""
    table = [HEADER, *(cells(result, row) for row in result.rows if row.spread is not None)]
    widths = [max(len(line[at]) for line in table) for at in range(len(HEADER))]
    lines = [title(result), ""]
    for line in table:
        rest = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        lines.append("  ".join([line[0].ljust(widths[0]), *rest]).rstrip())
    return "\n".join([*lines, "", *verdict(result), *missing(result)]) + "\n"


def title(result: Result) -> str:
    size = "x".join(map(str, result.size))
    threads = f", {result.threads} thread{'' if result.threads == 1 else 's'}" if result.device == "cpu" else ""
    return f"{result.network}, batch {result.batch} of {size}, {result.precision} on {result.device}{threads}"


def cells(result: Result, row: Row) -> tuple[str, ...]:
    """A line of the table, under `HEADER`."""
    spread, ratio = row.spread, result.ratio(row)
    name = f"{row.name} ({row.note})" if row.note else row.name
    if spread is None:
        return (name, *[""] * (len(HEADER) - 1))
    off = "" if row.name == BASELINE or row.agreement is None else f"{row.agreement:.0e}"
    return (
        name,
        seconds(spread.median),
        f"{seconds(spread.low)} to {seconds(spread.high)}",
        f"{result.batch / spread.median:.1f}",
        f"{ratio.median:.2f}" if ratio else "",
        f"{row.ready:.1f} s",
        off,
    )


def seconds(value: float) -> str:
    """`41.3 ms`: three digits."""
    scaled, unit = (value * 1e3, "ms") if value >= 1e-3 else (value * 1e6, "µs")
    return (
        f"{scaled:.0f} {unit}"
        if scaled >= 99.5
        else f"{scaled:.1f} {unit}"
        if scaled >= 9.95
        else f"{scaled:.2f} {unit}"
    )


def verdict(result: Result) -> list[str]:
    """Our fastest against the fastest of the others, with the quartiles of the ratio."""
    ours, others = result.fastest("ours"), result.fastest("eager", "peer")
    if ours is None or others is None:
        return []
    ratio = result.ratio(ours, others.name)
    if ratio is None:
        return []
    words = f"{ours.name}: {ratio.median:.2f} times as fast as {others.name}, the fastest of the others"
    lines = [f"{words} ({ratio.low:.2f} to {ratio.high:.2f}, {ratio.count} rounds)"]
    restless = [row.name for row in result.rows if row.times is not None and not row.times.settled]
    if restless:
        lines.append(f"still changing when the warm-up ended: {', '.join(restless)}")
    return lines


def missing(result: Result) -> list[str]:
    """Those who were not measured, and why."""
    absent = [f"{row.name} ({row.problem})" for row in result.rows if row.absent]
    failed = [f"failed: {row.name}: {row.problem}" for row in result.rows if row.problem and not row.absent]
    return ([f"not compared: {', '.join(absent)}"] if absent else []) + failed


def markdown(result: Result, extra: Sequence[str] = ()) -> str:
    """The table in Markdown; those who failed have a row that says so."""
    rows = [cells(result, row) for row in result.rows if row.spread is not None]
    rows += [(row.name, f"fails: {row.problem}", *[""] * 5) for row in result.rows if row.problem and not row.absent]
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in (HEADER, *rows)]
    lines.insert(1, f"| --- {'| ---: ' * (len(HEADER) - 1)}|")
    return "\n".join([*lines, *(["", *extra] if extra else [])])
