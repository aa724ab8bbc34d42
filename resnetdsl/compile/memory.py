"""Running out of memory is no bug: it is said in a line, whatever library it happened in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from resnetdsl.compile.errors import CompileError, Problem

_SIGNS = ("can't allocate memory", "not enough memory", "out of memory", "bad_alloc", "Cannot allocate memory")


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


def is_lack_of_memory(error: BaseException) -> bool:
    """Whether memory was what an error is about, whoever raises it."""
    return isinstance(error, MemoryError | torch.cuda.OutOfMemoryError) or any(sign in str(error) for sign in _SIGNS)
