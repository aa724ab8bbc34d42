"""A CUDA card that is the CPU: what asks for "cuda" gets tensors of the CPU, and what asks CUDA itself is answered.

It shows whether the way to a card goes through to its end: devices, streams, recordings, the calls of cuDNN. What only
a card knows, memory and time and torch.compile for it, it cannot show.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from resnetdsl.compile.artifact import Artifact
from resnetdsl.compile.engines.cuda_graphs import CudaRecorder
from tests.compile.test_cudnn import add_relu, relu


class OnTheCpu(TorchFunctionMode):
    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is torch.device:
            return function(*args, **(kwargs or {}))
        return function(*map(_moved, args), **{name: _moved(value) for name, value in (kwargs or {}).items()})


def _moved(value: object) -> object:
    cuda = isinstance(value, str | torch.device) and str(value).startswith("cuda")
    return "cpu" if cuda else value


class Event:
    def __init__(self, enable_timing: bool = False) -> None:
        self.at = 0.0

    def record(self) -> None:
        self.at = time.perf_counter()

    def synchronize(self) -> None:
        pass

    def elapsed_time(self, end: Event) -> float:
        return 1e3 * (end.at - self.at)


class Again:
    """A recording that runs what was recorded into the tensors of its first time."""

    def __init__(self, function: Callable[[], list[Tensor]], outputs: list[Tensor]) -> None:
        self.function, self.outputs = function, outputs

    def replay(self) -> None:
        for mine, new in zip(self.outputs, self.function(), strict=True):
            mine.copy_(new)


@contextmanager
def card(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    stream = SimpleNamespace(wait_stream=lambda _: None, wait_event=lambda _: None)
    answers: dict[str, object] = {
        "is_available": lambda: True,
        "current_device": lambda: 0,
        "device": lambda _: nullcontext(),
        "get_device_name": lambda: "a card that is none",
        "get_device_capability": lambda *_: (9, 0),
        "is_bf16_supported": lambda *_, **__: True,
        "synchronize": lambda: None,
        "Event": Event,
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": lambda _: nullcontext(),
        "CUDAGraph": lambda: None,
        "graph": lambda *_, **__: nullcontext(),
        "graph_pool_handle": lambda: (0, 1),
        "is_current_stream_capturing": lambda: False,
        "memory_stats": dict,
        "memory_allocated": lambda: 0,
        "max_memory_allocated": lambda: 2**20,
        "reset_peak_memory_stats": lambda: None,
    }
    for name, answer in answers.items():
        monkeypatch.setattr(torch.cuda, name, answer)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.backends.cudnn, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91002)
    monkeypatch.setattr(Artifact, "_check", lambda *_: None)  # of tensors that say that they are on the CPU
    record = CudaRecorder.record

    def recorded(recorder: CudaRecorder, function: Callable[[], list[Tensor]]) -> tuple[Again, list[Tensor]]:
        _, outputs = record(recorder, function)
        return Again(function, outputs), outputs

    monkeypatch.setattr(CudaRecorder, "record", recorded)
    library = torch.library.Library("aten", "IMPL")
    library.impl("cudnn_convolution_relu", relu, "CPU")
    library.impl("cudnn_convolution_add_relu", add_relu, "CPU")
    try:
        with OnTheCpu():
            yield
    finally:
        library._destroy()
