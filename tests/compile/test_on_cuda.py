"""What can be seen of CUDA without a card: tensors that have a device and no values. torch holds them to one device."""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import resnetdsl
from resnetdsl.compile.lower.lowered import weights_of
from resnetdsl.compile.lower.pipeline import lower
from resnetdsl.compile.recipes import evaluate_all


@pytest.mark.parametrize("name", ["repvgg_a0", "resnet18"])
def test_weights_on_a_card_are_derived(name: str) -> None:
    """Verifying derives them from a module that is there; recipes have constants of their own beside its leaves."""
    graph = resnetdsl.load(name).network(name).checked
    lowered = lower(graph)
    with FakeTensorMode():
        state = {
            leaf: torch.empty(shape.shape, dtype=getattr(torch, shape.dtype), device="cuda")
            for leaf, shape in weights_of(graph)
        }
        found = evaluate_all(lowered.recipes, state, torch.bfloat16, torch.device("cuda", 0))
    assert {tensor.device.type for tensor in found.values()} == {"cuda"}
    assert {tensor.dtype for tensor in found.values()} == {torch.bfloat16}
