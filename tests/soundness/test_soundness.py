"""Whatever `check` accepts builds, runs and has the shapes it inferred; whatever it refuses is refused with a span."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import resnetdsl
from resnetdsl.ir.graph import CheckedGraph
from resnetdsl.ops.registry import OPS
from resnetdsl.paths import specs_dir
from resnetdsl.spec import Report, Spec
from tests.everything import EVERYTHING
from tests.soundness.generator import Generator, generate
from tests.soundness.mutations import mutate

SPECS = sorted(specs_dir().glob("*.rnet"))
SEEDS = range(1000, 13_000, 1000)
DAMAGES = range(1000, 2000, 200) if EVERYTHING else range(1000, 1200, 200)


def checked(text: str, network: str | None = None) -> tuple[Spec, Report]:
    """Check a text; whatever it says, it says with a place in the text and without raising."""
    spec = resnetdsl.load(f"{text}\n")
    report = spec.check(network)
    str(report)
    for diagnostic in report.diagnostics:
        span = diagnostic.primary.span
        assert 0 <= span.start <= span.end <= len(span.file.text)
    if not report.ok:
        assert report.errors
    return spec, report


def weights(graph: CheckedGraph) -> dict[str, tuple[int, ...]]:
    """The checkpoint that a graph says it has."""
    found: dict[str, tuple[int, ...]] = {}
    for node in graph.nodes():
        for weight in OPS[node.op].weights(node.attrs, graph.input_types(node.id)):
            found[f"{node.path}.{weight.name}" if weight.name else node.path] = weight.shape
    return found


def holds(spec: Spec, device: str) -> None:
    """Build the accepted networks of a spec; on the meta device shapes are computed and no numbers."""
    for name in spec.networks:
        net = spec.network(name)
        graph = net.checked
        with torch.device(device):
            module = net.module().eval()
            images = torch.randn(2, *graph.node(0).outputs[0].shape)
            with torch.no_grad():
                result = module(images)
        results = result if isinstance(result, dict) else {"output": result}
        assert {name: tuple(value.shape)[1:] for name, value in results.items()} == {
            output.name: graph.type(output.source).shape for output in graph.outputs
        }
        assert {name: tuple(value.shape) for name, value in module.state_dict().items()} == weights(graph)


@dataclass
class Drawn:
    """Choices by hypothesis, which then finds the smallest spec that fails."""

    data: st.DataObject

    def number(self, low: int, high: int) -> int:
        return self.data.draw(st.integers(low, high))


@given(st.data())
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_what_is_accepted_runs_and_what_is_refused_has_a_place(data: st.DataObject) -> None:
    text = Generator(Drawn(data)).spec()
    spec, report = checked(text)
    if report.ok:
        holds(spec, "cpu")


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_seeded_specs_hold(start: int) -> None:
    accepted = 0
    for seed in range(start, start + 50):
        spec, report = checked(generate(seed))
        if report.ok:
            accepted += 1
            holds(spec, "cpu")
    assert accepted >= 10, "the generator makes too few specs that are right to prove anything"


@pytest.mark.slow
@pytest.mark.parametrize("start", SEEDS)
def test_many_seeded_specs_hold(start: int) -> None:
    for seed in range(start, start + (1000 if EVERYTHING else 200)):
        spec, report = checked(generate(seed))
        if report.ok:
            holds(spec, "cpu" if seed % 10 == 0 else "meta")


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_damaged_specs_are_refused_with_a_place_or_hold(path: Path) -> None:
    _damage(path, range(8), build_every=4)


@pytest.mark.slow
@pytest.mark.parametrize("start", DAMAGES)
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_many_damaged_specs(path: Path, start: int) -> None:
    _damage(path, range(start, start + (200 if EVERYTHING else 40)), build_every=20)


def _damage(path: Path, seeds: range, build_every: int) -> None:
    """Damage a file, and look at one of its networks each time: a family has a hundred."""
    text = path.read_text(encoding="utf-8")
    for seed in seeds:
        damaged = mutate(text, seed)
        names = resnetdsl.load(f"{damaged}\n").networks
        name = names[seed % len(names)] if names else None
        spec, report = checked(damaged, name)
        if name is not None and report.ok and seed % build_every == 0:
            with torch.device("meta"):
                module = spec.network(name).module().eval()
            graph = spec.network(name).checked
            assert {key: tuple(value.shape) for key, value in module.state_dict().items()} == weights(graph)
