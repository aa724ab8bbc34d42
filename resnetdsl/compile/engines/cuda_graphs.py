"""A runner's launches recorded once for each shape and replayed: at batch 1 a GPU waits for its host otherwise.

Run on no GPU yet: unmeasured. What needs none, the order of the calls and the bookkeeping, is tested.
"""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from resnetdsl.compile.engines.base import Runner, Setting, Weights
from resnetdsl.compile.options import Mode

MOST_SHAPES = 8
"""Recordings that are kept: the one longest unused makes room."""

_WARM_UPS = 3
"""Runs before a recording: libraries choose their kernels in the first, and measure before they do."""


class Replay(Protocol):
    """What was recorded, to be done again."""

    def replay(self) -> None: ...


class Recorder(Protocol):
    """How launches are recorded, and how work on several streams is kept in order."""

    def record(self, function: Callable[[], list[Tensor]]) -> tuple[Replay, list[Tensor]]:
        """Run a function and record what it launches: the recording, and the tensors that each replay fills."""
        ...

    def wait(self) -> None:
        """Have the current stream wait for what `done` marked last."""
        ...

    def done(self) -> None:
        """Mark what the current stream has been given so far."""
        ...

    def settle(self) -> None:
        """Have the host wait for what `done` marked last: nothing that may be freed now is still being read."""
        ...

    def clear(self) -> None:
        """Settle; every recording will be gone."""
        ...

    def capturing(self) -> bool:
        """Whether the caller records what the current stream is given."""
        ...


class CudaRecorder:
    """Records on the device that is current when it is made, on a stream of its own.

    The stream that `torch.cuda.graph` takes unasked is one for the whole process, and so on one device: whoever records
    on another would be taken there. On one stream for warming up and recording cuBLAS has its workspace from before.

    All recordings share one pool of memory: what one leaves in it is copied out before another can start, so that they
    take as much as the largest and not as all together.
    """

    def __init__(self) -> None:
        self._last = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, function: Callable[[], list[Tensor]]) -> tuple[Replay, list[Tensor]]:
        side = self._side
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                function()
        graph = torch.cuda.CUDAGraph()
        # Other threads may go on: what they ask of CUDA does not end this recording.
        with torch.cuda.graph(graph, pool=self._pool, stream=side, capture_error_mode="thread_local"):
            outputs = function()
        torch.cuda.current_stream().wait_stream(side)
        return graph, outputs

    def wait(self) -> None:
        torch.cuda.current_stream().wait_event(self._last)

    def done(self) -> None:
        self._last.record()

    def settle(self) -> None:
        self._last.synchronize()

    def clear(self) -> None:
        self.settle()
        self._pool = torch.cuda.graph_pool_handle()

    def capturing(self) -> bool:
        return torch.cuda.is_current_stream_capturing()


@dataclass(frozen=True, slots=True)
class _Recorded:
    graph: Replay
    inputs: list[Tensor]
    outputs: list[Tensor]


class CudaGraphs:
    """A runner whose calls are replayed, one at a time. What cannot be recorded is run call by call, which it says; so
    is what the caller records in a graph of its own.

    `channels_last`: images are copied into that order as they come in, which brings them where the recording reads them
    anyway.
    """

    def __init__(self, runner: Runner, *, channels_last: bool, recorder: Recorder | None = None) -> None:
        self._runner = runner
        self._channels_last = channels_last
        self._recorder = recorder or CudaRecorder()
        self._recorded: OrderedDict[tuple[torch.Size, ...], _Recorded] = OrderedDict()
        self._refused = False
        self._lock = threading.Lock()

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        with self._lock:
            found = None if self._refused or self._recorder.capturing() else self._found(inputs)
            if found is None:
                return self._runner.run(inputs)
            # A call on another stream may still be filling or reading the same memory.
            self._recorder.wait()
            for own, given in zip(found.inputs, inputs, strict=True):
                own.copy_(given)
            found.graph.replay()
            # The next replay fills the same memory: the caller gets copies.
            results = [output.clone() for output in found.outputs]
            self._recorder.done()
            return results

    def swap(self, weights: Weights) -> None:
        """Recordings hold the addresses of the weights that they were made with: they go."""
        with self._lock:
            self._recorder.clear()
            self._recorded.clear()
            self._runner.swap(weights)

    def _found(self, inputs: list[Tensor]) -> _Recorded | None:
        """The recording of these shapes, made where there is none; None where none can be made."""
        shapes = tuple(x.shape for x in inputs)
        if shapes not in self._recorded:
            if len(self._recorded) >= MOST_SHAPES:
                self._recorder.settle()
                self._recorded.popitem(last=False)
            try:
                self._recorded[shapes] = self._record(inputs)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                self._refused = True
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                told = f"no CUDA graph could be recorded, so kernels are launched one by one: {reason}"
                warnings.warn(told, RuntimeWarning, stacklevel=5)  # where the artifact is called
                return None
        self._recorded.move_to_end(shapes)
        return self._recorded[shapes]

    def _record(self, inputs: list[Tensor]) -> _Recorded:
        order = torch.channels_last if self._channels_last else None
        # What is made in inference mode cannot be written to outside of it, where the next call may come from.
        with torch.inference_mode(mode=False), torch.no_grad():
            own = [x.clone(memory_format=order if x.dim() == 4 else None) for x in inputs]
            graph, outputs = self._recorder.record(lambda: self._runner.run([*own]))
        return _Recorded(graph, own, outputs)


def kernel_choice(setting: Setting) -> AbstractContextManager[None]:
    """How cuDNN chooses its kernels in a run: by trying them, unless sizes come freely.

    To try them takes seconds for each size, which one size repays, and sizes that are recorded, of which few are kept.
    """
    one_size = all(dim.fixed for dim in setting.input.dims)
    return fastest_kernels if one_size or setting.mode is Mode.LATENCY else nullcontext()


class _FastestKernels(AbstractContextManager[None]):
    """Have cuDNN try its kernels on each new shape and keep the fastest.

    This is a setting of the process, in which an artifact is a guest: it is as before afterwards. Threads may overlap:
    the last to leave restores.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = False

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._before = torch.backends.cudnn.benchmark
                torch.backends.cudnn.benchmark = True
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                torch.backends.cudnn.benchmark = self._before


fastest_kernels = _FastestKernels()
