"""Emitted source, run: modules that the tools of Python and torch can look into, and that start as they should."""

from __future__ import annotations

import inspect
import linecache
import pickle
import traceback

import pytest
import torch
from torch import nn

import resnetdsl.api as resnetdsl
from resnetdsl.emit.module import build, load
from resnetdsl.emit.pytorch.document import class_name, emit
from tests.builders import resnet18
from tests.emit.interpreter import randomise
from tests.oracles import torchvision


@pytest.fixture(scope="module")
def module() -> nn.Module:
    graph = resnet18()
    return build(emit(graph), class_name(graph))


def test_source_can_be_looked_at(module: nn.Module) -> None:
    text = inspect.getsource(type(module))
    assert text.startswith("class ResNet18(nn.Module):")
    assert "def forward" in inspect.getsource(type(module).forward)


def test_tracebacks_show_the_line(module: nn.Module) -> None:
    linecache.checkcache()
    with pytest.raises(RuntimeError) as caught:
        module(torch.zeros(1, 4, 64, 64))
    shown = "".join(traceback.format_exception(caught.value))
    assert "self.conv1(x)" in shown


def test_one_text_is_one_module(module: nn.Module) -> None:
    source = emit(resnet18())
    assert load(source) is load(source)
    assert type(build(source, "ResNet18")) is type(module)


def test_modules_can_be_pickled(module: nn.Module) -> None:
    assert set(pickle.loads(pickle.dumps(module)).state_dict()) == set(module.state_dict())


def test_source_that_fails_leaves_nothing_behind() -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            load("1 / 0\n")


def test_a_tracer_of_torch_reads_it(module: nn.Module) -> None:
    traced = torch.fx.symbolic_trace(module.eval())
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(traced(x), module(x))


def test_unlabelled_layers_compile() -> None:
    spec = resnetdsl.load(
        "network t {\n input 3x8x8\n let y = x -> conv(4, 3x3)\n y + (y -> conv(4, 1x1) -> relu)\n}\n"
    )
    module = spec.network("t").module().eval()
    exported = torch.export.export(module, (torch.randn(2, 3, 8, 8),)).module()
    x = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(exported(x), module(x))


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2"])
def test_weights_of_torchvision_load_and_give_its_numbers(name: str) -> None:
    theirs = getattr(torchvision().models, name)().eval()
    randomise(theirs)
    ours = resnetdsl.load(name).network(name).module().eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))


def test_weights_start_as_torchvision_starts_them() -> None:
    torch.manual_seed(0)
    theirs = torchvision().models.resnet18()
    ours = resnetdsl.load("resnet18").network("resnet18").module()
    for name, leaf in theirs.named_parameters():
        mine = ours.get_parameter(name)
        if leaf.std() == 0:
            assert torch.equal(mine, leaf), name
        else:
            assert abs(mine.std() / leaf.std() - 1) < 0.1, name
            assert abs(mine.abs().max() / leaf.abs().max() - 1) < 0.5, name


def test_a_last_norm_starts_at_zero() -> None:
    module = resnetdsl.load("seresnet50").network("seresnet50").module()
    assert not module.get_parameter("layer1.0.bn3.weight").any()
    assert module.get_parameter("layer1.0.bn2.weight").all()


@pytest.mark.parametrize("start", ["he_fan_out", "xavier", "torch"])
def test_a_rule_for_a_class_does_not_reach_those_derived_from_it(start: str) -> None:
    """Convolutions start at one half; the standardised ones, which derive from them, as they say themselves."""
    own = f'std_conv(8, 3x3, init = "{start}")'
    body = f"a: {own} -> b: {own} -> c: conv(8, 3x3, init = 0.5) -> d: conv(8, 3x3, init = 0.5)"
    module = resnetdsl.load(f"network t {{\n input 3x8x8\n {body}\n}}\n").network("t").module()
    for name in "ab":
        assert module.get_parameter(f"{name}.weight").std() > 0
    for name in "cd":
        assert (module.get_parameter(f"{name}.weight") == 0.5).all()
