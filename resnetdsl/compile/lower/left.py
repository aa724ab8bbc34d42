"""Says of each norm and factor that no layer took why none could. It changes nothing."""

from __future__ import annotations

from dataclasses import replace

from resnetdsl.compile.lower import across, fold_after, fold_before
from resnetdsl.compile.lower.affine import affine
from resnetdsl.compile.lower.lowered import Lowered, Note
from resnetdsl.compile.lower.rewrite import Draft, Rewriter

_OF_EACH_INPUT = {"layer_norm", "group_norm", "instance_norm", "rms_norm"}


def explained(lowered: Lowered, step: str) -> Lowered:
    rewriter = Rewriter(lowered, step)
    reasons = [(node, _reason(rewriter, node)) for node in rewriter.nodes.values()]
    notes = [Note(step, node.path, f"`{node.op}` not folded", why) for node, why in reasons if why]
    return replace(lowered, notes=(*lowered.notes, *notes))


def _reason(rewriter: Rewriter, node: Draft) -> str:
    """Empty for what is no norm and no factor or shift of the channels."""
    if node.op in _OF_EACH_INPUT:
        return "its statistics are those of each input"
    if (found := affine(rewriter, node)) is None:
        return ""
    before = _side(fold_after.takers(rewriter, node, found), fold_after.PASS.name)
    if (crossing := across.across(rewriter, node, found)) is not None:
        behind = _side(crossing, across.PASS.name)
    else:
        behind = _side(fold_before.takers(rewriter, node, found), fold_before.PASS.name)
    return f"before it, {before}; behind it, {behind}"


def _side(found: object, step: str) -> str:
    return found if isinstance(found, str) else f"a layer could take it, and `{step}` was left out"
