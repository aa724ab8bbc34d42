"""timm's EfficientNet family: names, weights, counts, outputs. Its networks stand by their papers in several files."""

from __future__ import annotations

import pytest
import torch

from resnetdsl.analysis.metrics import metrics
from tests.corpus.proving import LARGEST, rows
from tests.networks.comparing import (
    assert_same_function,
    assert_same_gradients,
    graph,
    module,
    promised,
    spec,
    state,
)
from tests.oracles import timm

FILES = ("mobilenet", "mixnet", "efficientnet", "condconv", "efficientnet_accelerated", "efficientnetv2")
ROWS = rows("efficientnet")
HOME = {name: file for file in FILES for name in spec(file).networks if name in ROWS}
SAMPLE = {
    "mobilenetv1_100": "depthwise separable blocks, no convolution in the head",
    "mobilenetv2_110d": "fixed ends",
    "fbnetc_100": "stages that differ in their blocks",
    "tf_mixnet_s": "mixed kernels, TensorFlow's padding, activations by stage",
    "efficientnet_b0_g8_gn": "gates, grouped convolutions, group norm",
    "efficientnet_cc_b0_4e": "convolutions mixed for each image, in timm's order of the weights",
    "tf_efficientnetv2_b1": "one convolution for two, widths to the nearest multiple",
}
COMPUTED = ("mobilenetv2_035", "test_efficientnet", "test_efficientnet_evos")


def sampled(quick: dict[str, str] | tuple[str, ...]) -> list[object]:
    """All networks for a test; those outside of a sample are slow."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in HOME]


def too_large(name: object) -> bool:
    (name,) = getattr(name, "values", (name,))
    return ROWS[str(name)].params > LARGEST


def test_the_family_is_here_and_documented() -> None:
    assert set(HOME) == set(ROWS)
    assert sum(len(set(ROWS) & set(spec(file).networks)) for file in FILES) == len(HOME)
    for name, file in HOME.items():
        found = spec(file).module
        assert found is not None
        assert found.networks[name].doc, name


@pytest.mark.parametrize("file", ["mixnet", *(pytest.param(f, marks=pytest.mark.slow) for f in FILES if f != "mixnet")])
def test_files_have_no_mistakes(file: str) -> None:
    report = spec(file).check()
    assert not report.diagnostics, str(report)


@pytest.mark.parametrize("name", sampled(SAMPLE))
def test_state_and_counts(name: str) -> None:
    with torch.device("meta"):
        theirs = timm().create_model(name)
    checked = graph(HOME[name], name)
    assert promised(checked) == state(theirs)
    row, found = ROWS[name], metrics(checked)
    assert "x".join(map(str, checked.node(0).outputs[0].shape)) == row.size
    assert (found["params"], found["macs"]) == (row.params, row.macs)


@pytest.mark.parametrize("name", [name for name in sampled(COMPUTED) if not too_large(name)])
def test_outputs(name: str) -> None:
    ours, theirs = module(HOME[name], name), timm().create_model(name)
    assert state(ours) == state(theirs)
    assert_same_function(ours, theirs, (3, 64, 64), (3, 65, 97))


@pytest.mark.slow
def test_gradients() -> None:
    assert_same_gradients(module("efficientnet", "tinynet_e"), timm().create_model("tinynet_e"), (3, 64, 64))
