"""A batch norm that could not be folded becomes one factor and one shift for each channel.

Pattern: any `batch_norm` that is left. With its running statistics it is `x * scale + shift`, whose two vectors are
computed once: a multiplication and an addition that a compiler fuses with what stands around them.
"""

from __future__ import annotations

from resnetdsl.compile.lower.affine import affine, emit
from resnetdsl.compile.lower.lowered import Lowered, Pass
from resnetdsl.compile.lower.rewrite import Rewriter


def apply(lowered: Lowered) -> Lowered:
    rewriter = Rewriter(lowered, PASS.name)
    for norm in [*rewriter.nodes.values()]:
        if norm.op == "batch_norm" and (found := affine(rewriter, norm)) is not None:
            rewriter.note(norm.path, "`batch_norm` made a factor and a shift")
            rewriter.replace(norm, emit(rewriter, found, norm))
    return rewriter.finish()


PASS = Pass("norms", "turn the batch norms that are left into a factor and a shift", apply)
