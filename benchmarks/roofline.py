"""How fast a network could be at most: its operations and bytes, and the two ceilings of a device, measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from resnetdsl.compile.engines.schedule.fuse import schedule
from resnetdsl.compile.lower.pipeline import lower
from resnetdsl.ir.graph import CheckedGraph
from resnetdsl.ops.registry import OPS


@dataclass(frozen=True, slots=True)
class Work:
    """What a network costs at least: 2 operations a multiply-accumulate, and each tensor that goes through memory."""

    flops: float
    bytes: float


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Operations and bytes a second, as the best of large matrix products and copies."""

    flops: float
    bytes: float

    def seconds(self, work: Work) -> float:
        """The least that the work can take: as long as the slower of its two parts."""
        return max(work.flops / self.flops, work.bytes / self.bytes)


def work(graph: CheckedGraph, batch: int, itemsize: int) -> Work:
    """The work of a network with its norms, sums and activations fused into the layers before them.

    Each step reads its operands and its weights once and writes its result once; nothing stays in a cache between two.
    """
    lowered = lower(graph).graph
    macs = weights = tensors = 0
    for step in schedule(lowered, batch):
        for id in step.nodes:
            node, inputs = lowered.node(id), lowered.input_types(id)
            macs += OPS[node.op].macs(node.attrs, inputs, node.outputs)
            weights += sum(_count(weight.shape) for weight in OPS[node.op].weights(node.attrs, inputs))
        types = [*(lowered.type(source) for source in step.inputs), *lowered.node(step.node).outputs]
        tensors += sum(type.numel for type in types if type.batched)
    return Work(2.0 * batch * macs, itemsize * float(batch * tensors + weights))


def ceilings(device: str, dtype: torch.dtype, size: int = 8192, megabytes: int = 1024) -> Ceilings:
    """Measured: a square matrix product, and a copy of a block far larger than any cache."""
    block = torch.empty(megabytes * 2**20, dtype=torch.uint8, device=device)
    other = torch.empty_like(block)
    copy = _best(lambda: other.copy_(block), device)
    return Ceilings(product_rate(device, dtype, size), 2.0 * block.numel() / copy)


def product_rate(device: str, dtype: torch.dtype, size: int) -> float:
    """Operations a second of a square matrix product: the best of the libraries that PyTorch has for it.

    On a CPU they are far apart: MKL keeps its wider instructions from processors that are not Intel's.
    """
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    seconds = _best(lambda: torch.mm(a, b), device)
    if device == "cpu" and torch._C._has_mkldnn:
        packed = torch.ops.mkldnn._reorder_linear_weight(b, size)
        run = torch.ops.mkldnn._linear_pointwise.default
        seconds = min(seconds, _best(lambda: run(a, packed, None, "none", [], ""), device))
    return 2.0 * size**3 / seconds


def _best(call: Callable[[], object], device: str, times: int = 10) -> float:
    """The least seconds of a call."""
    found = float("inf")
    for _ in range(times):
        _wait(device)
        start = time.perf_counter()
        call()
        _wait(device)
        found = min(found, time.perf_counter() - start)
    return found


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count
