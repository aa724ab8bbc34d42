"""What an op's `Call` becomes: a module, an expression or a weight, with its numbers cut out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from resnetdsl.emit.pytorch.parts import Fixed, Hole, Make, Part, Text
from resnetdsl.emit.pytorch.text import literal
from resnetdsl.ir.graph import Graph, Node, Value
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Call, Expression, InitCall, Module, Op, Parameter, Types, Weight

_NUMBER = re.compile(r"""("[^"]*"|'[^']*'|\{\w*\})|(?<![\w.])(\d+\.?\d*(?:e[-+]?\d+)?)(?![\w.])""")
_CONVOLUTION: tuple[tuple[str, Value], ...] = (("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1))
"""What all of torch's convolutions take where nothing is said: copies of a block may say it or not."""


class Form(Enum):
    MODULE = "module"
    EXPRESSION = "expression"
    PARAMETER = "parameter"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A node as source. `weighted`: its name stands in the checkpoint."""

    form: Form
    part: Part
    is_input: bool
    weights: tuple[Weight, ...]
    inits: tuple[InitCall, ...]
    helper: str | None

    @property
    def weighted(self) -> bool:
        return bool(self.weights)


def leaf(graph: Graph, node: Node, op: Op) -> Leaf:
    """How torch does a node."""
    inputs = graph.input_types(node.id)
    call = op.call(node.attrs, inputs)
    weights = op.weights(node.attrs, inputs)
    form, part = _form(call, node, inputs)
    helper = None if isinstance(call, Parameter) else call.helper
    return Leaf(form, part, node.op == "input", weights, op.initialise(node.attrs), helper)


def _form(call: Call, node: Node, inputs: Types) -> tuple[Form, Part]:
    match call:
        case Module():
            return Form.MODULE, _make(call, node, inputs)
        case Expression(template):
            return Form.EXPRESSION, _text(template, node)
        case Parameter(value):
            return Form.PARAMETER, _text(value, node)


def _make(call: Module, node: Node, inputs: Types) -> Make:
    args = tuple(_argument(value, _names(value, node, inputs)) for value in call.args)
    given = dict(call.kwargs)
    names = list(given)
    if "Conv" in call.target and "kernel_size" in given:
        names = ["kernel_size", *(name for name, _ in _CONVOLUTION)]
        names += [name for name in given if name not in names]
    defaults = dict(_CONVOLUTION) if "Conv" in call.target else {}
    kwargs = tuple(
        (name, _argument(given.get(name, defaults.get(name)), (name,), defaults.get(name))) for name in names
    )
    return Make(call.target, args, kwargs)


def _argument(value: Value, names: tuple[str, ...], default: Value = None) -> Part:
    channels = names[:1] in {("in_channels",), ("out_channels",)}
    quiet = None if default is None else literal(default)
    return Hole(value, names, channels, quiet) if _is_number(value) else Fixed(value, quiet)


def _is_number(value: Value) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(isinstance(item, int | float) and not isinstance(item, bool) for item in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _names(value: Value, node: Node, inputs: Types) -> tuple[str, ...]:
    """What a number without a keyword may be: channels that come in or go out, or an attribute of the op."""
    found = []
    if inputs and value == _channels(inputs[0]):
        found.append("in_channels")
    if node.outputs and value == _channels(node.outputs[0]):
        found.append("out_channels")
    found += [name for name, other in node.attrs.items() if type(other) is type(value) and other == value]
    return tuple(dict.fromkeys(found))


def _channels(kind: TensorType) -> int | None:
    return kind.size("c")


def _text(code: str, node: Node) -> Text:
    pieces, numbers, start = [], [], 0
    for match in _NUMBER.finditer(code):
        if match[2] is None:
            continue
        value = float(match[2]) if re.search(r"[.e]", match[2]) else int(match[2])
        names = tuple(
            name
            for name, other in node.attrs.items()
            if not isinstance(other, bool) and (other == value or (isinstance(other, tuple) and value in other))
        )
        pieces.append(code[start : match.start()])
        numbers.append(Hole(value, (*names, "number"), channels=value in {_channels(kind) for kind in node.outputs}))
        start = match.end()
    return Text((*pieces, code[start:]), tuple(numbers))
