"""How far AOTInductor is, read off the folder that it works in: PyTorch tells nobody.

On a GPU the binaries of Triton's kernels come to lie there one by one; how many there will be is not known before the
last. Then, and on a CPU at once, C++ for the whole network in two files, of which the compiler makes an object each:
on a CPU the kernels are the functions of one of them.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path

from resnetdsl.compile.progress import count

_EVERY = 0.5
"""Seconds between two looks."""

_BINARIES = ("*.cubin", "*.hsaco")
_FUNCTION = re.compile(rb'^extern "C"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Seen:
    """What lies in the folder: files of C++, the objects made of them, and kernels, as functions or as binaries."""

    sources: int
    objects: int
    kernels: int

    def tell(self) -> None:
        """Say it to whoever listens."""
        kernels = f"{self.kernels} kernel{'s' * (self.kernels != 1)}"
        if self.sources:
            count(self.objects, self.sources, f"files of C++, with {kernels}" if self.kernels else "files of C++")
        elif self.kernels:
            count(self.kernels, None, "kernels")


def look(folder: Path) -> Seen:
    """What there is now. The compiler writes an object at its end, and makes it empty first."""
    sources, objects, kernels = 0, 0, 0
    for source in folder.glob("*.cpp"):
        sources += 1
        made = source.with_suffix(".o")
        with suppress(OSError):
            objects += made.stat().st_size > 0
        with suppress(OSError):
            kernels += len(_FUNCTION.findall(source.read_bytes())) if source.name.endswith(".kernel.cpp") else 0
    kernels += sum(1 for pattern in _BINARIES for _ in folder.glob(pattern))
    return Seen(sources, objects, kernels)


@contextmanager
def watched(folder: Path, every: float = _EVERY) -> Iterator[None]:
    """Tell what comes to lie in the folder while this lasts."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(every):
            look(folder).tell()

    context = copy_context()  # the listener is a variable of it
    thread = threading.Thread(target=lambda: context.run(watch), name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
