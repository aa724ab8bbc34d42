"""A small network, as a hand-written module and as a spec: one network with one checkpoint."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import resnetdsl
from resnetdsl.ir.graph import CheckedGraph


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


SPEC = """
network tiny(width = 16) {{
    input 3, {height}, {width}
    conv1: conv(width, 3x3, stride = 2) -> bn1: batch_norm -> relu
    residual(downsample: conv(width, 1x1, stride = 2)) {{
        conv2: conv(width, 3x3, stride = 2) -> bn2: batch_norm(init = 0)
    }}
    relu
    {tap}
    global_avg_pool -> flatten -> fc: linear(5)
}}
"""


def graph(
    outputs: tuple[str, ...] = ("output", "features"),
    ranges: tuple[str, str] = ("64", "64"),
) -> CheckedGraph:
    """The checked graph of the spec: with or without its tap, of a size or ranges of sizes."""
    height, width = ranges
    tap = "tap features" if "features" in outputs else ""
    spec = resnetdsl.load(SPEC.format(height=height, width=width, tap=tap))
    return spec.network("tiny").checked
