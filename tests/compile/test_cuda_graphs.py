"""Launches recorded and replayed: the bookkeeping with a recorder that records nothing, the calls to a CUDA made up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from resnetdsl.compile.engines.cuda_graphs import MOST_SHAPES, CudaGraphs, CudaRecorder


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

    def clear(self) -> None:
        self.told.append("clear")


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
    """What `record` and the rest ask of `torch.cuda`, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.stream_now = "current"

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("Stream", "Event", "CUDAGraph", "current_stream", "stream", "graph", "graph_pool_handle"):
            monkeypatch.setattr(torch.cuda, name, getattr(self, name))

    def _stream(self, name: str) -> SimpleNamespace:
        def wait(other: SimpleNamespace) -> None:
            self.told.append(f"{name} waits for {other.name}")

        return SimpleNamespace(name=name, wait_stream=wait, wait_event=wait)

    def Stream(self) -> SimpleNamespace:
        return self._stream("side")

    def current_stream(self) -> SimpleNamespace:
        return self._stream(self.stream_now)

    def Event(self) -> SimpleNamespace:
        return SimpleNamespace(name="event", record=lambda: self.told.append(f"event on {self.stream_now}"))

    def CUDAGraph(self) -> SimpleNamespace:
        return SimpleNamespace(replay=lambda: self.told.append("replay"))

    def graph_pool_handle(self) -> str:
        self.told.append("pool")
        return f"pool {self.told.count('pool')}"

    @contextmanager
    def stream(self, stream: SimpleNamespace) -> Iterator[None]:
        self.stream_now = stream.name
        yield
        self.stream_now = "current"

    @contextmanager
    def graph(self, _: object, *, pool: str, capture_error_mode: str) -> Iterator[None]:
        assert capture_error_mode == "thread_local"
        self.told.append(f"begin in {pool}")
        self.stream_now = "capture"
        yield
        self.stream_now = "current"
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
    warm = ["side waits for current", *["run on side"] * 3, "current waits for side"]
    recorded = ["begin in pool 1", "run on capture", "end"]
    replayed = ["current waits for event", "replay", "event on current"]
    assert cuda.told == ["pool", *warm, *recorded, *replayed]
    cuda.told.clear()
    found.run([torch.zeros(1)])
    assert cuda.told == replayed
    found.swap({"weight": torch.zeros(())})
    cuda.told[:] = ["pool"]
    found.run([torch.zeros(1)])
    assert "begin in pool 2" not in cuda.told
    assert CudaRecorder()._pool.startswith("pool")


def test_a_call_in_inference_mode_and_one_outside() -> None:
    found = graphs()
    with torch.inference_mode():
        assert found.run([torch.zeros(1)])[0].tolist() == [1]
    assert found.run([torch.ones(1)])[0].tolist() == [2]
    with torch.inference_mode():
        assert found.run([torch.full((1,), 4.0)])[0].tolist() == [5]
