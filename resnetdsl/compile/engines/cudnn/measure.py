"""Which way is the fastest for each convolution of a network, on this device."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

import torch
from torch import Tensor

from resnetdsl.compile.engines.base import Setting, Weights
from resnetdsl.compile.engines.cuda_graphs import CudaRecorder, fastest_kernels
from resnetdsl.compile.engines.cudnn.layers import Layer, Run, Way
from resnetdsl.compile.engines.cudnn.plan import Network
from resnetdsl.compile.options import Layout, Mode
from resnetdsl.compile.progress import count
from resnetdsl.ir.graph import Source

_TOLERANCE = {torch.float32: 5e-3, torch.float16: 1e-2, torch.bfloat16: 3e-2}
"""Of the largest value. A float32 convolution may round its operands to TF32."""

_REPEATS = 20
"""Calls that are timed together, so that one takes as long as its kernels and not as their launches."""

_TIMINGS = 5

Timer = Callable[[Run, Sequence[Tensor]], float]


def fastest_ways(network: Network, weights: Weights, setting: Setting, timer: Timer | None = None) -> dict[int, Way]:
    """The fastest way of each convolution, by the node that ends its step, on the sizes that `mode` is about.

    A way that fails, or does not compute what PyTorch's own does, is none. Where memory does not suffice for the whole
    batch, half of it is measured with.
    """
    timer = timer or (on_a_gpu if setting.device == "cuda" else on_a_cpu)
    batch = setting.input.dims[0]
    found: dict[int, Way] = {}
    known: dict[object, Way] = {}
    layers = [*network.layers(weights, setting.layout)]
    for done, (step, layer) in enumerate(layers):
        count(done, len(layers), "convolutions")
        types = [network.graph.type(source) for source in step.inputs]
        first = step.inputs[0] == Source(0)
        plain = replace(layer.conv, path="", in_place=False)
        kind = (plain, layer.weight.shape, first, *(type.shape for type in types))
        if kind not in known:
            shapes = [tuple(type.shape) for type in types]
            size = batch.low if setting.mode is Mode.LATENCY else batch.high
            known[kind] = _fastest(layer, shapes, size, setting, timer, first=first)
        found[step.node] = known[kind]
    return found


def summary(ways: dict[int, Way]) -> str:
    """`53 convolutions: 33 fused, 16 product, 4 plain`."""
    parts = [f"{times} {way.value}" for way, times in Counter(ways.values()).most_common()]
    return f"{len(ways)} convolutions: {', '.join(parts)}"


def _fastest(
    layer: Layer, shapes: Sequence[tuple[int, ...]], batch: int, setting: Setting, timer: Timer, *, first: bool
) -> Way:
    while True:
        try:
            return _of_batch(layer, [(batch, *shape) for shape in shapes], setting, timer, first=first)
        except torch.OutOfMemoryError:
            if batch == 1:
                raise
            batch //= 2


def _of_batch(layer: Layer, shapes: Sequence[tuple[int, ...]], setting: Setting, timer: Timer, *, first: bool) -> Way:
    generator = torch.Generator().manual_seed(0)
    # The network's input may come in any order; between layers all lie as the setting says.
    last = setting.layout is Layout.CHANNELS_LAST and (not first or setting.mode is Mode.LATENCY)
    order = torch.channels_last if last else torch.contiguous_format
    inputs = [
        torch.randn(shape, generator=generator).to(setting.torch_device, setting.dtype).contiguous(memory_format=order)
        for shape in shapes
    ]
    seconds: dict[Way, float] = {}
    with torch.no_grad(), fastest_kernels:
        expected = layer.run(Way.PLAIN)(*inputs)
        for way in layer.ways():
            run = layer.run(way)
            try:
                if way is Way.PLAIN or _agrees(run, inputs, expected):
                    seconds[way] = timer(run, inputs)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError:  # no kernel for these sizes, or none for this card
                continue
    return min(seconds, key=lambda way: seconds[way]) if seconds else Way.PLAIN


def _agrees(run: Run, inputs: Sequence[Tensor], expected: Tensor) -> bool:
    """Whether it computes the same, also into memory that held no numbers: what is multiplied by 0 must not be read."""
    stale = torch.full_like(expected, float("nan"))
    del stale
    made = run(*inputs)
    scale = float(expected.float().abs().max()) or 1.0
    return float((made.float() - expected.float()).abs().max()) <= _TOLERANCE[expected.dtype] * scale


def on_a_gpu(run: Run, inputs: Sequence[Tensor]) -> float:
    """Seconds of a call, of many recorded in one CUDA graph."""

    def calls() -> list[Tensor]:
        for _ in range(_REPEATS):
            run(*inputs)
        return []

    graph, _ = CudaRecorder().record(calls)
    found = []
    for _ in range(_TIMINGS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        milliseconds: float = begin.elapsed_time(end)
        found.append(milliseconds / 1e3 / _REPEATS)
    return median(found)


def on_a_cpu(run: Run, inputs: Sequence[Tensor]) -> float:
    """Seconds of a call."""
    run(*inputs)
    begin = time.perf_counter()
    run(*inputs)
    return time.perf_counter() - begin
