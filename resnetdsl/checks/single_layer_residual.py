"""W0901: a residual around one weighted layer, `W x + x`, which is one weighted layer again (He et al., 2015, 3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from resnetdsl.checks.anatomy import Anatomy, Residual
from resnetdsl.checks.base import report_places
from resnetdsl.ir.graph import Node


def check(anatomy: Anatomy) -> None:
    report_places(anatomy.network, "W0901", _found(anatomy))


def _found(anatomy: Anatomy) -> Iterator[tuple[Node, Mapping[str, object]]]:
    for residual in anatomy.residuals:
        layer = _only_layer(anatomy, residual)
        if layer is not None:
            yield anatomy.nodes[layer], {}


def _only_layer(anatomy: Anatomy, residual: Residual) -> int | None:
    """The one layer with weights of a branch.

    A depthwise convolution mixes no channels, and a residual of its own for it is common (ConvMixer). Layers side by
    side, as in RepVGG, are meant to be one in the end.
    """
    if anatomy.longest[residual.main] - anatomy.longest[residual.fork] != 1:
        return None
    layers = [id for id in anatomy.spine(residual.main, residual.fork) if anatomy.weighted(id)]
    return layers[0] if layers and not anatomy.depthwise(layers[0]) else None
