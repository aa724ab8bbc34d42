"""The verification passes what is right and stops what is wrong, also what shows in a trained network only."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn

from resnetdsl.compile.engines.base import Runner
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.inputs import Dimension, InputSpec
from resnetdsl.compile.metadata import Agreement
from resnetdsl.compile.options import Precision
from resnetdsl.compile.verify import MADE_UP_WEIGHTS, OWN_WEIGHTS, Reference, flatten
from resnetdsl.compile.verify import verify as verify_runner
from tests.compile.packages import INPUT, Double
from tests.compile.tiny import Tiny


def verify(module: nn.Module, runner: Runner, inputs: InputSpec, precision: Precision) -> Agreement:
    """Weights as the module has them."""
    outputs = ("output", "features") if isinstance(module, Tiny) else ("output",)
    return verify_runner(Reference(module, outputs), runner, dict, inputs, precision)


def test_the_same_network_agrees_exactly() -> None:
    module = Tiny().eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    double = Double(copy.deepcopy(module))
    agreement = verify(module, double, INPUT, Precision.FLOAT32)
    assert (agreement.absolute, agreement.relative) == (0.0, 0.0)
    assert {m.weights for m in agreement.measurements} == {OWN_WEIGHTS, MADE_UP_WEIGHTS}
    assert {m.shape for m in agreement.measurements} == set(INPUT.to_verify())
    assert double.loaded == sorted(module.state_dict())
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert not module.training


class Wrong(Double):
    """A package with a defect."""

    def __init__(self, module: nn.Module, defect: Callable[[nn.Module], object]) -> None:
        super().__init__(module)
        self.defect = defect
        defect(module)

    def swap(self, weights: Mapping[str, Tensor]) -> None:
        super().swap(weights)
        self.defect(self.module)


def statistics_unused(module: nn.Module) -> None:
    """Right as long as mean and variance are 0 and 1."""
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.reset_running_stats()


def zero_branch_lost(module: nn.Module) -> None:
    """Right as long as the branch's last norm is zero-initialised."""
    nn.init.zeros_(module.conv2.weight)  # type: ignore[arg-type]
    module.bn2.bias.data.zero_()  # type: ignore[union-attr]
    module.bn2.running_mean.zero_()  # type: ignore[operator,union-attr]


def weights_off(module: nn.Module) -> None:
    module.fc.weight.data *= 1.001  # type: ignore[operator,union-attr]


def not_a_number(module: nn.Module) -> None:
    module.fc.bias.data[0] = float("nan")  # type: ignore[operator,union-attr,index]


@pytest.mark.parametrize("defect", [statistics_unused, zero_branch_lost, weights_off, not_a_number])
def test_defects_are_caught(defect: Callable[[nn.Module], object]) -> None:
    module = Tiny().eval()
    with pytest.raises(CompileError, match="differs from eager") as caught:
        verify(module, Wrong(copy.deepcopy(module), defect), INPUT, Precision.FLOAT32)
    assert caught.value.problem is Problem.DISAGREES


class Half(Double):
    """A package that returns half of what it should."""

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        return [tensor[:, ::2] for tensor in super().run(inputs)]


def test_other_shapes_are_caught() -> None:
    with pytest.raises(CompileError, match=r"returns \(1, 3\), \(1, 8, 8, 8\) where eager returns \(1, 5\)"):
        verify(Tiny().eval(), Half(Tiny().eval()), INPUT, Precision.FLOAT32)


class Deep(nn.Module):
    """So unstable that rounding alone reaches the output: x -> 4x(1-x), again and again."""

    def __init__(self, swapped: bool) -> None:
        super().__init__()
        self.swapped = swapped

    def forward(self, x: Tensor) -> Tensor:
        x = torch.sigmoid(x)
        for _ in range(60):
            x = 4 * x - 4 * x * x if self.swapped else 4 * x * (1 - x)
        return x


def test_rounding_that_a_deep_net_amplifies_is_excused() -> None:
    agreement = verify(Deep(False), Double(Deep(True)), INPUT, Precision.FLOAT32)
    assert agreement.relative > 0.1
    assert "rounding alone does that" in agreement.notes[0]


class Unstable(Deep):
    """As long as its norm has seen nothing."""

    def __init__(self, swapped: bool) -> None:
        super().__init__(swapped)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(x)
        return y if self.norm.running_mean.any() else super().forward(x)  # type: ignore[union-attr]


def test_what_rounding_decides_is_told_apart_from_what_agrees() -> None:
    agreement = verify(Unstable(False).eval(), Double(Unstable(True).eval()), INPUT, Precision.FLOAT32)
    assert agreement.relative < 1e-5
    assert {m.weights for m in agreement.measurements} == {MADE_UP_WEIGHTS}
    assert len(agreement.notes) == len(INPUT.to_verify())
    assert all(OWN_WEIGHTS in note and "rounding alone does that" in note for note in agreement.notes)


class Lucky(Deep):
    """As unstable, but for the first input, on which it happens to come out as the truth does."""

    def __init__(self) -> None:
        super().__init__(False)
        self.first: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype is torch.float64:
            return super().forward(x)
        self.first = x.clone() if self.first is None else self.first
        return super().forward(x.double()).float() if torch.equal(x, self.first) else super().forward(x)


def test_eager_that_is_exact_by_chance_is_asked_again_near_by() -> None:
    one = InputSpec(tuple(Dimension(name, size, size) for name, size in zip("nchw", (1, 3, 8, 8), strict=True)))
    assert verify(Lucky(), Double(Deep(True)), one, Precision.FLOAT32).relative > 0.1


class Overflow(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        nn.init.constant_(self.conv.weight, 1e4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(self.conv(x * 1e4)) if self.bn.running_mean.any() else self.conv(x * 1e30) * 1e30  # type: ignore[union-attr]
        return y


def test_what_overflows_with_its_own_weights_is_verified_with_others() -> None:
    module = Overflow().eval()
    agreement = verify(module, Double(copy.deepcopy(module)), INPUT, Precision.FLOAT32)
    assert {m.weights for m in agreement.measurements} == {MADE_UP_WEIGHTS}
    assert len(agreement.notes) == len(INPUT.to_verify())
    assert "not all finite" in agreement.notes[0]


class Infinite(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x / 0


def test_what_always_overflows_is_refused() -> None:
    with pytest.raises(CompileError, match="cannot be verified"):
        verify(Infinite(), Double(Infinite()), INPUT, Precision.FLOAT16)


@pytest.mark.parametrize("precision", [Precision.BFLOAT16, Precision.FLOAT16])
def test_half_precision(precision: Precision) -> None:
    module = Tiny().eval().to(getattr(torch, precision.value))
    assert verify(module, Double(copy.deepcopy(module)), INPUT, precision).relative == 0


def test_a_vector_network() -> None:
    module = nn.Sequential(nn.Linear(6, 4), nn.LayerNorm(4), nn.BatchNorm1d(4)).eval()
    spec = InputSpec((Dimension("batch", 1, 1), Dimension("channels", 6, 6)))
    assert len(verify(module, Double(copy.deepcopy(module)), spec, Precision.FLOAT32).measurements) == 2


def test_flattening() -> None:
    a, b, c = torch.zeros(3).unbind()
    assert [id(t) for t in flatten({"x": a, "y": (b, [c])})] == [id(a), id(b), id(c)]
    with pytest.raises(TypeError):
        flatten(None)


def test_outputs_come_in_the_order_of_their_names() -> None:
    x, tiny = torch.rand(1, 3, 32, 32), Tiny().eval()
    output, features = Reference(tiny, ("output", "features"))(x)
    assert [t.shape for t in Reference(tiny, ("features", "output"))(x)] == [features.shape, output.shape]
    with pytest.raises(ValueError, match="its graph has 2"):
        Reference(nn.ReLU(), ("output", "tap"))(x)
