"""What a program may have set of PyTorch for code of its own, kept from ours.

`torch.set_default_device("cuda")`, `torch.set_default_dtype`, `torch.autocast`: each changes what a call without a type
or a device makes, and autocast the type that a product is computed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

import torch


@contextmanager
def usual() -> Iterator[None]:
    """As in a new process: the CPU, float32, nothing cast. The default type is the process's own, not the thread's."""
    dtype = torch.get_default_dtype()
    with ExitStack() as stack:
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for device in ("cpu", "cuda"):
            stack.enter_context(as_it_is(device))
        if dtype is not torch.float32:
            stack.callback(torch.set_default_dtype, dtype)
            torch.set_default_dtype(torch.float32)
        yield


def as_it_is(device: str) -> AbstractContextManager[object]:
    """No autocast on a device. Nearly free where there is none, as nearly always."""
    return torch.autocast(device, enabled=False) if torch.is_autocast_enabled(device) else nullcontext()
