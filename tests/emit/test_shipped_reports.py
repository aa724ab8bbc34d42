"""Dump, summary and diagram of the networks that ship with resnetdsl."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

import resnetdsl
from resnetdsl.analysis.metrics import metrics
from resnetdsl.api import shipped_networks
from resnetdsl.emit.diagram import WireKind, draw, to_dot, to_mermaid, to_svg, view
from resnetdsl.emit.outline import Level
from resnetdsl.emit.summary import as_text, summarise
from resnetdsl.ir.dump import dump, equal, load
from resnetdsl.ir.graph import Graph

FEW = ("resnet18", "resnet50", "preresnet110", "seresnet50", "resnet50_fpn", "resnet110_stochastic", "plain34")


def graph(name: str) -> Graph:
    spec = resnetdsl.load(shipped_networks()[name])
    if name not in spec.networks:
        pytest.skip(f"{name} needs arguments")
    return spec.network(name).checked


def report(made: Graph) -> None:
    assert equal(made, load(dump(made)))
    found = metrics(made)
    for level in Level:
        summary = summarise(made, level)
        leaves = [(line, times) for line, _, times in summary.walk() if not line.children]
        assert sum(line.sums.params * times for line, times in leaves) == found["params"]
        assert sum(line.sums.macs * times for line, times in leaves) == found["macs"]
        assert f"{found['params']:,}" in as_text(summary, 80)
        drawn = view(made, level)
        assert to_dot(drawn)
        assert to_mermaid(drawn)
        ET.fromstring(to_svg(draw(drawn)))


@pytest.mark.parametrize("name", FEW)
def test_reports(name: str) -> None:
    report(graph(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(shipped_networks()) - set(FEW)))
def test_reports_of_all(name: str) -> None:
    report(graph(name))


@pytest.mark.parametrize(
    ("name", "projections", "identities"),
    [("resnet50", 4, 4), ("resnet18", 3, 4), ("plain34", 0, 0), ("preresnet110", 2, 4)],
)
def test_shortcuts_are_seen(name: str, projections: int, identities: int) -> None:
    drawn = view(graph(name), Level.STAGE)
    kinds = [wire.kind for wire in drawn.wires]
    assert (kinds.count(WireKind.PROJECTION), kinds.count(WireKind.IDENTITY)) == (projections, identities)


def test_fields_of_the_paper() -> None:
    # Araujo et al. (2019) list 483, with the stride on the 1x1 as in the paper's own networks.
    assert metrics(graph("resnet50_v1"))["receptive_field"] == 483
    assert metrics(graph("resnet50"))["receptive_field"] == 427
