"""A small network as a hand-written module and the part of its graph that compiling reads."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from resnetdsl.ir.graph import Graph, Output, ScopeKind, Source
from resnetdsl.ir.types import TensorType


class Tiny(nn.Module):
    """A stem with a strided residual block, a tap, and a classifier. The last norm starts at zero."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = nn.Conv2d(width, width, 1, stride=2, bias=False)
        self.fc = nn.Linear(width, 5)
        nn.init.zeros_(self.bn2.weight)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)) + self.downsample(x))
        return {"output": self.fc(x.mean((2, 3))), "features": x}


def graph(
    outputs: tuple[str, ...] = ("output", "features"),
    ranges: tuple[tuple[int, int, int] | None, ...] = (None, None, None),
    size: int = 64,
) -> Graph:
    """As much of a graph as compiling reads: the input's type and ranges, the names of the outputs."""
    made = Graph("tiny", input_ranges=ranges)
    scope = made.add_scope(ScopeKind.NETWORK, "tiny", "")
    made.add("input", {}, (), (TensorType.image(3, size, size),), "input", scope.id)
    made.outputs = [Output(name, Source(0)) for name in outputs]
    return made
