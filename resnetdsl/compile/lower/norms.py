"""A batch norm that could not be folded becomes one factor and one shift for each channel.

Pattern: any `batch_norm` that is left. With its running statistics it is `x * scale + shift`, whose two vectors are
computed once: a multiplication and an addition that a compiler fuses with what stands around them.
"""

from __future__ import annotations

from resnetdsl.compile.lower.affine import affine
from resnetdsl.compile.lower.lowered import Lowered, Pass
from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.ir.graph import Value


def apply(lowered: Lowered) -> Lowered:
    rewriter = Rewriter(lowered, PASS.name)
    told = {note.where for note in lowered.notes if not note.done}
    for norm in [*rewriter.nodes.values()]:
        if norm.op != "batch_norm" or (found := affine(rewriter, norm)) is None:
            continue
        if found.scale is None or found.shift is None:
            continue
        if norm.path not in told:
            rewriter.note(norm.path, "`batch_norm` not folded", _why(rewriter, norm))
        vector: dict[str, Value] = {"shape": (found.channels,), "value": 0.0, "std": 0.02, "axes": "c"}
        scale = rewriter.add("param", vector, (), norm, f"{norm.path}.scale", {"": found.scale})
        shift = rewriter.add("param", vector, (), norm, f"{norm.path}.shift", {"": found.shift})
        scaled = rewriter.add("multiply", {}, (norm.inputs[0], rewriter.source(scale)), norm, f"{norm.path}.scaled")
        whole = rewriter.add("add", {}, (rewriter.source(scaled), rewriter.source(shift)), norm, f"{norm.path}.shifted")
        rewriter.note(norm.path, "`batch_norm` made a factor and a shift")
        rewriter.replace(norm, rewriter.source(whole))
    return rewriter.finish()


def _why(rewriter: Rewriter, norm: Draft) -> str:
    before = rewriter.nodes[norm.inputs[0].node].op
    behind = sorted({f"`{each.op}`" for each in rewriter.readers(norm.id)}) or ["the output"]
    return f"it stands between `{before}` and {', '.join(behind)}, which have no weights that could take it"


PASS = Pass("norms", "turn the batch norms that are left into a factor and a shift", apply)
