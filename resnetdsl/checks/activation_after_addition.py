"""W0902: an activation behind the addition of a block that has its own in front (He et al., 2016, figure 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from resnetdsl.checks.anatomy import ACTIVATIONS, NORMS, Anatomy, Residual
from resnetdsl.checks.base import report_places
from resnetdsl.ir.graph import Node


def check(anatomy: Anatomy) -> None:
    report_places(anatomy.network, "W0902", _found(anatomy))


def _found(anatomy: Anatomy) -> Iterator[tuple[Node, Mapping[str, object]]]:
    for residual in anatomy.residuals:
        after = anatomy.only_user(residual.add)
        if after is not None and anatomy.op(after) in ACTIVATIONS and _pre_activated(anatomy, residual):
            yield anatomy.nodes[after], {}


def _pre_activated(anatomy: Anatomy, residual: Residual) -> bool:
    """Whether norm and activation come before the first weighted layer of the branch."""
    spine = list(anatomy.spine(residual.main, residual.fork))
    before: set[str] = set()
    for id in reversed(spine):
        if anatomy.weighted(id):
            return _norm_and_activation(before) or _norm_and_activation(_common(anatomy, residual))
        before.add(anatomy.op(id))
    return False


def _common(anatomy: Anatomy, residual: Residual) -> set[str]:
    """What a block does before its branches part, if it does so with what came into it."""
    block, id, seen = anatomy.block(residual.add), residual.fork, set[str]()
    while anatomy.op(id) in NORMS | ACTIVATIONS and anatomy.block(id) == block and len(seen) < 3:
        seen.add(anatomy.op(id))
        id = anatomy.above[id]
    return seen if anatomy.block(id) != block else set()


def _norm_and_activation(ops: set[str]) -> bool:
    return bool(ops & NORMS) and bool(ops & ACTIVATIONS)
