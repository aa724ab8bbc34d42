"""Results on disk: what was measured with this code, these versions and this machine is not measured again."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("torch", "timm", "torchvision", "onnxruntime", "openvino", "numpy")


def machine(root: Path, threads: int) -> dict[str, str]:
    """What a result depends on: it is of no use beside one of another machine or version."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = {
        "processor": model,
        "cores": str(cores),
        "threads": str(threads),
        "system": platform.system(),
        "python": platform.python_version(),
        "commit": _commit(root),
    }
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def _commit(root: Path) -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


class Store:
    """A JSON file: the machine, and the result of each unit by its key."""

    def __init__(self, path: Path, here: dict[str, str], *, fresh: bool) -> None:
        self.path = path
        self.here = here
        self.results: dict[str, dict[str, object]] = {}
        self.dropped = 0
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            of_here = kept["machine"] == here
            self.results = kept["results"] if of_here and not fresh else {}
            self.dropped = len(kept["results"]) - len(self.results)
        except (OSError, ValueError, KeyError, TypeError):
            self.results = {}

    def __contains__(self, key: str) -> bool:
        return key in self.results

    def keep(self, key: str, result: dict[str, object]) -> None:
        """Add a result and write all, whole or not at all: the next call may come after a power cut."""
        self.results[key] = result
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"machine": self.here, "results": self.results}), encoding="utf-8")
        temporary.replace(self.path)
