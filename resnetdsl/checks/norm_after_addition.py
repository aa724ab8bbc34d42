"""W0907: a norm on the way from one addition to the next, so nothing passes unchanged (He et al., 2016, figure 4b)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from resnetdsl.checks.anatomy import NORMS, QUIET, Anatomy
from resnetdsl.checks.base import report_places
from resnetdsl.ir.graph import Node


def check(anatomy: Anatomy) -> None:
    report_places(anatomy.network, "W0907", _found(anatomy))


def _found(anatomy: Anatomy) -> Iterator[tuple[Node, Mapping[str, object]]]:
    """Norms between an addition and a residual whose shortcut carries their result on as it is.

    After the last block of a stage the next shortcut does more than that, and after that of a network there is none.
    """
    additions = {residual.add for residual in anatomy.residuals}
    seen: set[int] = set()
    for residual in anatomy.residuals:
        if any(anatomy.op(id) not in QUIET for id in anatomy.spine(residual.shortcut, residual.fork)):
            continue
        norm = anatomy.start_of_trunk(residual.fork)
        if anatomy.op(norm) not in NORMS or norm in seen:
            continue
        seen.add(norm)
        before = anatomy.start_of_trunk(anatomy.above[norm])
        if before in additions and anatomy.only_user(before) is not None:
            yield anatomy.nodes[norm], {}
