"""What a program sets of PyTorch for itself changes nothing of what is compiled, loaded and run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor

from resnetdsl.compile.artifact import load_artifact
from resnetdsl.compile.surroundings import as_it_is, usual
from resnetdsl.compile.swap import swap_weights
from tests.compile.lowering import network

BODY = """
    conv(8, 3x3) -> batch_norm -> relu
    let x = here
    x + (x -> conv(8, 3x3)) + (x -> conv(8, 1x1))
    batch_norm -> relu -> conv(8, 1x1, pad = 0)
    global_avg_pool -> flatten -> linear(8) -> relu -> linear(5)
"""
"""Small linear layers, which are plain products; branches, norms across ReLUs: recipes that make tensors of their own.
"""


@contextmanager
def float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def surroundings(name: str) -> AbstractContextManager[object]:
    match name:
        case "device":  # of which any tensor that we made without one would have no values
            return torch.device("meta")
        case "type":
            return float64()
        case "autocast":
            return torch.autocast("cpu", dtype=torch.bfloat16)
        case _:
            return torch.inference_mode()


@pytest.mark.parametrize("name", ["device", "type", "autocast", "inference"])
@pytest.mark.parametrize("backend", ["onednn", "onnxruntime", "openvino"])
def test_they_are_kept_out(name: str, backend: str, tmp_path: Path) -> None:
    net = network(BODY, size="3x8x8")
    module = net.module().eval()
    x = torch.randn(2, 3, 8, 8)
    expected = module(x).detach()
    path = tmp_path / "n.rnetc"
    found: list[object] = []
    with surroundings(name):
        net.compile(path, device="cpu", backend=backend, batch=2, module=module, cache=False)
        artifact = load_artifact(path)
        found.append(artifact(x))
        artifact.load_weights(module.state_dict())
        found.append(artifact(x))
        swap_weights(path, module.state_dict())
    found.append(load_artifact(path)(x))
    for each in found:
        assert isinstance(each, Tensor)
        torch.testing.assert_close(each, expected, rtol=1e-4, atol=1e-5)


def test_they_are_as_before_afterwards() -> None:
    with float64(), torch.device("meta"), torch.autocast("cpu", dtype=torch.bfloat16):
        with pytest.raises(ZeroDivisionError), usual():
            assert torch.empty(1).dtype == torch.float32
            assert torch.empty(1).device.type == "cpu"
            assert not torch.is_autocast_enabled("cpu")
            raise ZeroDivisionError
        assert torch.empty(1).dtype == torch.float64
        assert torch.empty(1).is_meta
        assert torch.is_autocast_enabled("cpu")
        with as_it_is("cpu"):
            assert not torch.is_autocast_enabled("cpu")
