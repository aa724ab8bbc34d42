"""The CIFAR networks of three papers against PyTorch written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import torch
from torch import nn

from resnetdsl.analysis.metrics import metrics
from tests.networks import references as by_hand
from tests.networks.comparing import (
    assert_same_function,
    assert_same_gradients,
    difference,
    graph,
    image,
    measured_macs,
    module,
    promised,
    randomise,
    spec,
    state,
)

slow = pytest.mark.slow


@dataclass(frozen=True)
class Case:
    """A network of a spec, its parameters there, a small version for the fast suite, and who builds it by hand."""

    file: str
    name: str
    make: Callable[..., nn.Module]
    shipped: dict[str, int]
    small: dict[str, int] = field(default_factory=lambda: {"n": 2})


def _with(shortcut: type[by_hand.OptionA]) -> Callable[[int], nn.Module]:
    return lambda n: by_hand.cifar_resnet(n, shortcut)


def _ordered(unit: type[by_hand.Original], last: bool = False) -> Callable[[int], nn.Module]:
    return lambda n: by_hand.cifar_resnet(n, unit=unit, last=last)


_SMALL_WIDE = {"depth": 16, "k": 2}
CASES = (
    *(Case("cifar", f"resnet{6 * n + 2}", by_hand.cifar_resnet, {"n": n}) for n in (3, 5, 7, 9, 18, 200)),
    *(Case("cifar", f"plain{6 * n + 2}", _with(by_hand.Nothing), {"n": n}) for n in (3, 5, 7, 9)),
    Case("preact", "preresnet110", by_hand.preresnet, {"n": 18}),
    Case("preact", "preresnet164", by_hand.preresnet_bottleneck, {"n": 18}),
    Case("preact", "preresnet1001", by_hand.preresnet_bottleneck, {"n": 111}),
    Case("preact", "resnet110_scaled", _with(by_hand.Half), {"n": 18}),
    Case("preact", "resnet110_scaled_both", _with(by_hand.HalfOfBoth), {"n": 18}),
    Case("preact", "resnet110_exclusive_gate", _with(by_hand.ExclusiveGate), {"n": 18}),
    Case("preact", "resnet110_shortcut_gate", _with(by_hand.ShortcutGate), {"n": 18}),
    Case("preact", "resnet110_conv1x1", _with(by_hand.Conv1x1), {"n": 18}),
    Case("preact", "resnet110_dropout", _with(by_hand.Dropped), {"n": 18}),
    Case("preact", "resnet110_bn_after_addition", _ordered(by_hand.BNAfterAddition), {"n": 18}),
    Case("preact", "resnet110_relu_before_addition", _ordered(by_hand.ReLUBeforeAddition), {"n": 18}),
    Case("preact", "resnet110_relu_only_preactivation", _ordered(by_hand.ReLUOnlyPreactivation, last=True), {"n": 18}),
    Case("wide", "wrn_16_8", by_hand.wide_resnet, {"depth": 16, "k": 8}, _SMALL_WIDE),
    Case("wide", "wrn_40_4", by_hand.wide_resnet, {"depth": 40, "k": 4}, _SMALL_WIDE),
    Case("wide", "wrn_28_10", by_hand.wide_resnet, {"depth": 28, "k": 10}, _SMALL_WIDE),
    Case("wide", "wrn_28_10_dropout", by_hand.wide_resnet, {"depth": 28, "k": 10}, _SMALL_WIDE),
    Case("stochastic_depth", "resnet110_stochastic", by_hand.stochastic_resnet, {"n": 18}),
    Case("stochastic_depth", "resnet1202_stochastic", by_hand.stochastic_resnet, {"n": 200}),
)
NAMES = [case.name for case in CASES]


def names_of(spec_file: str) -> list[str]:
    return [case.name for case in CASES if case.file == spec_file]


@pytest.mark.parametrize("file", ["cifar", "preact", "wide", "stochastic_depth"])
def test_every_network_has_its_case(file: str) -> None:
    assert sorted(names_of(file)) == sorted(spec(file).networks)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_small_versions_are_the_same_function(case: Case) -> None:
    ours, other = module(case.file, case.name, **case.small), case.make(**case.small)
    assert sorted(state(ours)) == sorted(state(other)) == sorted(promised(graph(case.file, case.name, **case.small)))
    assert_same_function(ours, other, (3, 32, 32), (3, 45, 33))


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_small_versions_cost_what_torch_counts(case: Case) -> None:
    ours = metrics(graph(case.file, case.name, **case.small))
    assert ours["macs"] == measured_macs(case.make(**case.small), (3, 32, 32))


@pytest.mark.parametrize("case", [case for case in CASES if case.shipped.get("n", 0) < 20], ids=lambda case: case.name)
def test_shipped_versions_promise_the_state_of_the_reference(case: Case) -> None:
    with torch.device("meta"):
        other = case.make(**case.shipped)
    assert sorted(promised(graph(case.file, case.name))) == sorted(state(other))


@slow
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_shipped_versions_are_the_same_function(case: Case) -> None:
    ours, other = module(case.file, case.name), case.make(**case.shipped)
    assert sorted(state(ours)) == sorted(state(other)) == sorted(promised(graph(case.file, case.name)))
    assert_same_function(ours, other, (3, 32, 32), (3, 45, 33))
    assert metrics(graph(case.file, case.name))["macs"] == measured_macs(other, (3, 32, 32))


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if "dropout" not in case.name and case.file != "stochastic_depth"],
    ids=lambda case: case.name,
)
def test_gradients_agree(case: Case) -> None:
    assert_same_gradients(module(case.file, case.name, **case.small), case.make(**case.small), (3, 17, 16))


@pytest.mark.parametrize("name", ["resnet110_stochastic", "resnet110_dropout", "wrn_28_10_dropout"])
def test_what_training_drops_at_random_is_dropped_at_the_same_rate_in_the_same_places(name: str) -> None:
    """One seed gives one course of the dice only if each is thrown with the same odds in the same order."""
    case = CASES[NAMES.index(name)]
    more = {"dropout_rate": 0.3} if name.startswith("wrn") else {}
    ours, other = module(case.file, name, **case.small), randomise(case.make(**case.small, **more))
    ours.load_state_dict(other.state_dict(), strict=True)
    found = []
    for network in (ours.train(), other.train()):
        torch.manual_seed(3)
        with torch.no_grad():
            found.append(network(image(3, 16, 16, batch=8)))
    assert difference(*found) < 1e-4
