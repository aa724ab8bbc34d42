"""timm's legacy SENets stand in specs/legacy_senet.rnet: names, weights, counts, outputs."""

from __future__ import annotations

import pytest
import torch

from resnetdsl.analysis.metrics import metrics
from tests.corpus.proving import rows
from tests.networks.comparing import assert_same_function, assert_same_gradients, graph, module, promised, spec, state
from tests.oracles import timm

FILE = "legacy_senet"
ROWS = rows("senet")
COUNTED = ("legacy_seresnet18", "legacy_seresnet50", "legacy_senet154")
COMPUTED = ("legacy_seresnet18", "legacy_seresnext26_32x4d")


def slow_but(names: tuple[str, ...]) -> list[object]:
    return [name if name in names else pytest.param(name, marks=pytest.mark.slow) for name in ROWS]


def test_the_family_is_whole() -> None:
    found = spec(FILE)
    report = found.check()
    assert not report.diagnostics, str(report)
    assert set(found.networks) == set(ROWS)
    assert found.module is not None
    assert all(network.doc for network in found.module.networks.values())


@pytest.mark.parametrize("name", slow_but(COUNTED))
def test_state_and_counts(name: str) -> None:
    with torch.device("meta"):
        theirs = timm().create_model(name)
    checked = graph(FILE, name)
    assert promised(checked) == state(theirs)
    found = metrics(checked)
    assert "x".join(map(str, checked.node(0).outputs[0].shape)) == ROWS[name].size
    assert (found["params"], found["macs"]) == (ROWS[name].params, ROWS[name].macs)


@pytest.mark.parametrize("name", slow_but(COMPUTED))
def test_outputs(name: str) -> None:
    ours, theirs = module(FILE, name), timm().create_model(name)
    assert state(ours) == state(theirs)
    assert_same_function(ours, theirs, (3, 64, 64), (3, 65, 97))


@pytest.mark.slow
def test_gradients() -> None:
    name = "legacy_seresnet18"
    ours, theirs = module(FILE, name, drop_rate=0), timm().create_model(name, drop_rate=0)
    assert_same_gradients(ours, theirs, (3, 64, 64))


def test_dropout_is_timms() -> None:
    rates = [node.attrs["rate"] for node in graph(FILE, "legacy_seresnet18").nodes() if node.op == "dropout"]
    with torch.device("meta"):
        assert rates == [timm().create_model("legacy_seresnet18").drop_rate]
