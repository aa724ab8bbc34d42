import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def recomputed(forward: Callable[..., Any]) -> Callable[..., Any]:
    """A `forward` of which training keeps the inputs alone: the backward pass computes the rest."""

    @functools.wraps(forward)
    def run(self: nn.Module, *inputs: torch.Tensor) -> Any:
        block = functools.partial(forward, self)
        if not torch.is_grad_enabled():
            return block(*inputs)
        if torch.compiler.is_compiling():  # it writes the statistics once by itself
            return checkpoint(block, *inputs, use_reentrant=False)
        return checkpoint(
            block, *inputs, use_reentrant=False, context_fn=functools.partial(contexts, self)
        )

    return run


def contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """What is entered for the forward pass, and for computing it again."""
    return nullcontext(), buffers_kept(block)


@contextmanager
def buffers_kept(block: nn.Module) -> Iterator[None]:
    """The running statistics of norms stay as they are: this batch has been counted already."""
    before = [(buffer, buffer.clone()) for buffer in block.buffers()]
    try:
        yield
    finally:
        for buffer, value in before:
            buffer.data.copy_(
                value
            )  # unseen by autograd, which has kept the buffer for the backward pass
