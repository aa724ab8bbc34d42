"""The machine itself: interpreter, processor, memory, disk."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from resnetdsl.doctor.model import Finding, Grade

_LEAST_DISK = 2 * 2**30
_LEAST_MEMORY = 2 * 2**30

FEATURES: Final[Mapping[str, tuple[str, ...]]] = {
    "AVX2": ("avx2",),
    "AVX-512": ("avx512f",),
    "VNNI": ("avx512_vnni", "avx_vnni", "asimddp"),
    "bfloat16": ("avx512_bf16", "amx_bf16", "bf16"),
    "AMX": ("amx_int8",),
}
"""What speeds networks up, and the flags of /proc/cpuinfo of which one is enough. `asimddp` and `bf16` are Arm's."""

_X86_ONLY = {"AVX2", "AVX-512", "AMX"}
_COSTS: Final[Mapping[str, str]] = {
    "AVX2": "float32 runs at a fraction of the speed of other processors",
    "VNNI": "`--dtype int8` gains little over float32",
    "bfloat16": "`--dtype bfloat16` is slower than float32",
}


def python() -> Finding:
    version = platform.python_version()
    return Finding(
        "Python", Grade.OK, f"{version} at {sys.executable}", data={"version": version, "executable": sys.executable}
    )


def processor() -> Finding:
    flags = _flags()
    arm = platform.machine().lower() in {"aarch64", "arm64"}
    features = {name: bool(flags & set(any_of)) for name, any_of in FEATURES.items() if not (arm and name in _X86_ONLY)}
    known = bool(flags)
    here = [name for name, there in features.items() if there]
    absent = [name for name, there in features.items() if not there]
    words = f"; {', '.join(here) or 'none of the features looked for'}" if known else "; its features cannot be told"
    words += f"; no {', '.join(absent)}" if known and absent else ""
    cost = "; ".join(_COSTS[name] for name in absent if known and name in _COSTS)
    count, limit = cores()
    cores_words = f"{count} core{'' if count == 1 else 's'}" + (f" (limited to {limit:g})" if limit else "")
    data = {"model": _model(), "cores": count, "limit": limit, "features": features if known else None}
    return Finding(
        "processor", Grade.LACKING if cost else Grade.OK, f"{_model()}, {cores_words}{words}", cost, data=data
    )


def cores() -> tuple[int, float | None]:
    """The cores that this process may use, and the share of them that a container is limited to."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        if quota != "max" and int(quota) < count * int(period):
            return count, round(int(quota) / int(period), 2)
    return count, None


def memory() -> Finding:
    total, free = _memory()
    if not total:
        return Finding("memory", Grade.OK, "its size cannot be told")
    small = free < _LEAST_MEMORY
    return Finding(
        "memory",
        Grade.LACKING if small else Grade.OK,
        f"{_gibi(total)}, {_gibi(free)} free",
        "compiling a large network takes 2 GiB and more" if small else "",
        data={"total": total, "free": free},
    )


def disk() -> Finding:
    """Where temporary files go: nothing is compiled without it."""
    folder = Path(os.environ.get("TMPDIR") or tempfile.gettempdir())
    mend = "export TMPDIR=/a/folder/with/space"
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return Finding(
            "temporary files", Grade.BROKEN, f"{folder} cannot be written: {why}", "nothing can be compiled", mend
        )
    small = free < _LEAST_DISK
    return Finding(
        "temporary files",
        Grade.LACKING if small else Grade.OK,
        f"{folder}, {_gibi(free)} free",
        "a large network may not fit while it is compiled" if small else "",
        mend if small else "",
        {"folder": str(folder), "free": free},
    )


def _flags() -> frozenset[str]:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in {"flags", "Features"}:
                return frozenset(value.split())
    if sys.platform == "darwin":
        flags = _sysctl("machdep.cpu.features") + " " + _sysctl("machdep.cpu.leaf7_features")
        return frozenset(flags.lower().split())
    return frozenset()


def _model() -> str:
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        if (found := re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)) is not None:
            return found[1].strip()
    if sys.platform == "darwin" and (brand := _sysctl("machdep.cpu.brand_string")):
        return brand
    return platform.processor() or platform.machine()


def _sysctl(name: str) -> str:
    with suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(
            ["sysctl", "-n", name], capture_output=True, text=True, timeout=5, check=False
        ).stdout.strip()
    return ""


def _memory() -> tuple[int, int]:
    """All that there is and what is free, in bytes; within the limit of a container. Zeros where it cannot be told."""
    total = free = 0
    with suppress(OSError):
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        sizes = {key: int(kib) * 1024 for key, kib in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
        total, free = sizes.get("MemTotal", 0), sizes.get("MemAvailable", 0)
    if not total:
        with suppress(ValueError, OSError, AttributeError):
            total = free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        used = int((group / "memory.current").read_text(encoding="ascii"))
        if limit < total:
            total, free = limit, min(free, max(limit - used, 0))
    return total, free


def _gibi(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
