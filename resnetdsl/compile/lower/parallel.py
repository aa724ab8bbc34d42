"""Layers that read one tensor in the same way become one layer and a split.

Pattern: several `conv` (of one group) or several `linear` with the same operand and the same arguments but for their
number of outputs. Each output depends on its own rows of the weight alone, so the weights can be stacked.

What they read is read once then, and fewer kernels start; but the parts of the wider result lie apart in memory, and a
sum or an activation that an engine would have fused into one of the layers is an op of its own. So it is left out
unless it is asked for: docs/compiling.md has what was measured. Where what they write is more than twice what they
read, it is never done.
"""

from __future__ import annotations

from resnetdsl.compile.lower.lowered import Lowered, Pass
from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Apply, Full, Recipe
from resnetdsl.ir.graph import Source
from resnetdsl.ops.attrs import flag

_OUTPUTS = {"conv": "out_channels", "linear": "out_features"}
_OWN = {*_OUTPUTS.values(), "bias", "init"}
_MOST = 2
"""How many times as large as what they read the outputs may be."""


def apply(lowered: Lowered) -> Lowered:
    rewriter = Rewriter(lowered, PASS.name)
    alike: dict[object, list[Draft]] = {}
    for node in rewriter.nodes.values():
        if node.op in _OUTPUTS and node.attrs.get("groups", 1) == 1:
            rest = tuple((name, repr(value)) for name, value in sorted(node.attrs.items()) if name not in _OWN)
            alike.setdefault((node.op, node.inputs, rest), []).append(node)
    for members in alike.values():
        # Layers that share their weights compute the same, which is no reason to compute it in one go.
        if len(members) > 1 and len({node.path for node in members}) == len(members):
            _merge(rewriter, members)
    return rewriter.finish()


def _merge(rewriter: Rewriter, members: list[Draft]) -> None:
    first = members[0]
    names = ", ".join(node.path for node in members)
    written = sum(node.outputs[0].numel for node in members)
    if written > _MOST * rewriter.type(first.inputs[0]).numel:
        why = f"they write more than {_MOST} times what they read: to part it costs more than one reading saves"
        rewriter.note(names, f"`{first.op}` that read one tensor not merged", why)
        return
    sizes = tuple(node.outputs[0].size("c") or 0 for node in members)
    weights: dict[str, Recipe] = {"weight": _stacked([rewriter.leaf(node, "weight") for node in members])}
    biased = any(flag(node.attrs, "bias") for node in members)
    if biased:
        weights["bias"] = _stacked(
            [
                rewriter.leaf(node, "bias") if flag(node.attrs, "bias") else Full((size,), 0.0)
                for node, size in zip(members, sizes, strict=True)
            ]
        )
    attrs = {**first.attrs, _OUTPUTS[first.op]: sum(sizes), "bias": biased}
    whole = rewriter.add(first.op, attrs, first.inputs, first, f"{first.path}.merged", weights)
    parts = {"sizes": sizes, "parts": None, "axis": "c"}
    split = rewriter.add("split", parts, (rewriter.source(whole),), first, f"{first.path}.split")
    for at, node in enumerate(members):
        rewriter.replace(node, Source(split.id, at))
    rewriter.note(names, f"`{first.op}` that read one tensor merged into one and a split")


def _stacked(parts: list[Recipe]) -> Recipe:
    return Apply("concat", tuple(parts))


PASS = Pass(
    "parallel",
    "merge layers that read one tensor in the same way",
    apply,
    unpaid="on no engine does it make residual networks faster",
)
