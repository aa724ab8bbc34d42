"""What acts while training only, and what computes nothing, is left out; so is what no output needs.

Pattern: `dropout`, `drop_path`, `identity`; nodes that no output depends on. Legal because in evaluation mode the
first three return their operand (an `nn.Dropout` of rate 1 too), and a dead branch has no effect at all.
"""

from __future__ import annotations

from resnetdsl.compile.lower.lowered import Lowered, Pass
from resnetdsl.compile.lower.rewrite import Rewriter

_PASSES_ON = {"identity", "dropout", "drop_path"}


def apply(lowered: Lowered) -> Lowered:
    rewriter = Rewriter(lowered, PASS.name)
    for node in [*rewriter.nodes.values()]:
        if node.op in _PASSES_ON:
            rewriter.note(node.path, f"`{node.op}` left out")
            rewriter.replace(node, node.inputs[0])
    for node in reversed([*rewriter.nodes.values()]):
        if node.op != "input" and not rewriter.readers(node.id) and not rewriter.is_output(node.id):
            rewriter.note(node.path, f"`{node.op}` left out: nothing reads it")
            rewriter.sweep(node)
    return rewriter.finish()


PASS = Pass("training", "leave out dropout, stochastic depth, identities and dead branches", apply)
