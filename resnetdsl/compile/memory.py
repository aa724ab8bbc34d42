"""Running out of memory is no bug: it is said in a line, whatever library it happened in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from resnetdsl.compile.errors import CompileError, Problem

_SIGNS = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "bad_alloc",
    "Cannot allocate memory",
    "Failed to allocate memory",
)


_ONEDNN = "could not create a primitive"
"""All that oneDNN says of it. Where something is not supported it goes on with `descriptor for`."""


@contextmanager
def enough_memory(what: str, kind: type[CompileError] = CompileError) -> Iterator[None]:
    """Raise a `kind` of error for a lack of memory inside; `what` is what there was not enough for."""
    try:
        yield
    except CompileError:
        raise
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_lack_of_memory(error):
            raise
        where = "on the GPU" if isinstance(error, torch.cuda.OutOfMemoryError) else "on this machine"
        raise kind(
            Problem.NO_MEMORY,
            f"there is not enough memory {where} to {what}",
            "use a smaller batch or smaller images, or `--dtype bfloat16`; close what else needs memory",
        ) from error


class GpuMemory:
    """Whether a failure on a GPU was for want of memory, where compiled code hides it: it prints what happened and
    raises an error that says nothing. PyTorch counts how often it found none.
    """

    def __init__(self) -> None:
        self._refused = _refused()

    def explain(self, error: RuntimeError) -> None:
        """Raise torch's own error where memory was lacking since the last failure."""
        before, self._refused = self._refused, _refused()
        if not is_lack_of_memory(error) and self._refused > before:
            raise torch.OutOfMemoryError("CUDA out of memory in compiled code") from error


def _refused() -> int:
    """How often PyTorch's allocator has found no memory on the current device."""
    return int(torch.cuda.memory_stats().get("num_ooms", 0)) if torch.cuda.is_available() else 0


def is_lack_of_memory(error: BaseException) -> bool:
    """Whether memory was what an error is about, whoever raises it."""
    said = str(error)
    return (
        isinstance(error, MemoryError | torch.cuda.OutOfMemoryError)
        or any(sign in said for sign in _SIGNS)
        or said.strip() == _ONEDNN
    )
