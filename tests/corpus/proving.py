"""The proofs that every family of the corpus goes through, against timm and the table of its counts.

`timm_models.csv` says what timm 1.0.31's networks cost at their own size of input.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import torch

from resnetdsl.analysis.metrics import metrics
from resnetdsl.elaborate.values import Value
from tests.everything import EVERYTHING
from tests.networks import comparing
from tests.networks.comparing import assert_same_function, graph, module, promised, spec, state
from tests.oracles import timm

TABLE = Path(__file__).with_name("timm_models.csv")


@dataclass(frozen=True, slots=True)
class Row:
    """What timm's network of this name is known to cost at its own size of input."""

    name: str
    params: int
    macs: int
    size: str


@cache
def rows(family: str) -> dict[str, Row]:
    """The networks of one of timm's families."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {
            row["model"]: Row(row["model"], int(row["params"]), int(row["macs"]), row["input"])
            for row in csv.DictReader(file)
            if row["family"] == family
        }


LARGEST = 1_000_000_000 if EVERYTHING else 150_000_000
"""Networks of more parameters than this are proven by their state and counts alone here: `make corpus` has them all."""


def names(family: str, quick: tuple[str, ...]) -> list[object]:
    """The family's networks for a test that computes: all but a few are slow."""
    small = [name for name, row in rows(family).items() if row.params <= LARGEST]
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in small]


def assert_same_state_and_counts(family: str, name: str, file: str = "") -> None:
    """Keys, shapes and order of the weights are timm's; parameters and multiply-accumulates are the table's.

    `file` is for what stands in another file than its family's.
    """
    with torch.device("meta"):
        theirs = timm().create_model(name)
    checked = graph(file or family, name)
    assert promised(checked) == state(theirs)
    row, found = rows(family)[name], metrics(checked)
    assert "x".join(map(str, checked.node(0).outputs[0].shape)) == row.size
    assert (found["params"], found["macs"]) == (row.params, row.macs)


def assert_same_outputs(family: str, name: str, *sizes: tuple[int, int, int], file: str = "") -> None:
    """timm's weights, drawn anew, load as they are, and both compute the same of images of these sizes."""
    ours, theirs = module(file or family, name), timm().create_model(name)
    assert state(ours) == state(theirs)
    assert_same_function(ours, theirs, *sizes)


def assert_same_gradients(
    family: str, name: str, size: tuple[int, int, int], file: str = "", **overrides: Value
) -> None:
    """A step of training gives every weight timm's gradient, and every norm timm's statistics. Nothing is dropped."""
    theirs = timm().create_model(name, drop_rate=0.0)
    comparing.assert_same_gradients(module(file or family, name, **overrides), theirs, size)


def assert_all_are_here_and_documented(family: str, file: str = "") -> None:
    """The file has every network of the table, has nothing to complain of, and each one says what it is."""
    found = spec(file or family)
    report = found.check()
    assert not report.diagnostics, str(report)
    assert set(rows(family)) <= set(found.networks)
    assert found.module is not None
    assert all(found.module.networks[name].doc for name in rows(family))
