"""How much of the input an element of each tensor sees (Araujo, Norris and Sim, Distill 2019).

Along one path `r_out = r_in + (kernel - 1) * dilation * jump_in`, where the jump is how many input pixels
one step spans: the stride that every tensor's type carries, a fraction after upsampling. Where branches meet
the largest field counts; the fields are taken as centred on one another, as padding by half the kernel makes them.

A global pooling, a flatten, an attention see the whole plane. That is a flag beside the field that the windows make:
a gate in each block would otherwise hide the number that tells how local the features are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from resnetdsl.ir.graph import Graph, Node
from resnetdsl.ir.types import Rate, TensorType
from resnetdsl.ops.registry import OPS


@dataclass(frozen=True, slots=True)
class Field:
    """What the windows see, `size` as (height, width) in pixels of the input; it may exceed the input.

    `jump` is the distance of the fields of two neighbours. `whole` says that somewhere on the way a plane was
    reduced to one value, or its places were mixed: then the element depends on all of the input.
    """

    size: tuple[int, int]
    jump: tuple[Rate, Rate]
    whole: bool

    def __str__(self) -> str:
        text = str(self.size[0]) if self.size[0] == self.size[1] else "x".join(map(str, self.size))
        return f"{text}, all" if self.whole else text


def receptive_fields(graph: Graph) -> dict[int, Field]:
    """The field of every node's outputs, by the node's id."""
    exact: dict[int, tuple[Rate, Rate]] = {}
    whole: dict[int, bool] = {}
    fields: dict[int, Field] = {}
    for node in graph.nodes():
        sources = graph.inputs(node.id)
        inputs = tuple(graph.type(source) for source in sources)
        window = OPS[node.op].window(node.attrs, inputs)
        height: Rate = 1
        width: Rate = 1
        for source, kind in zip(sources, inputs, strict=True):
            at_height, at_width = exact[source.node]
            if window.kernel is not None and kind.is_image:
                at_height += (window.kernel[0] - 1) * window.dilation[0] * kind.stride[0]
                at_width += (window.kernel[1] - 1) * window.dilation[1] * kind.stride[1]
            height, width = max(height, at_height), max(width, at_width)
        exact[node.id] = height, width
        whole[node.id] = (
            any(whole[source.node] for source in sources) or window.kernel is None or _drops_the_plane(node, inputs)
        )
        jump = node.outputs[0].stride if node.outputs else (1, 1)
        fields[node.id] = Field((math.ceil(height), math.ceil(width)), jump, whole[node.id])
    return fields


def network_field(graph: Graph, fields: Mapping[int, Field] | None = None) -> Field:
    """The field of the network's output: for a classifier that of its last feature map, and the whole input."""
    fields = receptive_fields(graph) if fields is None else fields
    main = [output for output in graph.outputs if output.name == "output"] or graph.outputs
    if not main:
        return Field((1, 1), (1, 1), False)
    found = [fields[output.source.node] for output in main]
    return Field(
        (max(field.size[0] for field in found), max(field.size[1] for field in found)),
        found[0].jump,
        any(field.whole for field in found),
    )


def _drops_the_plane(node: Node, inputs: tuple[TensorType, ...]) -> bool:
    """A flatten or a reduction: what had places has none, so the next layer mixes them."""
    had = any(letter in kind.axes and (kind.size(letter) or 0) > 1 for kind in inputs for letter in "hwn")
    return had and all(not set(output.axes) & set("hwn?") for output in node.outputs)
