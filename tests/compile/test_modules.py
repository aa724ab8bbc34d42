"""What `compile` takes weights from: modules as programs have them, state dicts, and what is refused of those."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

import resnetdsl
from resnetdsl.compile.artifact import load_artifact
from resnetdsl.compile.errors import CompileError, Problem, WeightsError
from resnetdsl.network import Network

TEXT = """network n {
    input 3x8x8
    conv1: conv(4, 3x3) -> bn1: batch_norm -> relu
    global_avg_pool -> fc: linear(3)
}
"""
IMAGE = (1, 3, 8, 8)


def net() -> Network:
    return resnetdsl.load(TEXT).network("n")


def compiled(folder: Path, **options: object) -> Tensor:
    """The artifact's output for a fixed image, compiled without a cache, which would hide what it compares."""
    result = net().compile(folder / "n.rnetc", device="cpu", cache=False, **options)  # type: ignore[arg-type]
    found = load_artifact(result.path)(torch.ones(IMAGE))
    assert isinstance(found, Tensor)
    return found


def trained() -> nn.Module:
    torch.manual_seed(3)
    return net().module()


def refused(folder: Path, **options: object) -> CompileError:
    with pytest.raises(CompileError) as caught:
        compiled(folder, **options)
    assert not list(folder.iterdir())
    return caught.value


@pytest.mark.parametrize(
    "wrap",
    [
        torch.compile,
        nn.DataParallel,
        lambda module: nn.DataParallel(torch.compile(module)),
        lambda module: module.train(),
        lambda module: module.double(),
    ],
)
def test_a_module_as_training_has_it(tmp_path: Path, wrap: Callable[[nn.Module], nn.Module]) -> None:
    module = trained()
    with torch.no_grad():
        expected = module.eval()(torch.ones(IMAGE))
    torch.testing.assert_close(compiled(tmp_path, module=wrap(module)), expected, rtol=1e-4, atol=1e-4)


def test_a_state_dict(tmp_path: Path) -> None:
    module = trained()
    with torch.no_grad():
        expected = module.eval()(torch.ones(IMAGE))
    found = compiled(tmp_path, weights=module.state_dict())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_what_gives_no_weights(tmp_path: Path) -> None:
    assert "not a `int`" in refused(tmp_path, weights=3).message
    assert refused(tmp_path, weights={}).problem is Problem.BAD_WEIGHTS
    both = refused(tmp_path, module=trained(), weights=trained().state_dict())
    assert both.problem is Problem.BAD_OPTION


@pytest.mark.parametrize("seed", [-1, 2**63, "1", 1.0, True])
def test_what_is_no_seed(tmp_path: Path, seed: object) -> None:
    assert "is no seed" in refused(tmp_path, seed=seed).message


@pytest.mark.parametrize(
    "change",
    [
        parametrizations.weight_norm,
        parametrizations.spectral_norm,
        lambda conv: prune.l1_unstructured(conv, "weight", 0.5),
    ],
)
def test_parametrizations_are_named_with_the_way_out(tmp_path: Path, change: Callable[[nn.Module], object]) -> None:
    module = trained()
    change(module.get_submodule("conv1"))
    error = refused(tmp_path, module=module)
    assert isinstance(error, WeightsError)
    assert "remove_parametrizations" in error.help


def test_a_module_that_has_no_weights_yet(tmp_path: Path) -> None:
    module = trained()
    module.fc = nn.LazyLinear(3)
    assert "without values" in refused(tmp_path, module=module).message


def test_a_module_with_hooks_is_no_bug_of_ours(tmp_path: Path) -> None:
    module = trained()
    module.register_forward_hook(lambda _module, _inputs, output: output + 1)
    error = refused(tmp_path, module=module)
    assert error.problem is Problem.DISAGREES
    assert "hooks" in error.help


class Failing(nn.Module):
    """It has the weights and cannot be run."""

    def __init__(self) -> None:
        super().__init__()
        for name, child in trained().named_children():
            self.add_module(name, child)

    def forward(self, x: Tensor) -> Tensor:
        raise AssertionError(f"only for {x.dim() + 1} dimensions\nand more")


def test_a_module_that_fails(tmp_path: Path) -> None:
    error = refused(tmp_path, module=Failing())
    assert error.message.endswith("fails on an input of 1x3x8x8: only for 5 dimensions")
    assert "state_dict" in error.help


def test_a_module_that_cannot_be_copied(tmp_path: Path) -> None:
    module = trained()
    module.handle = (each for each in ())  # type: ignore[assignment]
    assert "cannot be copied: cannot pickle 'generator'" in refused(tmp_path, module=module).message
