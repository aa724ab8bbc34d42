"""Every shipped spec holds what it promises, without a warning, and says where it is from."""

from __future__ import annotations

import re

import pytest

from resnetdsl.paths import specs_dir
from resnetdsl.spec import Spec
from tests.networks.comparing import spec

FILES = sorted(path.stem for path in specs_dir().glob("*.rnet"))
OURS = ("cifar", "detection", "preact", "resnet", "resnetd", "senet", "stochastic_depth", "wide")


def test_the_families_are_all_here() -> None:
    assert set(OURS) <= set(FILES)


@pytest.mark.parametrize("file", OURS)
def test_check_has_nothing_to_say(file: str) -> None:
    report = spec(file).check()
    assert not report.diagnostics, str(report)
    assert set(report.graphs) == set(spec(file).networks)
    assert all(graph is not None for graph in report.graphs.values())


def definitions(found: Spec) -> list[tuple[str, str, str]]:
    """Name, documentation and text of every network of a file."""
    assert found.module is not None
    return [
        (name, item.doc, item.span.file.text[item.span.start : item.span.end])
        for name, item in found.module.networks.items()
    ]


@pytest.mark.parametrize("file", OURS)
def test_every_network_is_documented_and_every_instance_promises_its_counts(file: str) -> None:
    for name, doc, text in definitions(spec(file)):
        assert doc, name
        if name in spec(file).networks:
            assert re.search(r"expect params == ", text), name


@pytest.mark.parametrize("file", OURS)
def test_the_file_names_its_papers(file: str) -> None:
    text = (specs_dir() / f"{file}.rnet").read_text(encoding="utf-8")
    assert text.startswith("## ")
    assert re.search(r"\bet al\., 20\d\d|and Komodakis, 2016", text)


@pytest.mark.parametrize(
    ("file", "name", "params"),
    [
        ("resnet", "resnet50", 25_557_032),
        ("resnet", "resnet50_v1", 25_557_032),
        ("resnetd", "resnet50d", 25_576_264),
        ("senet", "seresnet50", 28_088_024),
    ],
)
def test_ten_classes_are_an_override_away(file: str, name: str, params: int) -> None:
    from resnetdsl.analysis.metrics import metrics

    found = metrics(spec(file).graph(name, overrides={"classes": 10}))
    assert found["params"] == params - 990 * 2049
    assert found["output"] == (10,)
