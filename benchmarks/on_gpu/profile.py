"""Where the time goes: the kernels of a run, and what share each kind of them has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_RUNS = 5

_KINDS = (
    ("pooling", r"pool"),
    ("copies", r"memcpy|memset|copy|transpose|nchwto|nhwcto|fill|cat|pad"),
    ("convolutions", r"conv|fprop|implicit|cudnn|xmma|wgrad|dgrad"),
    ("matrix products", r"gemm|cublas|cutlass|nvjet|addmm|::mm|matmul|linear|splitk"),
    ("element by element", r"elementwise|triton_poi|::add|relu|silu|::mul|clamp"),
)
"""Kinds of kernels by what their names have in them; the first that fits."""


@dataclass(frozen=True, slots=True)
class Kernel:
    name: str
    calls: float
    seconds: float


def kernels(run: Callable[[], object], device: str) -> list[Kernel]:
    """The kernels of one run, the longest first."""
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiling

    for _ in range(3):
        run()
    gpu = device == "cuda"
    with profiling(activities=[ProfilerActivity.CUDA if gpu else ProfilerActivity.CPU]) as found:
        for _ in range(_RUNS):
            run()
    spent = "self_device_time_total" if gpu else "self_cpu_time_total"
    # Of a GPU the kernels themselves, and not the calls on the host that launched them, to which their time is added.
    rows = [each for each in found.key_averages() if not gpu or each.device_type == DeviceType.CUDA]
    made = [Kernel(each.key, each.count / _RUNS, getattr(each, spent) / 1e6 / _RUNS) for each in rows]
    return sorted((each for each in made if each.seconds > 0), key=lambda each: -each.seconds)


def kind(name: str) -> str:
    lower = name.lower()
    return next((kind for kind, pattern in _KINDS if re.search(pattern, lower)), "others")


def table(found: Sequence[Kernel], most: int = 15) -> list[str]:
    """Two tables in Markdown: the kinds, and the longest kernels."""
    whole = sum(each.seconds for each in found) or 1.0
    kinds: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for each in found:
        kinds[kind(each.name)] += each.seconds  # type: ignore[assignment]
        calls[kind(each.name)] += each.calls  # type: ignore[assignment]
    lines = ["| kind | kernels | time a run | share |", "| --- | ---: | ---: | ---: |"]
    lines += [_row(name, calls[name], seconds, whole) for name, seconds in kinds.most_common()]
    lines += ["", "| kernel | calls | time a run | share |", "| --- | ---: | ---: | ---: |"]
    lines += [_row(f"`{each.name[:90].replace('|', ' ')}`", each.calls, each.seconds, whole) for each in found[:most]]
    return lines


def _row(name: str, calls: float, seconds: float, whole: float) -> str:
    return f"| {name} | {calls:.0f} | {seconds * 1e3:.3f} ms | {seconds / whole:.1%} |"
