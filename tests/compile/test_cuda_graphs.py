"""Launches recorded and replayed: the bookkeeping with a recorder that records nothing, the calls to a CUDA made up."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from resnetdsl.compile.engines.cuda_graphs import MOST_SHAPES, CudaGraphs, fastest_kernels


class Adder:
    """A runner that adds its weight, in memory of its own as a recording does."""

    def __init__(self) -> None:
        self.weight = torch.ones(())
        self.runs = 0

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        self.runs += 1
        return [inputs[0] + self.weight]

    def swap(self, weights: Mapping[str, Tensor]) -> None:
        self.weight = weights["weight"]


class Replayed:
    """Does a function again, into the tensors of its first time."""

    def __init__(self, function: Callable[[], list[Tensor]]) -> None:
        self.function = function
        self.outputs = function()

    def replay(self) -> None:
        for mine, new in zip(self.outputs, self.function(), strict=True):
            mine.copy_(new)


class Recorder:
    """Records nothing; `told` has what it was asked, in order."""

    def __init__(self, error: Exception | None = None) -> None:
        self.told: list[str] = []
        self.error = error
        self.busy = False

    def record(self, function: Callable[[], list[Tensor]]) -> tuple[Replayed, list[Tensor]]:
        self.told.append("record")
        if self.error is not None:
            raise self.error
        made = Replayed(function)
        return made, made.outputs

    def wait(self) -> None:
        self.told.append("wait")

    def done(self) -> None:
        self.told.append("done")

    def settle(self) -> None:
        self.told.append("settle")

    def clear(self) -> None:
        self.told.append("clear")

    def capturing(self) -> bool:
        return self.busy


def graphs(adder: Adder | None = None, recorder: Recorder | None = None) -> CudaGraphs:
    return CudaGraphs(adder or Adder(), channels_last=True, recorder=recorder or Recorder())


def test_recordings_are_per_shape_and_results_are_kept() -> None:
    found = graphs()
    (first,) = found.run([torch.zeros(2)])
    (second,) = found.run([torch.full((2,), 5.0)])
    (other,) = found.run([torch.zeros(3)])
    assert first.tolist() == [1, 1]
    assert second.tolist() == [6, 6]
    assert other.tolist() == [1, 1, 1]


def test_calls_wait_for_those_before_them() -> None:
    recorder = Recorder()
    found = graphs(recorder=recorder)
    found.run([torch.zeros(2)])
    found.run([torch.zeros(2)])
    assert recorder.told == ["record", "wait", "done", "wait", "done"]


def test_images_are_brought_into_order_as_they_come() -> None:
    class Order(Adder):
        def run(self, inputs: list[Tensor]) -> list[Tensor]:
            assert inputs[0].is_contiguous(memory_format=torch.channels_last)
            return super().run(inputs)

    found = graphs(Order())
    x = torch.randn(2, 3, 4, 4)
    for given in (x, x.contiguous(memory_format=torch.channels_last), x.transpose(2, 3)):
        assert torch.equal(found.run([given])[0], given + 1)


def test_other_weights_are_recorded_anew() -> None:
    recorder = Recorder()
    found = graphs(recorder=recorder)
    found.run([torch.zeros(1)])
    found.swap({"weight": torch.full((), 3.0)})
    assert found.run([torch.zeros(1)])[0].tolist() == [3]
    assert recorder.told == ["record", "wait", "done", "clear", "record", "wait", "done"]


def test_recordings_do_not_pile_up() -> None:
    adder = Adder()
    found = graphs(adder)
    for size in range(1, MOST_SHAPES + 3):
        found.run([torch.zeros(size)])
        found.run([torch.zeros(1)])  # in use all the time, so it stays
    before = adder.runs
    found.run([torch.zeros(1)])
    assert adder.runs == before + 1, "replayed, not recorded"
    found.run([torch.zeros(2)])
    assert adder.runs == before + 3, "the one longest unused had made room"


def test_nothing_is_freed_that_may_still_be_read() -> None:
    """Replays may be under way on a stream that the memory of a recording was not allocated on."""
    recorder = Recorder()
    found = graphs(recorder=recorder)
    for size in range(1, MOST_SHAPES + 1):
        found.run([torch.zeros(size)])
    assert "settle" not in recorder.told
    oldest = weakref.ref(next(iter(found._recorded.values())).inputs[0])
    alive: list[bool] = []
    recorder.settle = lambda: alive.append(oldest() is not None)  # type: ignore[method-assign]
    found.run([torch.zeros(100)])
    assert alive == [True]
    assert oldest() is None
    left = weakref.ref(next(iter(found._recorded.values())).inputs[0])
    recorder.clear = lambda: alive.append(left() is not None)  # type: ignore[method-assign]
    found.swap({"weight": torch.zeros(())})
    assert alive == [True, True]
    assert left() is None


def test_what_the_caller_records_is_launched_into_that() -> None:
    recorder = Recorder()
    found = graphs(recorder=recorder)
    found.run([torch.zeros(2)])
    before = [*recorder.told]
    recorder.busy = True
    assert found.run([torch.zeros(2)])[0].tolist() == [1, 1]
    assert found.run([torch.zeros(3)])[0].tolist() == [1, 1, 1]
    assert recorder.told == before, "no other stream is waited for, and nothing is recorded"
    recorder.busy = False
    found.run([torch.zeros(3)])
    assert recorder.told == [*before, "record", "wait", "done"], "it was no refusal"


def test_what_cannot_be_recorded_is_run_and_said_once() -> None:
    recorder = Recorder(RuntimeError("operation not permitted when stream is capturing\nmore"))
    found = graphs(recorder=recorder)
    with pytest.warns(RuntimeWarning, match=r"launched one by one: operation not permitted when stream is capturing$"):
        assert found.run([torch.zeros(1)])[0].tolist() == [1]
    assert found.run([torch.zeros(2)])[0].tolist() == [1, 1]
    assert recorder.told == ["record"]


def test_a_lack_of_memory_is_no_refusal() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        graphs(recorder=Recorder(torch.OutOfMemoryError("CUDA out of memory"))).run([torch.zeros(1)])


def test_threads_take_turns() -> None:
    class Slow(Adder):
        inside = 0

        def run(self, inputs: list[Tensor]) -> list[Tensor]:
            self.inside += 1
            assert self.inside == 1
            threading.Event().wait(0.002)
            self.inside -= 1
            return super().run(inputs)

    found = graphs(Slow())
    wrong: list[float] = []

    def call(value: float) -> None:
        for _ in range(5):
            (made,) = found.run([torch.full((4,), value)])
            if made.tolist() != [value + 1] * 4:
                wrong.append(value)

    threads = [threading.Thread(target=call, args=(float(n),)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wrong == []


# --- the calls of CUDA ---


class Cuda:
    """What `record` and the rest ask of `torch.cuda`, in order. What a card would refuse is refused."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.stream_now = "current"
        self.recording = False
        self.streams = self.handles = 0
        self.pools: dict[str, str] = {}

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        names = ("Stream", "Event", "CUDAGraph", "current_stream", "stream", "graph", "graph_pool_handle")
        for name in (*names, "is_current_stream_capturing"):
            monkeypatch.setattr(torch.cuda, name, getattr(self, name))

    def _stream(self, name: str) -> SimpleNamespace:
        def wait(other: SimpleNamespace) -> None:
            assert not self.recording, "work from outside of a recording cannot be waited for in it"
            self.told.append(f"{name} waits for {other.name}")

        return SimpleNamespace(name=name, wait_stream=wait, wait_event=wait)

    def Stream(self) -> SimpleNamespace:
        self.streams += 1
        return self._stream(f"side {self.streams}")

    def current_stream(self) -> SimpleNamespace:
        return self._stream(self.stream_now)

    def Event(self) -> SimpleNamespace:
        return SimpleNamespace(
            name="event",
            record=lambda: self.told.append(f"event on {self.stream_now}"),
            synchronize=lambda: self.told.append("host waits for event"),
        )

    def is_current_stream_capturing(self) -> bool:
        return self.recording

    def CUDAGraph(self) -> SimpleNamespace:
        return SimpleNamespace(replay=lambda: self.told.append("replay"))

    def graph_pool_handle(self) -> str:
        self.handles += 1
        self.told.append(f"pool {self.handles}")
        return self.told[-1]

    @contextmanager
    def stream(self, stream: SimpleNamespace) -> Iterator[None]:
        before, self.stream_now = self.stream_now, stream.name
        yield
        self.stream_now = before

    @contextmanager
    def graph(self, _: object, *, pool: str, stream: SimpleNamespace, capture_error_mode: str) -> Iterator[None]:
        """Each stream must be the one that the pool was first used on, or the pool's memory is not used again."""
        assert capture_error_mode == "thread_local"
        assert self.pools.setdefault(pool, stream.name) == stream.name
        self.told.append(f"begin in {pool}")
        self.recording = True
        with self.stream(stream):
            yield
        self.recording = False
        self.told.append("end")


def test_the_order_of_a_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = Cuda()
    cuda.patch(monkeypatch)

    class Runner(Adder):
        def run(self, inputs: list[Tensor]) -> list[Tensor]:
            cuda.told.append(f"run on {cuda.stream_now}")
            return super().run(inputs)

    found = CudaGraphs(Runner(), channels_last=False)
    found.run([torch.zeros(1)])
    warm = ["side 1 waits for current", *["run on side 1"] * 3]
    recorded = ["run on side 1", "end", "current waits for side 1"]
    replayed = ["current waits for event", "replay", "event on current"]
    assert cuda.told == ["pool 1", *warm, "begin in pool 1", *recorded, *replayed]
    cuda.told.clear()
    found.run([torch.zeros(1)])
    assert cuda.told == replayed
    cuda.told.clear()
    found.swap({"weight": torch.zeros(())})
    assert cuda.told == ["host waits for event", "pool 2"]
    cuda.told.clear()
    found.run([torch.zeros(1)])
    assert cuda.told == [*warm, "begin in pool 2", *recorded, *replayed]


def test_each_records_on_a_stream_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the process lies on the device where it was first asked for."""
    cuda = Cuda()
    cuda.patch(monkeypatch)
    for found in (CudaGraphs(Adder(), channels_last=False), CudaGraphs(Adder(), channels_last=False)):
        found.run([torch.zeros(1)])
        found.run([torch.zeros(2)])
    assert cuda.pools == {"pool 1": "side 1", "pool 2": "side 2"}


def test_a_call_in_inference_mode_and_one_outside() -> None:
    found = graphs()
    with torch.inference_mode():
        assert found.run([torch.zeros(1)])[0].tolist() == [1]
    assert found.run([torch.ones(1)])[0].tolist() == [2]
    with torch.inference_mode():
        assert found.run([torch.full((1,), 4.0)])[0].tolist() == [5]


def test_the_last_thread_that_has_kernels_tried_restores_the_setting() -> None:
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False
    try:
        with fastest_kernels:
            other = threading.Thread(target=fastest_kernels.__enter__)
            other.start()
            other.join()
            assert torch.backends.cudnn.benchmark
        assert torch.backends.cudnn.benchmark, "the other is still inside"
        fastest_kernels.__exit__()
        assert not torch.backends.cudnn.benchmark
    finally:
        torch.backends.cudnn.benchmark = before
