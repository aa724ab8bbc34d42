"""W0909: a width that is no multiple of 8, which tensor cores do not like at half precision (NVIDIA's guide)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from resnetdsl.checks.anatomy import WEIGHTED, Anatomy
from resnetdsl.checks.base import report_places
from resnetdsl.ir.graph import Node

TILE: Final = 8


def check(anatomy: Anatomy) -> None:
    report_places(anatomy.network, "W0909", _found(anatomy))


def _found(anatomy: Anatomy) -> Iterator[tuple[Node, Mapping[str, object]]]:
    """Layers that make such a width. Those that keep one, such as depthwise convolutions, cannot help it.

    A vector, such as the inside of a gate, costs next to nothing, and a map of one channel, as of attention over
    space, could not be wider; the last layers before an output have the width that was asked for.
    """
    feeding = _feeding(anatomy)
    for node in anatomy.nodes:
        if node.op not in WEIGHTED or not feeding[node.id]:
            continue
        out, before = node.outputs[0], anatomy.graph.input_types(node.id)[0]
        channels = out.size("c") or 0
        if channels % TILE and channels > 1 and out.numel > channels and channels != before.size("c"):
            yield node, {"channels": channels}


def _feeding(anatomy: Anatomy) -> list[bool]:
    """For each node whether another weighted layer reads what it makes, however far on."""
    feeding = [False] * len(anatomy.nodes)
    for node in reversed(anatomy.nodes):
        feeding[node.id] = any(anatomy.weighted(user) or feeding[user] for user in anatomy.users[node.id])
    return feeding
