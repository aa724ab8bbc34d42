"""What stands in a box. By the names of attributes, which say the same of every op that has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import PurePath

from resnetdsl.analysis.costs import Cost
from resnetdsl.emit.diagram.model import About
from resnetdsl.emit.words import human, human_bytes, printable, shortened
from resnetdsl.ir.graph import Graph, Node, ScopeKind, Value
from resnetdsl.ir.types import TensorType

MOST = 44
"""Characters of a line in a box."""

MOST_LAYERS, MOST_KERNELS = 12, 6

_LONG_NOTE = 400


def line(text: str) -> str:
    """A text that is safe to draw and not too wide."""
    return shortened(printable(text), MOST)


def caption(node: Node, weights: Sequence[Node] = ()) -> str:
    """`conv 3×3, 64, /2`: an op with what matters of its attributes."""
    attrs = node.attrs
    text = word(node, weights)
    if "kernel" in attrs:
        text += f" {_size(attrs['kernel'])}"
    more = [str(attrs[name]) for name in ("out_channels", "out_features") if name in attrs]
    if _notable(attrs.get("stride"), attrs.get("kernel")):
        more.append(f"/{_factor(attrs['stride'])}")
    if _notable(attrs.get("dilation")):
        more.append(f"dilation {_factor(attrs['dilation'])}")
    groups = attrs.get("groups")
    if groups not in (None, 1) and "out_channels" in attrs:
        more.append("depthwise" if groups == attrs["out_channels"] else f"{groups} groups")
    return line(", ".join([text, *more]))


def word(node: Node, weights: Sequence[Node] = ()) -> str:
    """An op in a word; with a number, `multiply 0.2`, or the free weights that it reads, `multiply gamma`."""
    value = node.attrs.get("value")
    if node.op.endswith("_scalar") and isinstance(value, int | float):
        return f"{node.op.removesuffix('_scalar')} {value:.4g}"
    return " ".join([node.op, *(each.path.rpartition(".")[2] for each in weights)])


def kernels(graph: Graph, nodes: Sequence[Node], costs: dict[int, Cost]) -> str:
    """`1×1 → 3×3 → 1×1`: the weighted layers of a block, where they are few and have windows.

    Of two ways `3×3, 1×1`; of layers that see one pixel, as those of a gate do, the name of their block: `3×3 · se`.
    """
    layers = [node for node in nodes if costs[node.id].weighted and node.attrs.get("kernel") is not None]
    if not 1 < len(layers) <= MOST_LAYERS:
        return ""
    before = _layers_before(graph, nodes, {node.id for node in layers})
    image = [node for node in layers if node.outputs[0].numel != node.outputs[0].size("c")] or layers
    in_order = all(one.id in before[other.id] for one, other in pairwise(image))
    texts = [_size(node.attrs["kernel"]) for node in image]
    if not 1 < len(texts) <= MOST_KERNELS:
        return ""
    gates = dict.fromkeys(_block(graph, node) for node in layers if node not in image)
    names = [name for name in gates if name not in {_block(graph, node) for node in image}]
    return " · ".join([(" → " if in_order else ", ").join(texts), *names])


def _block(graph: Graph, node: Node) -> str:
    """The innermost block that a node stands in."""
    names = [scope.name for scope in graph.trail(node.scope) if scope.kind is ScopeKind.BLOCK]
    return names[-1] if names else ""


def _layers_before(graph: Graph, nodes: Sequence[Node], layers: set[int]) -> dict[int, set[int]]:
    """For each node, in order, those of the layers that it is computed from."""
    found: dict[int, set[int]] = {}
    for node in nodes:
        found[node.id] = set()
        for source in graph.inputs(node.id):
            found[node.id] |= found.get(source.node, set()) | ({source.node} & layers)
    return found


def work(nodes: Iterable[Node], costs: dict[int, Cost]) -> str:
    """`70.4 k params, 218 M MACs`."""
    params = macs = 0
    for node in nodes:
        params += costs[node.id].params
        macs += costs[node.id].macs
    return _costs(params, macs)


def _costs(params: int, macs: int) -> str:
    parts = [f"{human(params)} params"] if params else []
    return ", ".join([*parts, f"{human(macs)} MACs"] if macs else parts)


def note(about: About) -> str:
    """What hovering over a box tells: its path and where that comes from, shapes, costs, documentation."""
    copies = f" .. {about.copies[-1]}" if len(about.copies) > 1 else ""
    ways = " → ".join(filter(None, (_shapes(about.inputs), _shapes(about.outputs))))
    memory = [f"{human_bytes(about.bytes)} of activations"] if about.bytes else []
    made = [f"{PurePath(about.span.file.name).name}:{about.span.line}"] if about.span else []
    names = [step.name for step in about.trail]
    lines = (
        about.path + copies,
        ways,
        _costs(about.sums.params, about.sums.macs),
        ", ".join([*memory, f"receptive field {about.field}"]),
        ", ".join([*made, " > ".join(names)]),
        about.doc,
    )
    return "\n".join(printable(line) for line in lines if line)[:_LONG_NOTE]


def _shapes(shapes: Sequence[str]) -> str:
    """`64×56×56`, `4 × 26×28×28` for equal ones."""
    return ", ".join(
        f"{count} × {text}" if (count := shapes.count(text)) > 1 else text for text in dict.fromkeys(shapes)
    )


def shape(kind: TensorType) -> str:
    """`64×56×56`."""
    return str(kind).replace("x", "×") if kind.shape else "scalar"


def input_shape(graph: Graph, kind: TensorType) -> str:
    """The input's shape, with the ranges that the spec holds for."""
    if len(graph.input_ranges) != len(kind.shape):
        return shape(kind)
    dims = [
        str(dim) if span is None else f"{span[0]}..{span[1]}"
        for dim, span in zip(kind.shape, graph.input_ranges, strict=True)
    ]
    return "×".join(dims)


def scaling(graph: Graph, nodes: Sequence[Node]) -> str:
    """`/2` for nodes in order whose last tensor has half the resolution of the first that they read; `×2` for twice."""
    inside = {node.id for node in nodes}
    read = (source for node in nodes for source in graph.inputs(node.id) if source.node not in inside)
    first = next(read, None)
    if first is None or not (graph.type(first).is_image and nodes[-1].outputs and nodes[-1].outputs[0].is_image):
        return ""
    was, now = graph.type(first).stride, nodes[-1].outputs[0].stride
    factors = tuple(Fraction(after) / Fraction(before) for before, after in zip(was, now, strict=True))
    if all(factor > 1 for factor in factors):
        return f"/{_factor(tuple(map(str, factors)))}"
    if all(factor < 1 for factor in factors):
        return f"×{_factor(tuple(str(1 / factor) for factor in factors))}"
    return ""


def _size(value: Value) -> str:
    """`3×3`."""
    return "×".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _factor(value: Value) -> str:
    """`2`, or `2×1` where height and width differ."""
    return str(value[0]) if isinstance(value, tuple) and len(set(value)) == 1 else _size(value)


def _notable(value: Value, kernel: Value = None) -> bool:
    """Whether a stride or dilation is another than what one expects: 1, or nothing said."""
    plain = value if isinstance(value, tuple) else (value,)
    return value is not None and value != kernel and any(part != 1 for part in plain)
