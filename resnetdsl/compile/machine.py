"""The machine that code is compiled for: what an artifact is held against where it is loaded."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

import torch

_ISA = ("sse", "ssse", "avx", "fma", "f16c", "bmi", "amx", "abm", "movbe", "gfni", "vaes", "vpclmul", "popcnt", "adx")
"""Beginnings of the processor flags that a compiler may make use of (of those in /proc/cpuinfo)."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the code in an artifact was compiled for. `flags` are the processor's, `gpu` its compute capability."""

    system: str
    machine: str
    flags: tuple[str, ...] = ()
    gpu: str = ""

    @staticmethod
    def this(device: str) -> Machine:
        gpu = ""
        if device == "cuda" and torch.cuda.is_available():
            gpu = ".".join(map(str, torch.cuda.get_device_capability()))
        return Machine(platform.system(), platform.machine(), _cpu_flags(), gpu)


def _cpu_flags() -> tuple[str, ...]:
    """The instruction sets of this processor as Linux names them; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return ()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in {"flags", "Features"}:
            return tuple(sorted(flag for flag in value.split() if flag.startswith(_ISA)))
    return ()
