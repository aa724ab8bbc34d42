"""What is taken out of a value: an attribute, an item, a slice."""

from __future__ import annotations

from resnetdsl.elaborate.arguments import want_whole
from resnetdsl.elaborate.habits import python_module
from resnetdsl.elaborate.meant import method_as_layer, nearest, unknown
from resnetdsl.elaborate.run import Context, Run
from resnetdsl.elaborate.values import POISON, Poison, Tensor, Value, describe, uncertain
from resnetdsl.ir.types import TensorType
from resnetdsl.syntax import ast

TENSOR_ATTRIBUTES = ("channels", "height", "width", "shape", "stride")


def attribute(run: Run, node: ast.Attribute, context: Context) -> Value:
    first = python_module(node)
    if first is not None and context.env.find(first.id) is None:
        written = node.span.text
        meant = unknown(written, context.env.all_names(), len(run.sink.facts))
        return run.report("E0201", node.span, context.place, name=written, **meant)
    value = run.evaluator(node.value, context)
    if isinstance(value, Poison):
        return POISON
    if not isinstance(value, Tensor):
        return run.report(
            "E0214", node.span, context.place, attribute=node.name, owner=describe(value), suggestion=None
        )
    if value.doubtful and node.name in TENSOR_ATTRIBUTES:
        return POISON
    type = value.type
    match node.name:
        case "channels" if (channels := type.size("c")) is not None:
            return channels
        case "height" | "width" if (size := type.size(node.name[0])) is not None:
            run.reads_size = True
            return size
        case "shape":
            run.reads_size = run.reads_size or len(type.shape) > 1
            return type.shape
        case "stride":
            vertical, horizontal = (rate if isinstance(rate, int) else float(rate) for rate in type.stride)
            return vertical if vertical == horizontal else (vertical, horizontal)
        case _:
            known = None if node.name in TENSOR_ATTRIBUTES else method_as_layer(node, context.env)
            return run.report(
                "E0214",
                node.span,
                context.place,
                attribute=node.name,
                owner=describe(value),
                suggestion=None if known else nearest(node.name, [n for n in TENSOR_ATTRIBUTES if _has(type, n)]),
                hint=known,
            )


def _has(type: TensorType, name: str) -> bool:
    """Whether tensors of a type have an attribute: a vector has no height."""
    return name in ("shape", "stride") or type.size(name[0]) is not None


def index(run: Run, node: ast.Index, context: Context) -> Value:
    value, at = run.evaluator(node.value, context), run.evaluator(node.index, context)
    if uncertain(value) and not isinstance(value, tuple):
        return POISON
    if not isinstance(value, tuple):
        return run.report(
            "E0207", node.value.span, context.place, wanted="a list", got=describe(value), where="an index"
        )
    place = want_whole(run, context.place, at, node.index.span, "an index")
    if isinstance(place, Poison):
        return POISON
    if not -len(value) <= place < len(value):
        return run.report("E0213", node.index.span, context.place, index=place, length=len(value))
    return value[place]


def slice_of(run: Run, node: ast.Slice, context: Context) -> Value:
    value = run.evaluator(node.value, context)
    bounds: list[int | None] = []
    for end in (node.low, node.high):
        if end is None:
            bounds.append(None)
            continue
        bound = want_whole(run, context.place, run.evaluator(end, context), end.span, "the end of a slice")
        if isinstance(bound, Poison):
            return POISON
        bounds.append(bound)
    low, high = bounds
    if isinstance(value, Poison):
        return POISON
    if isinstance(value, tuple):
        return value[low:high]
    if isinstance(value, Tensor) and context.place is not None and not value.doubtful:
        channels = value.type.size("c") or 0
        start, stop = low or 0, channels if high is None else high
        attrs = {"start": start + channels * (start < 0), "stop": stop + channels * (stop < 0)}
        return run.builder.one("slice", attrs, (value,), context.place, node.span)
    if isinstance(value, Tensor):
        return POISON
    return run.report(
        "E0207", node.value.span, context.place, wanted="a list or a tensor", got=describe(value), where="a slice"
    )
