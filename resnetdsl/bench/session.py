"""One call of `resnetdsl bench`: the network and its weights, its folder, and who takes part."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Self

import torch

from resnetdsl.bench.cold import cold_compile
from resnetdsl.bench.compete import Result, compete
from resnetdsl.bench.contestants import Contestant, contestants
from resnetdsl.bench.interleave import Plan
from resnetdsl.bench.match import Match, made
from resnetdsl.compile.engines.registry import ALL, engine_for
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.options import Backend, Device, Layout, Precision
from resnetdsl.compile.toolchain import find_device
from resnetdsl.elaborate.meant import nearest
from resnetdsl.network import Network

_PARTS = ("torch", "timm", "torchvision", "onnxruntime", "openvino")


def versions() -> dict[str, str]:
    """Of the libraries that were compared, those that are installed."""
    found = {}
    for name in _PARTS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


class Session:
    """Used as a context: what was built goes when it ends, and PyTorch's threads are as many as before."""

    def __init__(self, network: Network, settings: dict[str, object], peers: str | None, seconds: float) -> None:
        self.network = network
        self.precision = Precision(settings["dtype"])
        self.device = find_device(Device(settings["device"])).type
        self.threads = _count(settings["threads"]) or _cores()
        self.plan = Plan(seconds=seconds)
        layout = None if settings["layout"] is None else Layout(settings["layout"])
        asked = engine_for(Backend(settings["backend"]), self.device, self.precision, layout)
        usable = tuple(each.name for each in ALL if each.lacking(self.device, self.precision) is None)
        names = usable if asked is None else (asked.name,)
        more = {name: settings[name] for name in ("layout", "without", "also", "mode") if settings[name]}
        if self.precision is Precision.INT8 and "calibration" in settings:
            more["calibration"] = settings["calibration"]
        self.entered = _chosen(contestants(self.device, names, **more), peers)
        self.module = made(network)

    def __enter__(self) -> Self:
        self._before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        self._folder = tempfile.TemporaryDirectory(prefix="resnetdsl-bench-", ignore_cleanup_errors=True)
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")  # of exporters and compilers, about their own insides
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._warnings.__exit__(None, None, None)
        self._folder.cleanup()
        torch.set_num_threads(self._before)

    def measure(self, batch: int, phase: Callable[[str], object], heard: Callable[[int, int, str], object]) -> Result:
        """All contestants on a batch of this size."""
        node = next(self.network.checked.nodes())
        size = tuple(node.outputs[0].shape)
        match = Match(self.network, self.module, batch, size, self.precision, self.device, Path(self._folder.name))
        return compete(match, self.entered, self.plan, self.threads, phase, heard)

    def cold(self, batch: int, phase: Callable[[str], object]) -> dict[str, float | str]:
        """Seconds to compile with empty caches: ours on each engine, and `torch.compile` to its first result."""
        found: dict[str, float | str] = {}
        for contestant in self.entered:
            if contestant.group == "ours" or contestant.name == "torch.compile":
                phase(f"compiling for {contestant.name}")
                found[contestant.name] = cold_compile(
                    self.network, contestant.name, batch, self.precision.value, self.device, self.threads
                )
        return found


def _chosen(entered: list[Contestant], peers: str | None) -> list[Contestant]:
    """Eager, ours, and of the others those that were asked for."""
    if peers is None:
        return entered
    others = [each.name for each in entered if each.group != "ours" and each.name != "eager"]
    wanted = [] if peers == "none" else [name.strip() for name in peers.split(",")]
    for name in wanted:
        if name not in others:
            near = nearest(name, others)
            raise CompileError(
                Problem.BAD_OPTION,
                f"there is no peer `{name}`",
                f"did you mean `{near}`?" if near else f"the peers are {', '.join(others)}",
            )
    return [each for each in entered if each.name not in others or each.name in wanted]


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
