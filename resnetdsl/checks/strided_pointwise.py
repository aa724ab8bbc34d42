"""W0904: a 1x1 convolution with a stride, which never looks at most of its input (He et al., 2018, section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast

from resnetdsl.checks.anatomy import WEIGHTED, Anatomy
from resnetdsl.checks.base import report_places
from resnetdsl.ir.graph import Node

_MEANS: Final = frozenset({"avg_pool", "blur_pool", "max_pool"})
_SHARES: Final = {2: "half", 3: "a third", 4: "a quarter"}


def check(anatomy: Anatomy) -> None:
    report_places(anatomy.network, "W0904", _found(anatomy))


def _found(anatomy: Anatomy) -> Iterator[tuple[Node, Mapping[str, object]]]:
    for node in anatomy.nodes:
        if node.op not in WEIGHTED or node.op in {"linear", "conv_transpose"} or _pair(node, "kernel") != (1, 1):
            continue
        size = anatomy.graph.input_types(node.id)[0].shape[1:]
        read = [min(stride, length) for stride, length in zip(_pair(node, "stride"), size, strict=True)]
        if read != [1, 1] and not _gathered(anatomy, node):
            share = read[0] * read[1]
            yield node, {"kept": _SHARES.get(share, f"1/{share}")}


def _gathered(anatomy: Anatomy, node: Node) -> bool:
    """Whether a pool in front has already put into each pixel read what is around it."""
    before = anatomy.nodes[anatomy.operands[node.id][0]]
    if before.op not in _MEANS:
        return False
    kernel, stride = _pair(before, "kernel"), _pair(node, "stride")
    return kernel[0] >= stride[0] and kernel[1] >= stride[1]


def _pair(node: Node, name: str) -> tuple[int, int]:
    value = node.attrs[name]
    return cast("tuple[int, int]", value if isinstance(value, tuple) else (value, value))
