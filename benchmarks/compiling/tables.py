"""Results as the tables of docs/performance.md, with the targets beside the figures. A miss is called one."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks.compiling import words
from benchmarks.compiling.plan import OURS, PLAN, STARTS, Unit
from resnetdsl.bench.report import seconds
from resnetdsl.bench.statistics import Spread, ratios, spread

Results = Mapping[str, Mapping[str, Any]]

_GROUPS = ("eager", "peer", "ours")


def document(results: Results, here: Mapping[str, str], plan: Sequence[Unit] = PLAN) -> str:
    """All sections that there is anything to say of."""
    libraries = ", ".join(
        f"{name} {number}" for name, number in here.items() if name not in _NOT_VERSIONS and number != "none"
    )
    parts = ["## Compiling and running", _wrapped(words.MEASURED.format(**here, libraries=libraries))]
    for section in (_cold, _start, _run, _precision, _int8, _training, _memory):
        parts += section(results, plan)
    left = [unit.key for unit in plan if unit.key not in results]
    if left:
        parts.append(f"Not measured in this run: {', '.join(left)}.")
    return "\n\n".join(parts)


_NOT_VERSIONS = {"processor", "cores", "threads", "system", "python", "commit"}


def _wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in (header, *rows)]
    lines.insert(1, f"| --- {'| ---: ' * (len(header) - 1)}|")
    return "\n".join(lines)


def judged(value: float, most: float) -> str:
    """A ratio that is to be small, and whether it is."""
    return f"{value:.2f}, {'met' if value <= most else 'missed'} (at most {most:g})"


# --- cold and warm compilation ---


def _cold(results: Results, plan: Sequence[Unit]) -> list[str]:
    took: dict[tuple[str, str], dict[str, Any]] = {}
    for unit, found in _of("cold", results, plan):
        took[unit.title, unit.contestant] = dict(found.get("seconds", {})) or {"cold": found.get("problem", "")}
    if not took:
        return []
    rows = [(net, who, _took(states.get("cold")), _took(states.get("warm"))) for (net, who), states in took.items()]

    def ratio(title: str, one: tuple[str, str], other: tuple[str, str], most: float) -> list[tuple[str, str]]:
        mine, theirs = (took.get(each, {}).get("cold") for each in (one, other))
        if not isinstance(mine, float) or not isinstance(theirs, float):
            return []
        return [(title, judged(mine / theirs, most))]

    verdicts = [
        *ratio("ResNet-50, of `torch.compile` on timm's", ("resnet50", OURS), ("resnet50", "torch.compile"), 0.7),
        *ratio(
            "1001 layers, of `torch.compile` whole", ("preresnet1001", OURS), ("preresnet1001", "torch.compile"), 0.3
        ),
        *ratio("1001 layers, of our own 29", ("preresnet1001", OURS), ("preresnet29", OURS), 1.5),
    ]
    return [
        "### Compiling",
        words.COLD,
        table(("network", "compiler", "cold", "warm"), rows),
        *([table(("cold compile time", "ratio"), verdicts)] if verdicts else []),
    ]


def _took(value: object) -> str:
    return f"{value:.1f} s" if isinstance(value, int | float) else str(value or "")


# --- start ---


def _start(results: Results, plan: Sequence[Unit]) -> list[str]:
    parts: list[str] = []
    for unit, found in _of("start", results, plan):
        rows: list[tuple[str, ...]] = []
        for backend, runs in found.get("seconds", {}).items():
            load, first = spread([run[1] for run in runs]), spread([run[2] for run in runs])
            whole = spread([run[1] + run[2] for run in runs])
            verdict = f"{'met' if whole.median <= _START else 'missed'} (at most {_START} s)"
            rows.append((backend, around(load), around(first), around(whole), verdict))
        rows += [(name, f"fails: {why}", "", "", "") for name, why in found.get("problems", {}).items()]
        rows += _problem(found, 5)
        count = max(map(len, found.get("seconds", {}).values()), default=STARTS)
        parts += [
            f"### Starting: {unit.title}",
            _wrapped(words.START.format(batch=unit.batch, count=count)),
            table(("engine", "load", "first answer", "together", "target"), rows),
        ]
    return parts


_START = 0.5


def _ratio(won: Spread) -> str:
    return f"{won.median:.2f} ({won.low:.2f} to {won.high:.2f})"


def around(found: Spread, show: Callable[[float], str] = seconds) -> str:
    return f"{show(found.median)} ({show(found.low)} to {show(found.high)})"


# --- run speed ---


def _run(results: Results, plan: Sequence[Unit]) -> list[str]:
    parts: list[str] = []
    summary: list[tuple[str, ...]] = []
    for unit, found in _of("run", results, plan):
        title = f"{unit.title}, batch {unit.batch}"
        rows, best = _rows(found)
        parts += [f"#### {title}", table(("", "time", "times as fast as eager", "off eager by"), rows)]
        # What a user gets who lets us choose, and not what is known afterwards to have been the fastest.
        chosen = next((row for row in found.get("rows", []) if row["name"] == _CHOSEN and row["rounds"]), None)
        ours, other = chosen or best.get("ours"), best.get("peer") or best.get("eager")
        if ours is None or other is None:
            summary.append((title, "", "", "", "", "not measured"))
            continue
        won = ratios(ours["rounds"], other["rounds"])
        off = ours["agreement"]
        verdict = "met" if won.median >= 1 else "level" if won.high >= 1 else "missed"
        agrees = "" if off is None or off <= _AGREES else f"; off by {off:.0e}"
        summary.append(
            (
                title,
                _named(ours),
                _named(other),
                f"{won.median:.2f} ({won.low:.2f} to {won.high:.2f})",
                _share(found, ours),
                verdict + agrees,
            )
        )
    if not parts:
        return []
    return [
        "### Running, float32",
        words.RUN,
        table(("network", "ours", "fastest peer", "times as fast", "of the rate", "target"), summary),
        *parts,
    ]


def _share(found: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    """How near a network comes to the rate of this machine's matrix product."""
    least = found.get("least_seconds")
    return f"{least / spread(ours['rounds']).median:.0%}" if least else ""


_AGREES = 1e-4
_CHOSEN = "resnetdsl auto"


def _rows(found: Mapping[str, Any]) -> tuple[list[tuple[str, ...]], dict[str, Mapping[str, Any]]]:
    """The lines of a table, and the fastest of each group."""
    rows: list[tuple[str, ...]] = []
    best: dict[str, Mapping[str, Any]] = {}
    for row in found.get("rows", []):
        if not row["rounds"]:
            if not _is_absent(row["problem"]):
                rows.append((_named(row), f"fails: {row['problem']}", "", ""))
            continue
        if row["group"] not in best or row["seconds"]["median"] < best[row["group"]]["seconds"]["median"]:
            best[row["group"]] = row
        off = "" if row["name"] == "eager" or row["agreement"] is None else f"{row['agreement']:.0e}"
        rows.append((_named(row), around(spread(row["rounds"])), f"{row['speedup']['median']:.2f}", off))
    return rows + _problem(found, 4), best


def _is_absent(problem: str) -> bool:
    return problem.startswith(("not installed", "it has no", "its ", "no "))


def _named(row: Mapping[str, Any]) -> str:
    return f"{row['name']} ({row['note']})" if row.get("note") else str(row["name"])


# --- narrower types ---


def _precision(results: Results, plan: Sequence[Unit]) -> list[str]:
    parts: list[str] = []
    for unit, found in _of("precision", results, plan):
        rows, _ = _rows(found)
        by_name = {row["name"]: row for row in found.get("rows", []) if row["rounds"]}
        full, narrow = by_name.get("resnetdsl float32"), by_name.get("resnetdsl int8")
        verdict = []
        if full and narrow:
            won = ratios(narrow["rounds"], full["rounds"])
            met = "met" if won.median >= _INT8 else "missed"
            verdict = [
                table(("int8 beside our float32", "times as fast"), [(f"{met} (at least {_INT8})", _ratio(won))])
            ]
        parts += [
            f"### Narrower types: {unit.title}, batch {unit.batch}",
            words.PRECISION,
            table(("", "time", "times as fast as eager", "off eager by"), rows),
            *verdict,
        ]
    return parts


_INT8 = 2.5


def _int8(results: Results, plan: Sequence[Unit]) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for unit, found in _of("int8", results, plan):
        by_name = {row["name"]: row for row in found.get("rows", []) if row["rounds"]}
        full, narrow = by_name.get("resnetdsl float32"), by_name.get("resnetdsl int8")
        if full and narrow:
            times = [f"{around(spread(row['rounds']))}, {row.get('note', '')}" for row in (full, narrow)]
            rows.append((unit.title, *times, _ratio(ratios(narrow["rounds"], full["rounds"]))))
        else:
            problems = [str(row["problem"]) for row in found.get("rows", []) if row["problem"]]
            rows.append((unit.title, f"fails: {found.get('problem') or '; '.join(problems)}", "", ""))
    if not rows:
        return []
    return [
        "### int8, other networks, batch 1",
        words.INT8,
        table(("network", "float32", "int8", "times as fast"), rows),
    ]


# --- training ---


def _training(results: Results, plan: Sequence[Unit]) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for unit, found in _of("training", results, plan):
        title = f"{unit.title}, {unit.batch} of {'x'.join(map(str, found.get('input', ())))}"
        for name, row in found.get("rows", {}).items():
            if not row["rounds"]:
                rows.append((title, name, f"fails: {row['problem']}", ""))
                continue
            won = found["speedups"].get(name)
            share = f"{1 / won['median']:.2f} ({1 / won['high']:.2f} to {1 / won['low']:.2f})" if won else ""
            judgement = _no_loss(won) if won and name in {"ours", "ours, torch.compile"} else ""
            rows.append((title, name, around(spread(row["rounds"])), f"{share}{judgement}"))
        rows += [(title, *row[:3]) for row in _problem(found, 4)]
    if not rows:
        return []
    return [
        "### Training",
        words.TRAINING,
        table(("network", "module", "step", "ratio"), rows),
    ]


def _no_loss(won: Mapping[str, float]) -> str:
    """Our step over theirs is the inverse of times as fast."""
    return ", met" if won["median"] >= 1 else ", level" if won["high"] >= 1 else ", missed"


def _memory(results: Results, plan: Sequence[Unit]) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for unit, found in _of("memory", results, plan):
        title = f"{unit.title}, {unit.batch} of {'x'.join(map(str, found.get('input', ())))}"
        held = found.get("bytes", {})
        rows += [(title, name, around(spread(values), _mega)) for name, values in held.items()]
        rows += [(title, *row[:2]) for row in _problem(found, 3)]
    if not rows:
        return []
    return [
        "### Memory of training",
        words.MEMORY,
        table(("network", "module", "memory"), rows),
    ]


def _mega(value: float) -> str:
    return f"{value / 1e6:.0f} MB"


def _of(section: str, results: Results, plan: Sequence[Unit]) -> list[tuple[Unit, Mapping[str, Any]]]:
    return [(unit, results[unit.key]) for unit in plan if unit.section == section and unit.key in results]


def _problem(found: Mapping[str, Any], columns: int) -> list[tuple[str, ...]]:
    """A row for a unit that failed as a whole."""
    if not found.get("problem"):
        return []
    return [("all", f"fails: {found['problem']}", *[""] * (columns - 2))]
