"""What differs between two networks, told: equal changes and whole blocks in one line each, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from resnetdsl.analysis.costs import Cost, costs, depth, totals
from resnetdsl.analysis.difference import Change, Difference, Pair, Status
from resnetdsl.emit.outline import Level, Part, Run, outline, runs, signature
from resnetdsl.emit.words import grouped, human, printable
from resnetdsl.ir.graph import Graph, Node
from resnetdsl.ir.types import TensorType

SCHEMA = 1
"""The version of the JSON. Keys may be added under one version, never renamed or given another meaning."""

_MARKS = {
    Status.ADDED: "+",
    Status.REMOVED: "-",
    Status.CHANGED: "~",
    Status.RENAMED: ">",
    Status.RESHAPED: "=",
}
_CONSEQUENCES = ("output", "weights")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what happened, to which layers, and what there is to say of it."""

    status: Status
    name: str
    what: str
    details: str


def as_text(found: Difference, level: Level = Level.BLOCK) -> str:
    """The changes in the order of the second network, those that went among them, and the totals of both.

    At level `op` every layer has a line; at others what came or went is told by its blocks, equal changes together.
    """
    names = [printable(found.before.name), printable(found.after.name)]
    if found.same:
        return f"{names[0]} and {names[1]} are the same, layer by layer\n"
    lines = [*_gone(found, level), *_come(found, level), *_changed(found, level)]
    table = [
        [_MARKS[line.status], printable(line.name), printable(line.what), printable(line.details)] for line in lines
    ]
    parts = [f"{names[0]} -> {names[1]}", *_columns(table)]
    if (reshaped := sum(pair.status is Status.RESHAPED for pair in found.pairs)) and level is not Level.OP:
        layers = "1 layer has" if reshaped == 1 else f"{reshaped} layers have"
        parts.append(f"{_MARKS[Status.RESHAPED]} {layers} other sizes because of it")
    parts += [f"{_result(change)}" for change in found.results]
    return "\n".join([parts[0], "", *parts[1:], "", *_totals(found, names)]).replace("\n\n\n", "\n\n") + "\n"


def as_data(found: Difference) -> dict[str, object]:
    """Everything, for programs: plain data that JSON can hold."""
    before, after = costs(found.before), costs(found.after)

    def layer(graph: Graph, cost: dict[int, Cost], id: int) -> dict[str, object]:
        node = graph.node(id)
        return {"name": node.path, "op": node.op, "params": cost[id].params, "macs": cost[id].macs}

    return {
        "same": found.same,
        "before": {"network": found.before.name, **_facts(found.before)},
        "after": {"network": found.after.name, **_facts(found.after)},
        "removed": [layer(found.before, before, id) for id in found.removed],
        "added": [layer(found.after, after, id) for id in found.added],
        "changed": [
            {
                "status": pair.status.value,
                "before": layer(found.before, before, pair.before),
                "after": layer(found.after, after, pair.after),
                "changes": [
                    {"what": c.what, "before": _plain(c.before), "after": _plain(c.after)} for c in pair.changes
                ],
            }
            for pair in found.pairs
            if pair.status is not Status.SAME
        ],
        "outputs": [asdict(change) for change in found.results],
    }


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, TensorType) else value


# --- what came and went ---


def _gone(found: Difference, level: Level) -> Iterator[Line]:
    yield from _whole(found.before, frozenset(found.removed), Status.REMOVED, level)


def _come(found: Difference, level: Level) -> Iterator[Line]:
    yield from _whole(found.after, frozenset(found.added), Status.ADDED, level)


def _whole(graph: Graph, ids: frozenset[int], status: Status, level: Level) -> Iterator[Line]:
    """The layers of one fate: by the outermost parts that share it whole, equal neighbours together."""
    if not ids:
        return
    cost = costs(graph)

    def line(name: str, what: str, nodes: Sequence[Node]) -> Line:
        params, macs = sum(cost[node.id].params for node in nodes), sum(cost[node.id].macs for node in nodes)
        facts = [f"{grouped(params)} parameters" if params else "", f"{human(macs)} MACs" if macs else ""]
        return Line(status, name, what, ", ".join(filter(None, facts)))

    def walk(part: Part) -> Iterator[Line]:
        whole = (
            [item for item in part.items if isinstance(item, Part) and _all(item, ids)] if level is not Level.OP else []
        )
        same = {id(item): item for item in whole}
        for item in runs(part.items, lambda inner: signature(graph, inner, taps=False) if id(inner) in same else None):
            match item:
                case Node() if item.id in ids:
                    yield line(item.path, item.op, [item])
                case Run(parts=parts) if id(item.first) in same:
                    last = f" to {parts[-1].scope.path}" if item.count > 1 else ""
                    copies = f"{item.count} × " if item.count > 1 else ""
                    nodes = [node for inner in parts for node in inner.nodes]
                    yield line(f"{item.first.scope.path}{last}", f"{copies}{item.first.scope.name}", nodes)
                case Run(parts=parts):
                    for inner in parts:
                        yield from walk(inner)
                case _:
                    pass

    yield from walk(outline(graph))


def _all(part: Part, ids: frozenset[int]) -> bool:
    return bool(part.scope.path) and all(node.id in ids for node in part.nodes)


# --- what changed ---


def _changed(found: Difference, level: Level) -> Iterator[Line]:
    """Pairs that differ of themselves, those with equal words in one line; at level `op`, each and all."""
    groups: dict[tuple[Status, str, str], list[str]] = {}
    for pair in found.pairs:
        if pair.status is Status.SAME or (pair.status is Status.RESHAPED and level is not Level.OP):
            continue
        node = found.after.node(pair.after)
        details = "; ".join(_words(pair, level))
        # Every renaming has a name of its own and cannot be told together with others.
        name = found.before.node(pair.before).path if pair.status is Status.RENAMED else node.path
        key = (pair.status, node.op, details if level is not Level.OP else f"{details}\0{pair.after}")
        groups.setdefault(key, []).append(name)
    for (status, op, details), names in groups.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield Line(status, f"{names[0]}{more}", op, details.split("\0")[0])


def _words(pair: Pair, level: Level) -> Iterator[str]:
    own = [change for change in pair.changes if change.what not in _CONSEQUENCES]
    for change in own if own and level is not Level.OP else pair.changes:
        match change:
            case Change(what="weights"):
                yield f"weights {grouped(_elements(change.before))} -> {grouped(_elements(change.after))}"
            case Change(what="name"):
                yield f"-> {change.after}"
            case Change(what="op"):
                yield f"was {change.before}"
            case _:
                yield f"{change.what} {_show(change.before)} -> {_show(change.after)}"


def _elements(weights: object) -> int:
    """How many numbers are in leaves, given as pairs of name and shape."""
    return sum(math.prod(shape) for _, shape in weights) if isinstance(weights, tuple) else 0


def _show(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case tuple() if value and all(isinstance(item, int) for item in value):
            return "x".join(map(str, value))
        case tuple():
            return ", ".join(map(_show, value)) or "nothing"
        case _:
            return str(value)


def _result(change: Change) -> str:
    match change:
        case Change(before=None):
            return f"+ output {change.what}, from {change.after}"
        case Change(after=None):
            return f"- output {change.what}, from {change.before}"
        case _:
            return f"~ output {change.what}: from {change.after}, was from {change.before}"


# --- totals ---


def _facts(graph: Graph) -> dict[str, int]:
    sums = totals(graph)
    return {
        "layers": sums.nodes,
        "params": sums.params,
        "macs": sums.macs,
        "activations": sums.activations,
        "depth": depth(graph),
    }


def _totals(found: Difference, names: list[str]) -> Iterator[str]:
    before, after = _facts(found.before), _facts(found.after)
    titles = {"params": "parameters", "macs": "MACs"}
    rows = [["", *names, "change", ""]]
    for key, was in before.items():
        now = after[key]
        share = f"{100 * (now - was) / was:+.1f} %" if was and now != was else ""
        rows.append(
            [titles.get(key, key), grouped(was), grouped(now), f"{now - was:+,}" if now != was else "same", share]
        )
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(
            [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()


def _columns(table: list[list[str]]) -> list[str]:
    widths = [max((len(row[at]) for row in table), default=0) for at in range(3)]
    return [
        f"{row[0]} {row[1]:<{min(widths[1], 48)}}  {row[2]:<{min(widths[2], 24)}}  {row[3]}".rstrip() for row in table
    ]
