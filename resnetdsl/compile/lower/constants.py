"""What is computed from weights alone is computed once, when the weights come in.

Pattern: an op all of whose operands are free weights (`exp(gamma)`, `a + b`, a slice or a reshape of one), and then
whatever reads nothing but such. It becomes a free weight itself, with the op's call as its recipe, so that it is there
for the passes behind and for every engine. Legal because nothing of it depends on the input, and no op is random while
it does not train.

A result that is far larger than what it is computed from (an outer sum) stays an op: it would be kept, loaded and read
from memory in full. So does what would need an expression of its weights that is too long to be kept.
"""

from __future__ import annotations

from resnetdsl.compile.computed import arguments_of, fault, kinds_of
from resnetdsl.compile.lower.lowered import Lowered, Pass
from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Computed, length
from resnetdsl.ir.graph import Value

_FREE = 2**18
"""Elements of a result that is kept whatever it is computed from: a MiB in float32."""

_GROWTH = 2
"""How many times as large as its operands a larger one may be."""

_LONGEST = 1000
"""Leaves and functions of a recipe."""


def apply(lowered: Lowered) -> Lowered:
    rewriter = Rewriter(lowered, PASS.name)
    known: dict[object, list[Draft]] = {}
    for node in [*rewriter.nodes.values()]:
        if node.id not in rewriter.nodes or not node.inputs:
            continue
        if any(rewriter.nodes[source.node].op != "param" for source in node.inputs):
            continue
        weights = tuple(rewriter.nodes[source.node].path for source in node.inputs)
        attrs, kinds = arguments_of(node.attrs), kinds_of(rewriter.input_types(node))
        recipe = Computed(node.op, attrs, kinds, tuple(rewriter.recipes[path] for path in weights))
        if (why := _hindrance(rewriter, node, recipe)) is not None:
            rewriter.note(node.path, f"`{node.op}` of weights left to each run", why)
            continue
        same = (node.op, attrs, weights)
        made = known.get(same)
        if made is None or any(each.id not in rewriter.nodes for each in made):  # those it had are folded further
            made = known[same] = [_weight(rewriter, node, recipe, at) for at in range(len(node.outputs))]
        rewriter.note(node.path, f"`{node.op}` of weights computed once")
        rewriter.replace(node, *map(rewriter.source, made))
    return rewriter.finish()


def _hindrance(rewriter: Rewriter, node: Draft, recipe: Computed) -> str | None:
    before = sum(type.numel for type in rewriter.input_types(node))
    after = sum(type.numel for type in node.outputs)
    if after > max(_FREE, _GROWTH * before):
        return f"its {after:,} numbers come of {before:,}: to keep them costs more memory than to compute them"
    if (many := length(recipe)) > _LONGEST:
        return f"{many:,} steps lead from the checkpoint to it, and {_LONGEST:,} are kept at most"
    return fault(recipe.op, recipe.attrs, recipe.kinds)


def _weight(rewriter: Rewriter, node: Draft, recipe: Computed, output: int) -> Draft:
    """One output of the node, as a weight."""
    type = node.outputs[output]
    attrs: dict[str, Value] = {"shape": type.shape, "value": 0.0, "std": 0.02, "axes": type.axes}
    value = Computed(recipe.op, recipe.attrs, recipe.kinds, recipe.operands, output)
    return rewriter.add("param", attrs, (), node, f"{node.path}.value", {"": value})


PASS = Pass("constants", "compute once what is computed from weights alone", apply)
