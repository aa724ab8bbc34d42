"""W0906: a bias that the norm behind it takes away again (Ioffe and Szegedy, 2015, section 3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from resnetdsl.checks.anatomy import WEIGHTED, Anatomy
from resnetdsl.checks.base import report_places
from resnetdsl.ir.graph import Node


def check(anatomy: Anatomy) -> None:
    report_places(anatomy.network, "W0906", _found(anatomy))


def _found(anatomy: Anatomy) -> Iterator[tuple[Node, Mapping[str, object]]]:
    for node in anatomy.nodes:
        if node.op in WEIGHTED and node.attrs.get("bias"):
            after = anatomy.only_user(node.id)
            if after is not None and _centres(anatomy.nodes[after]):
                yield node, {}


def _centres(norm: Node) -> bool:
    """Whether a norm subtracts the mean of each channel. Layer and group norms take it over several channels."""
    if norm.op == "group_norm":
        return norm.attrs["groups"] == norm.outputs[0].shape[0]
    return norm.op in {"batch_norm", "instance_norm"}
